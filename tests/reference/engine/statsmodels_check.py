"""Estimate what statsmodels also can, compare with the R values, and store both gaps and values.

Run after the R scripts: ``python statsmodels_check.py``. Writes ``statsmodels.json``; stops when a
coefficient, log likelihood or standard error differs from R by more than the stated tolerance.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.special import gammaln
from statsmodels.discrete.conditional_models import ConditionalLogit, ConditionalMNLogit
from statsmodels.miscmodels.ordinal_model import OrderedModel

HERE = Path(__file__).parent
REGRESSORS = ["x1", "x2", "d", "gb", "gc"]
TIGHT = {"disp": 0, "method": "newton", "maxiter": 100, "tol": 1e-14}


def sample(name: str, outcome: str, regressors: list[str]) -> pd.DataFrame:
    """Read a sample, expand ``g``, and keep the rows complete in the variables of the model."""
    frame = pd.read_csv(HERE / "data" / f"{name}.csv")
    for letter in "bc":
        frame[f"g{letter}"] = (frame["g"] == letter).astype(float).where(frame["g"].notna())
    return frame.dropna(subset=[outcome, *regressors]).reset_index(drop=True)


def gap(ours: object, theirs: object) -> float:
    """Return the largest relative difference, absolute below 1e-3."""
    a, b = np.ravel(np.asarray(ours, float)), np.ravel(np.asarray(theirs, float))
    return float(np.max(np.abs(a - b) / np.maximum(1e-3, np.abs(b))))


def main() -> None:
    """Fit, compare and write."""
    pooled = json.loads((HERE / "pooled.json").read_text())
    fixed = json.loads((HERE / "fixed.json").read_text())
    margins = json.loads((HERE / "margins.json").read_text())
    out: dict[str, dict[str, object]] = {}

    def record(key: str, params: object, loglik: float, se: object, against: dict, tolerance: float) -> None:
        gaps = {
            "coef": gap(params, against["coef"]),
            "loglik": gap(loglik, against["loglik"]),
            "se": gap(se, against["se"]["classical"]),
        }
        if max(gaps["coef"], gaps["loglik"]) > tolerance or gaps["se"] > 100 * tolerance:
            raise SystemExit(f"{key}: statsmodels and R differ: {gaps}")
        out[key] = {
            "coef": np.ravel(params).tolist(),
            "loglik": loglik,
            "se": np.ravel(se).tolist(),
            "gap_to_r": gaps,
        }

    for data in ("balanced", "unbalanced"):
        for response, outcome in {
            "logit": "binary",
            "probit": "binary",
            "poisson": "count",
            "negative_binomial": "overdispersed",
            "multinomial_logit": "choice",
        }.items():
            frame = sample(data, outcome, REGRESSORS)
            x = sm.add_constant(frame[REGRESSORS].astype(float), has_constant="add")
            y = frame[outcome].astype(float)
            model = {
                "logit": sm.Logit,
                "probit": sm.Probit,
                "poisson": sm.Poisson,
                "negative_binomial": sm.NegativeBinomial,
                "multinomial_logit": sm.MNLogit,
            }[response](y, x)
            reference = pooled[f"{response}:pooled:{data}"]
            if response == "negative_binomial":
                fit = model.fit(disp=0, method="bfgs", maxiter=2000, gtol=1e-9)
                alpha = np.asarray(fit.params)[-1]
                params = np.append(np.asarray(fit.params)[:-1], np.log(alpha))
                se = np.append(np.asarray(fit.bse)[:-1], np.asarray(fit.bse)[-1] / alpha)
                record(f"{response}:pooled:{data}", params, fit.llf, se, reference, 1e-6)
                continue
            fit = model.fit(**TIGHT)
            order = "F" if response == "multinomial_logit" else "C"
            record(
                f"{response}:pooled:{data}",
                np.ravel(fit.params, order=order),
                fit.llf,
                np.ravel(fit.bse, order=order),
                reference,
                1e-9,
            )
            if data == "balanced" and response in {"logit", "probit", "poisson"}:
                effects = fit.get_margeff(at="overall", dummy=False)
                values, errors = np.asarray(effects.margeff)[:2], np.asarray(effects.margeff_se)[:2]
                r = margins[f"{response}:{data}:average"]
                gaps = {
                    "estimate": gap(values, r["estimate"][:2]),
                    "se": gap(errors, r["se"]["classical"][:2]),
                }
                if max(gaps.values()) > 1e-7:
                    raise SystemExit(f"{response} margins differ: {gaps}")
                out[f"{response}:average:{data}"] = {
                    "estimate": values.tolist(),
                    "se": errors.tolist(),
                    "gap_to_r": gaps,
                }
        frame = sample(data, "ordered", REGRESSORS)
        for link in ("logit", "probit"):
            model = OrderedModel(frame["ordered"].astype(int), frame[REGRESSORS].astype(float), distr=link)
            fit = model.fit(method="bfgs", disp=0, maxiter=5000, gtol=1e-9)
            raw = np.asarray(fit.params)
            params = np.append(raw[:5], model.transform_threshold_params(raw)[1:-1])
            key = f"ordered_{link}:pooled:{data}"
            gaps = {"coef": gap(params, pooled[key]["coef"]), "loglik": gap(fit.llf, pooled[key]["loglik"])}
            if max(gaps.values()) > 1e-5:
                raise SystemExit(f"{key}: {gaps}")
            out[key] = {"coef": params.tolist(), "loglik": float(fit.llf), "gap_to_r": gaps}
        frame = sample(data, "binary", REGRESSORS[:3])
        fit = ConditionalLogit(
            frame["binary"].astype(int), frame[REGRESSORS[:3]].astype(float), groups=frame["unit"]
        ).fit(method="newton", disp=0, maxiter=50, tol=1e-12)
        record(f"logit:fixed:{data}", fit.params, fit.llf, fit.bse, fixed[f"logit:fixed:{data}"], 1e-6)
        frame = sample(data, "choice", REGRESSORS[:3])
        varying = frame.groupby("unit")["choice"].transform("nunique") > 1
        small = frame.loc[varying]
        model = ConditionalMNLogit(
            small["choice"].astype(int), small[REGRESSORS[:3]].astype(float), groups=small["unit"]
        )
        key = f"multinomial_logit:fixed:{data}"
        at = np.asarray(fixed[key]["coef"]).reshape(2, 3).T
        # statsmodels sums over all orderings, equal ones repeated: a constant of log(prod n_j!) a unit
        counts = small.groupby(["unit", "choice"]).size()
        value = float(model.loglike(at.ravel(order="C"))) + float(gammaln(counts + 1).sum())
        difference = gap(value, fixed[key]["loglik"])
        if difference > 1e-10:
            raise SystemExit(f"{key}: log likelihood {value} against {fixed[key]['loglik']}")
        out[f"{key}:loglik_at_r_estimate"] = {
            "loglik_distinct_orderings": value,
            "gap_to_r": {"loglik": difference},
        }
    lines = [
        f"{json.dumps(key)}: {json.dumps({'program': 'statsmodels ' + version('statsmodels'), **v})}"
        for key, v in out.items()
    ]
    (HERE / "statsmodels.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(lines), "cases")


if __name__ == "__main__":
    main()
