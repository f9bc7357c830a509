"""Flower's aggregation functions and the trainer's on as many updates of as many values, measured in turn."""

import argparse
import importlib.metadata
import json
import os
import subprocess
import time

import numpy as np
from flwr.common import Code, FitRes, Status, ndarrays_to_parameters
from flwr.server.strategy import aggregate as flower

parser = argparse.ArgumentParser()
parser.add_argument("--bench", required=True)
parser.add_argument("--updates", type=int, default=64)
parser.add_argument("--robust-updates", type=int, default=64, help="for the rules that take Flower longest")
parser.add_argument("--parameters", type=int, default=11_700_000)
parser.add_argument("--repetitions", type=int, default=3)
parser.add_argument("--rules", default="mean,median,trimmed,krum")
options = parser.parse_args()


def seconds(function, repetitions):
    best = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def in_place(results):
    """FedAvg's default; its updates come serialised, and taking them apart is part of it."""
    fits = [
        (None, FitRes(Status(Code.OK, ""), ndarrays_to_parameters(arrays), samples, {}))
        for arrays, samples in results
    ]
    return lambda: flower.aggregate_inplace(fits)


for rule in options.rules.split(","):
    updates = options.updates if rule == "mean" else options.robust_updates
    faulty = (updates - 3) // 2 // 2
    repetitions = options.repetitions if rule == "mean" else 1
    generator = np.random.default_rng(1)
    results = [
        ([generator.random(options.parameters, dtype=np.float32) - np.float32(0.5)], 1 + number % 7)
        for number in range(updates)
    ]
    times = {}
    if rule == "mean":
        times["aggregate"] = seconds(lambda: flower.aggregate(results), repetitions)
        times["aggregate_inplace"] = seconds(in_place(results), repetitions)
    elif rule == "median":
        times["aggregate_median"] = seconds(lambda: flower.aggregate_median(results), repetitions)
    elif rule == "trimmed":
        times["aggregate_trimmed_avg"] = seconds(lambda: flower.aggregate_trimmed_avg(results, 0.2), repetitions)
    elif rule == "krum":
        times["aggregate_krum"] = seconds(lambda: flower.aggregate_krum(results, faulty, 0), repetitions)
    del results
    # With the check of every value, which Flower has not, and without.
    printed = subprocess.run(
        [
            options.bench, "--rules", "mean,checked" if rule == "mean" else rule, "--updates", str(updates),
            "--parameters", str(options.parameters), "--repetitions", str(options.repetitions),
        ],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    peer = min(times, key=times.get)
    for line in printed.splitlines():
        ours = json.loads(line)
        print(
            json.dumps(
                {
                    "benchmark": ours["benchmark"], "updates": updates, "parameters": options.parameters,
                    "seconds": ours["seconds"], "peer": f"flwr {importlib.metadata.version('flwr')} {peer}",
                    "peer_seconds": round(times[peer], 3), "ratio": round(times[peer] / ours["seconds"], 2),
                    "cores": os.cpu_count(),
                }
            ),
            flush=True,
        )
