"""Peer of the bench `indicators`: TA-Lib on the same columns. Arguments: file of float64 columns, bars, repeats."""
import json
import sys
import time

import numpy as np
import talib as t

path, bars, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
o, h, l, c, v = np.fromfile(path).reshape(5, bars)
calls = dict(
    sma20=lambda: t.SMA(c, 20),
    ema20=lambda: t.EMA(c, 20),
    rsi14=lambda: t.RSI(c, 14),
    macd=lambda: t.MACD(c, 12, 26, 9),
    bbands20=lambda: t.BBANDS(c, 20, 2, 2),
    atr14=lambda: t.ATR(h, l, c, 14),
    adx14=lambda: t.ADX(h, l, c, 14),
    stoch=lambda: t.STOCH(h, l, c, 14, 3, 0, 3, 0),
)
for name, call in calls.items():
    call()
    rates = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        rates.append(bars / (time.process_time() - started) / 1e6)
    print(json.dumps(dict(name=name, rates=rates, version=t.__version__)), flush=True)
