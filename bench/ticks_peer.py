"""Peer of the bench `ticks`: polars on one thread. Arguments: file of trades, repeats."""
import os

os.environ["POLARS_MAX_THREADS"] = "1"
import json
import sys
import time

import polars as pl

path, repeats = sys.argv[1], int(sys.argv[2])
frame = pl.read_csv(path).select(
    pl.col("event_ms").cast(pl.Datetime("ms")).alias("t"), pl.col("price"), pl.col("size").cast(pl.Float64)
).set_sorted("t")
price = pl.col("price")
bars = [price.first().alias("open"), price.max().alias("high"), price.min().alias("low"), price.last().alias("close"),
        pl.col("size").sum().alias("volume"), pl.len().alias("ticks")]


def run():
    return frame.lazy().group_by_dynamic("t", every="1m", closed="left", label="left").agg(bars).collect()


run()
rates = []
for _ in range(repeats):
    started = time.process_time()
    run()
    rates.append(len(frame) / (time.process_time() - started) / 1e6)
print(json.dumps(dict(rates=rates, version=f"polars {pl.__version__}")))
