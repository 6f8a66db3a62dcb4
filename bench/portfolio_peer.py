"""Peer of the bench `portfolio`: one library on one task. Arguments: file of the returns, assets, library, task."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
file, assets, library, task = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
returns = np.fromfile(file).reshape(-1, assets)


def skfolio():
    import pandas as pd
    import skfolio
    from skfolio import RiskMeasure
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.distance import PearsonDistance
    from skfolio.optimization import HierarchicalRiskParity, MeanRisk, RiskBudgeting

    frame = pd.DataFrame(returns)
    single = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE)
    model = {
        "minVariance": lambda: MeanRisk(risk_measure=RiskMeasure.VARIANCE),
        "shortfall": lambda: MeanRisk(risk_measure=RiskMeasure.CVAR, cvar_beta=0.95),
        "hierarchical": lambda: HierarchicalRiskParity(
            risk_measure=RiskMeasure.VARIANCE,
            distance_estimator=PearsonDistance(),
            hierarchical_clustering_estimator=single,
        ),
        "riskParity": lambda: RiskBudgeting(risk_measure=RiskMeasure.VARIANCE),
    }[task]
    return lambda: model().fit(frame).weights_, skfolio.__version__


def pyportfolioopt():
    from importlib.metadata import version

    import pandas as pd
    from pypfopt import EfficientCVaR, EfficientFrontier

    frame = pd.DataFrame(returns)
    call = {
        "minVariance": lambda: EfficientFrontier(frame.mean(), frame.cov()).min_volatility(),
        "shortfall": lambda: EfficientCVaR(frame.mean(), frame, beta=0.95).min_cvar(),
    }[task]
    return lambda: np.array(list(call().values())), version("PyPortfolioOpt")


def riskfolio():
    from importlib.metadata import version

    import pandas as pd
    import riskfolio as rp

    frame = pd.DataFrame(returns, index=pd.bdate_range("2020-01-01", periods=len(returns)))

    def portfolio():
        made = rp.Portfolio(returns=frame)
        made.assets_stats(method_mu="hist", method_cov="hist")
        return made

    def least(measure):
        return lambda: portfolio().optimization(model="Classic", rm=measure, obj="MinRisk", rf=0, hist=True)

    call = {
        "minVariance": least("MV"),
        "shortfall": least("CVaR"),
        "hierarchical": lambda: rp.HCPortfolio(returns=frame).optimization(
            model="HRP", codependence="pearson", rm="MV", linkage="single"
        ),
        "riskParity": lambda: portfolio().rp_optimization(model="Classic", rm="MV", rf=0, hist=True),
    }[task]
    return lambda: call().to_numpy().ravel(), version("Riskfolio-Lib")


run, found = {"skfolio": skfolio, "PyPortfolioOpt": pyportfolioopt, "Riskfolio-Lib": riskfolio}[library]()
times = []
for _ in range(9):
    started = time.process_time()
    weights = run()
    times.append((time.process_time() - started) * 1e3)
covariance = np.cov(returns.T)
variance = float(weights @ covariance @ weights)
losses = np.sort(-(returns @ weights))[::-1]
objective = {
    "shortfall": float(losses[: round(0.05 * len(losses))].mean()),
    "riskParity": float(np.ptp(weights * (covariance @ weights)) / variance),
}.get(task, variance)
print(json.dumps(dict(rates=times[2:], check=dict(objective=objective), version=found)))
