"""Elasticities by statsmodels' `get_margeff`, for tests/models/test_elasticities.py.

Run as `python make.py`; writes elasticities.csv.
Of the multinomial logit it has none in the logarithm of a variable.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm

HERE = Path(__file__).parent
TIGHT = {"disp": 0, "method": "newton", "maxiter": 100, "tol": 1e-14}
MODELS = {
    "logit": (sm.Logit, "binary", TIGHT),
    "probit": (sm.Probit, "binary", TIGHT),
    "poisson": (sm.Poisson, "count", TIGHT),
    "negative_binomial": (sm.NegativeBinomial, "overdispersed", {"disp": 0, "gtol": 1e-9, "maxiter": 500}),
}


def main() -> None:
    """Fit and write."""
    data = pd.read_csv(HERE.parent / "engine" / "data" / "balanced.csv").head(240)
    X = sm.add_constant(np.column_stack([data["x1"], 1 + data["x2"] ** 2]))
    rows = []
    for name, (model, outcome, options) in MODELS.items():
        fitted = model(data[outcome].to_numpy(), X).fit(**options)
        for scale in ("eyex", "eydx", "dyex"):
            for at in ("overall", "mean"):
                made = fitted.get_margeff(at=at, method=scale)
                rows += [
                    (name, scale, at, variable, made.margeff[i], made.margeff_se[i])
                    for i, variable in enumerate(("x1", "size"))
                ]
    columns = ["model", "scale", "at", "variable", "estimate", "std_error"]
    pd.DataFrame(rows, columns=columns).to_csv(HERE / "elasticities.csv", index=False, float_format="%.15g")


if __name__ == "__main__":
    main()
