"""Mixed logit on Train by Gauss–Hermite quadrature: `python mixed_quadrature.py train.csv`.

The choices of a person share a normal coefficient of time; 32, 64 and 128 nodes show the digits that hold.
"""

import sys

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

train = pd.read_csv(sys.argv[1])
scales = {"price": 100 / 2.20371, "time": 60.0, "change": 1.0, "comfort": 1.0}
columns = [-(train[f"{name}_A"] - train[f"{name}_B"]) / scale for name, scale in scales.items()]
D = np.column_stack(columns) * np.where(train["choice"] == "A", 1, -1)[:, None]
person = pd.factorize(train["id"])[0]
start = np.flatnonzero(np.diff(person, prepend=-1))


def fit(count: int) -> None:
    x, w = np.polynomial.hermite_e.hermegauss(count)
    logs = np.log(w / w.sum())

    def objective(p: np.ndarray) -> tuple[float, np.ndarray]:
        u = (D @ p[:4])[:, None] + p[4] * D[:, [1]] * x
        joint = np.add.reduceat(-np.logaddexp(0, -u), start, 0) + logs
        of_persons = logsumexp(joint, 1)
        r = expit(-u) * np.exp(joint - of_persons[:, None])[person]
        return -of_persons.sum(), -np.append(D.T @ r.sum(1), (D[:, 1] * (r @ x)).sum())

    begin = np.array([0.06, 0.74, 0.26, 0.83, 1.0])
    found = minimize(objective, begin, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 500})
    h = 1e-5 * np.eye(5)
    hessian = np.array([objective(found.x + e)[1] - objective(found.x - e)[1] for e in h]) / 2e-5
    errors = np.sqrt(np.diag(np.linalg.inv((hessian + hessian.T) / 2)))
    print(count, f"{-found.fun:.8f}", found.x.round(7).tolist(), errors.round(7).tolist())


for nodes in (32, 64, 128):
    fit(nodes)
