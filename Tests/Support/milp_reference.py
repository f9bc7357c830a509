"""Solve composition problems with scipy's HiGHS, as an independent reference.

Reads a JSON list of problems from the file named first and writes one JSON answer each to the file named second:
the optimal objective as an integer, or null where the problem is infeasible. All figures are integers of moderate
size, so that rounding HiGHS's answer gives an exact one, which is checked here on the integers.
"""

import json
import sys

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp


def solve(problem):
    profits = np.array(problem["profits"], dtype=float)
    layers = np.array(problem["layers"])
    count = len(profits)
    rows, lower, upper = [], [], []
    for costs, capacity in zip(problem["costs"], problem["capacities"]):
        if capacity is not None:
            rows.append(costs)
            lower.append(-np.inf)
            upper.append(capacity)
    for layer in range(problem["layerCount"]):
        rows.append((layers == layer).astype(float))
        lower.append(problem["minimum"])
        upper.append(np.inf)
    answer = milp(
        -profits,
        constraints=LinearConstraint(np.array(rows, dtype=float), lower, upper),
        integrality=np.ones(count),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    if answer.status == 2:
        return None
    if answer.status != 0:
        raise SystemExit(f"HiGHS stopped with status {answer.status}: {answer.message}")
    chosen = [index for index in range(count) if answer.x[index] > 0.5]
    for costs, capacity in zip(problem["costs"], problem["capacities"]):
        if capacity is not None and sum(costs[index] for index in chosen) > capacity:
            raise SystemExit("HiGHS's answer does not fit once rounded: scale the instance down")
    return sum(problem["profits"][index] for index in chosen)


def main():
    with open(sys.argv[1]) as source:
        problems = json.load(source)
    answers = [solve(problem) for problem in problems]
    with open(sys.argv[2], "w") as target:
        json.dump(answers, target)


main()
