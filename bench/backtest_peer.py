"""Peer of the backtest benches: vectorbt's from_signals. Arguments: `single BARS`, or `sweep FILE ROWS` (open and close as Float64)."""
import json
import sys
import time

import numpy as np
import pandas as pd
import vectorbt as vbt


def walk(n, seed=42, start=10_000.0, vol=0.0005):
    """Open and close of the walk that the bench makes, bit for bit."""
    state = seed

    def uniform():
        nonlocal state
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        return state / 4294967296.0

    opening, close = np.empty(n), np.empty(n)
    price = start
    for i in range(n):
        z = 0.0
        for _ in range(4):
            z += uniform()
        following = price * (1.0 + vol * ((z - 2.0) * 1.7320508075688772))
        for _ in range(3):
            uniform()
        opening[i] = np.floor(price * 100.0 + 0.5) / 100.0
        close[i] = np.floor(following * 100.0 + 0.5) / 100.0
        price = following
    return opening, close


def single(n):
    opening, close = walk(n)
    index = pd.date_range("2020-01-01", periods=n, freq="min")
    opening, close = pd.Series(opening, index), pd.Series(close, index)

    def run():
        fast, slow = vbt.MA.run(close, 10), vbt.MA.run(close, 30)
        enter = fast.ma_crossed_above(slow).shift(1, fill_value=False)
        leave = fast.ma_crossed_below(slow).shift(1, fill_value=False)
        portfolio = vbt.Portfolio.from_signals(close, enter, leave, price=opening, fees=0.00001, init_cash=1e7,
                                               size=0.99, size_type="percent")
        return portfolio.value().iloc[-1]

    return run, n / 1e6, 5


def sweep(path, rows):
    opening, close = np.fromfile(path).reshape(2, rows)
    index = pd.date_range("2000-01-01", periods=rows, freq="D")
    pairs = [(f, s) for f in range(2, 27) for s in range(30, 70)]
    windows = sorted({n for pair in pairs for n in pair})
    frame = pd.Series(close, index)

    def run():
        means = vbt.MA.run(frame, windows).ma.to_numpy()
        at = {n: i for i, n in enumerate(windows)}
        a, b = means[:, [at[f] for f, _ in pairs]], means[:, [at[s] for _, s in pairs]]
        enter, leave = np.zeros(a.shape, bool), np.zeros(a.shape, bool)
        # a cross at close t-1, acted on at open t
        enter[2:] = (a > b)[1:-1] & ~(a > b)[:-2] & ~np.isnan(b[:-2])
        leave[2:] = (a < b)[1:-1] & ~(a < b)[:-2] & ~np.isnan(b[:-2])
        columns = pd.RangeIndex(len(pairs))
        portfolio = vbt.Portfolio.from_signals(
            frame, pd.DataFrame(enter, index, columns), pd.DataFrame(leave, index, columns),
            price=pd.Series(opening, index), fees=0.001, init_cash=1e7, size=0.99, size_type="percent")
        return portfolio.value().iloc[-1].max()

    return run, len(pairs), 3


run, work, repeats = single(int(sys.argv[2])) if sys.argv[1] == "single" else sweep(sys.argv[2], int(sys.argv[3]))
run()
rates = []
for _ in range(repeats):
    started = time.process_time()
    run()
    rates.append(work / (time.process_time() - started))
print(json.dumps(dict(rates=rates, version=vbt.__version__)))
