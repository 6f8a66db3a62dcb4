"""Peer of the bench `montecarlo`: numpy, all paths by blocks of a step. Arguments: paths, steps."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import json
import sys
import time

import numpy as np

paths, steps = int(sys.argv[1]), int(sys.argv[2])
drift, volatility, step = 0.05, 0.2, 1 / steps


def simulate():
    random = np.random.default_rng(1)
    logs = np.zeros(paths)
    for _ in range(steps):
        logs += (drift - volatility**2 / 2) * step + volatility * np.sqrt(step) * random.standard_normal(paths)
    return 1 - np.quantile(np.exp(logs), 0.05)


rates = []
for _ in range(6):
    started = time.process_time()
    found = simulate()
    rates.append(paths / (time.process_time() - started))
print(json.dumps(dict(rates=rates[1:], check=dict(valueAtRisk=float(found)), version=np.__version__)))
