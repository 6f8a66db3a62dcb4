"""Peer of the bench `isolation`: scikit-learn on the same rows. Arguments: file of the rows, columns."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import json
import sys
import time

import numpy as np
import sklearn
from sklearn.ensemble import IsolationForest

data = np.fromfile(sys.argv[1]).reshape(-1, int(sys.argv[2]))
rates = []
for _ in range(4):
    started = time.process_time()
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=1, n_jobs=1).fit(data)
    scores = -forest.score_samples(data)
    rates.append(len(data) / (time.process_time() - started))
print(json.dumps(dict(rates=rates[1:], check=dict(meanScore=float(scores.mean())), version=sklearn.__version__)))
