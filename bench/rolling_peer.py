"""Peer of the bench `rolling`: slope and intercept by polars. Arguments: file of x and y, points, window."""
import os

os.environ["POLARS_MAX_THREADS"] = "1"
import json
import sys
import time

import polars as pl

import numpy as np

path, points, window = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x, y = np.fromfile(path).reshape(2, points)
frame = pl.DataFrame({"x": x, "y": y})
X, Y = pl.col("x"), pl.col("y")
slope = pl.rolling_cov(X, Y, window_size=window) / X.rolling_var(window)
line = [slope.alias("slope"), (Y.rolling_mean(window) - slope * X.rolling_mean(window)).alias("intercept")]
rates = []
for _ in range(6):
    started = time.process_time()
    frame.lazy().select(line).collect()
    rates.append(points / (time.process_time() - started) / 1e6)
print(json.dumps(dict(rates=rates[1:], version=f"polars {pl.__version__}")))
