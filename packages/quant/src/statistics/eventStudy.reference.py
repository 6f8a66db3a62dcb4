"""Figures that eventStudy.test.ts compares with, by statsmodels, scipy and numpy; written to eventStudy.reference.json.

    python eventStudy.reference.py
"""

import json
from pathlib import Path

import numpy as np
import scipy.stats
import statsmodels.api as sm

EVENTS, BEFORE, AROUND = 6, 60, 11
WINDOWS = [[0, 11], [4, 7], [5, 6]]

rng = np.random.default_rng(7)
market = rng.normal(0.0004, 0.01, (EVENTS, BEFORE + AROUND)).round(8)
beta = rng.uniform(0.5, 1.6, (EVENTS, 1))
own = 0.0002 + beta * market + rng.normal(0, 0.015, market.shape)
own[:, BEFORE + 5] += 0.04
own = own.round(8)


def fit(model, i):
    y, x = own[i, :BEFORE], market[i, :BEFORE]
    around, outside = own[i, BEFORE:], market[i, BEFORE:]
    if model == "marketAdjusted":
        residuals = y - x
        deviation = np.sqrt(np.mean(residuals**2))
        return dict(alpha=0.0, beta=1.0, deviation=deviation, residuals=residuals, abnormal=around - outside,
                    errors=np.full(AROUND, deviation), parameters=0, covariance=np.eye(AROUND) * deviation**2)
    design = np.ones((BEFORE, 1)) if model == "mean" else sm.add_constant(x)
    new = np.ones((AROUND, 1)) if model == "mean" else sm.add_constant(outside, has_constant="add")
    result = sm.OLS(y, design).fit()
    forecast = result.get_prediction(new)
    # Of all forecast errors together: what is drawn anew, and the parameters that they share.
    covariance = result.scale * np.eye(AROUND) + new @ result.cov_params() @ new.T
    return dict(alpha=result.params[0], beta=0.0 if model == "mean" else result.params[1],
                deviation=np.sqrt(result.scale), residuals=result.resid, abnormal=around - forecast.predicted_mean,
                errors=forecast.se_obs, parameters=design.shape[1], covariance=covariance)


def study(fits, window):
    from_, to = window
    length = to - from_
    degrees = BEFORE - fits[0]["parameters"]
    car = np.array([f["abnormal"][from_:to].sum() for f in fits])
    together = np.mean([f["residuals"] for f in fits], axis=0)
    time_series = car.mean() / (np.sqrt((together**2).sum() / degrees) * np.sqrt(length))
    standardised = np.array([(f["abnormal"] / f["errors"])[from_:to].sum() for f in fits])
    patell = standardised.sum() / np.sqrt(EVENTS * length * degrees / (degrees - 2))
    chosen = np.zeros(AROUND)
    chosen[from_:to] = 1
    scar = np.array([c / np.sqrt(chosen @ f["covariance"] @ chosen) for c, f in zip(car, fits)])
    pair = lambda r: [float(r.statistic), float(r.pvalue)]
    return dict(
        window=window, cumulated=car.tolist(), mean=float(car.mean()), positive=int((car > 0).sum()),
        crossSectional=pair(scipy.stats.ttest_1samp(car, 0)),
        timeSeries=[float(time_series), float(2 * scipy.stats.t.sf(abs(time_series), degrees))],
        patell=[float(patell), float(2 * scipy.stats.norm.sf(abs(patell)))],
        bmp=pair(scipy.stats.ttest_1samp(scar, 0)),
    )


def models():
    for model in ["market", "marketAdjusted", "mean"]:
        fits = [fit(model, i) for i in range(EVENTS)]
        yield dict(
            model=model,
            events=[{k: (v.tolist() if isinstance(v, np.ndarray) else float(v)) for k, v in f.items()
                     if k in ("alpha", "beta", "deviation", "abnormal", "errors")} for f in fits],
            windows=[study(fits, w) for w in WINDOWS],
        )


Path(__file__).with_suffix(".json").write_text(
    json.dumps(dict(before=BEFORE, own=own.tolist(), market=market.tolist(), models=list(models()))) + "\n"
)
