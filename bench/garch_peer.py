"""Peer of the bench `garch`: arch on the same returns. Argument: file of the returns."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import json
import sys
import time

import arch
import numpy as np

r = np.fromfile(sys.argv[1])
times = []
for _ in range(11):
    started = time.process_time()
    found = arch.arch_model(r, mean="Constant", vol="GARCH", p=1, q=1).fit(disp="off")
    times.append((time.process_time() - started) * 1e3)
check = dict(logLikelihood=float(found.loglikelihood))
print(json.dumps(dict(rates=times[1:], check=check, version=arch.__version__)))
