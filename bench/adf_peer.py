"""Peer of the bench `adf`: statsmodels on the same series. Argument: file of the series."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import json
import sys
import time

import numpy as np
import statsmodels
from statsmodels.tsa.stattools import adfuller

x = np.fromfile(sys.argv[1])
times = []
for _ in range(6):
    started = time.process_time()
    found = adfuller(x, regression="c", autolag="AIC")
    times.append((time.process_time() - started) * 1e3)
check = dict(statistic=float(found[0]), lags=int(found[2]))
print(json.dumps(dict(rates=times[1:], check=check, version=statsmodels.__version__)))
