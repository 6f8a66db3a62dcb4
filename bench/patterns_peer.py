"""Peer of the bench `patterns`: TA-Lib's candlestick patterns. Arguments: file of float64 columns, bars, repeats."""
import json
import sys
import time

import numpy as np
import talib as t

path, bars, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
columns = np.fromfile(path).reshape(4, bars)
functions = [getattr(t, name) for name in t.get_function_groups()["Pattern Recognition"]]
hits = sum(int(np.abs(f(*columns)).sum()) for f in functions)
rates = []
for _ in range(repeats):
    started = time.process_time()
    for f in functions:
        f(*columns)
    rates.append(len(functions) * bars / (time.process_time() - started) / 1e6)
print(json.dumps(dict(version=t.__version__, rates=rates, check=dict(patterns=len(functions), hits=hits))))
