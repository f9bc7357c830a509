"""The e-values of a canary's test in exact arithmetic, as an independent reference.

usage: canary_reference.py BLOCKS LOW HIGH MARGIN

BLOCKS is a JSON file: a list of blocks, each the candidate's values and the control's. A smaller value is better. Prints
the e-values for promotion and rollback, the candidate's mean and the control's standard deviation. Standard library only.
"""

import json
import statistics
import sys
from fractions import Fraction


def main(path, low, high, margin):
    low, high, margin = Fraction(low), Fraction(high), Fraction(margin)
    with open(path, encoding="utf-8") as file:
        blocks = json.load(file)
    stakes = [Fraction(0.9) / 2**k for k in range(8)]
    promote, rollback = [Fraction(1)] * len(stakes), [Fraction(1)] * len(stakes)
    m = margin / (high - low)
    seen = ([], [])
    for arms in blocks:
        means = []
        for arm, values in zip(seen, arms):
            values = [min(max(Fraction(v), low), high) for v in values]
            arm.extend(values)
            means.append(sum(values) / len(values))
        difference = (means[1] - means[0]) / (high - low)
        for i, stake in enumerate(stakes):
            promote[i] *= 1 + stake / (1 - m) * (difference + m)
            rollback[i] *= 1 - stake * difference
    print(float(sum(promote) / len(promote)), float(sum(rollback) / len(rollback)))
    print(float(statistics.mean(seen[0])), statistics.stdev([float(v) for v in seen[1]]))


main(*sys.argv[1:])
