"""Results of other libraries, taken in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.results.results import Results


def adopt(fit: Any, *, title: str = "") -> Results:
    """A result of statsmodels, linearmodels or pyfixest as `Results`, for tables, figures and tests.

    Parameters
    ----------
    fit : what `.fit()` of statsmodels or linearmodels gives, or a model of pyfixest, with its covariance.
    title : of the model; by default the name that it has there.

    Returns
    -------
    Results with its estimates, covariance and counts, for `gvc.table`, `gvc.plot_coefs`, `test`, `lincom` and
    `tidy`. What needs the rows (`with_vcov`, `margins`, `predict`, bootstrap) is refused.

    Raises
    ------
    ModelError : it is of no such library, or has several equations or no covariance.

    Examples
    --------
    >>> import pandas as pd, statsmodels.formula.api as smf
    >>> frame = pd.DataFrame({"y": [1.0, 3, 2, 5, 4], "x": [1, 2, 3, 4, 5]})
    >>> adopt(smf.ols("y ~ x", frame).fit()).params.round(3).to_dict()
    {'Intercept': 0.6, 'x': 0.8}
    """
    library = type(fit).__module__.split(".")[0]
    readers = {"statsmodels": _statsmodels, "linearmodels": _linearmodels, "pyfixest": _pyfixest}
    if library not in readers:
        raise ModelError(
            f"a {type(fit).__name__} of {library} cannot be adopted",
            remedy="Pass a fitted result of statsmodels, linearmodels or pyfixest",
        )
    try:
        found = readers[library](fit)
    except AttributeError as error:
        raise ModelError(
            f"a {type(fit).__name__} of {library} has not what a result of one equation has ({error.name})",
            remedy="Pass the fitted result, not the model",
        ) from error
    params = found.pop("params")
    cov = found.pop("cov")
    if isinstance(params, pd.DataFrame) or np.ndim(params) != 1 or np.shape(cov) != (len(params),) * 2:
        raise ModelError(
            f"a {type(fit).__name__} of {library} has several equations, or no covariance",
            remedy="Adopt results of one equation",
        )
    index = pd.Index([str(name) for name in found.pop("names")], dtype=object)
    return Results(
        params=pd.Series(np.asarray(params, dtype=float), index=index, name="estimate"),
        cov=pd.DataFrame(np.asarray(cov, dtype=float), index=index, columns=index),
        call=f"gvc.adopt({type(fit).__name__} of {library})",
        **{**found, "model": title or found["model"]},
    )


def _statsmodels(fit: Any) -> dict[str, Any]:
    model = fit.model
    params = fit.params
    likelihood = getattr(fit, "llf", None)
    facts = {"r2": fit.rsquared, "r2_adjusted": fit.rsquared_adj} if hasattr(fit, "rsquared") else {}
    if hasattr(fit, "prsquared"):
        facts = {"pseudo_r2": fit.prsquared}
    groups = getattr(fit, "cov_kwds", {}).get("groups")
    counted = {} if groups is None else {"group": len(np.unique(np.asarray(groups)))}
    # What its own p-values are from: t where it says so, with the degrees of freedom of the inference.
    degrees = float(getattr(fit, "df_resid_inference", None) or fit.df_resid) if fit.use_t else np.inf
    return {
        "model": type(model).__name__, "params": params, "cov": fit.cov_params(),
        "names": getattr(params, "index", model.exog_names), "nobs": int(fit.nobs), "df": degrees,
        "df_resid": float(fit.df_resid), "vcov_label": str(getattr(fit, "cov_type", "nonrobust")),
        "outcome": str(model.endog_names), "formula": str(getattr(model, "formula", "") or ""),
        "loglik": None if likelihood is None else float(likelihood), "facts": facts, "n_clusters": counted,
        "converged": bool((getattr(fit, "mle_retvals", None) or {}).get("converged", True)),
    }  # fmt: skip


def _linearmodels(fit: Any) -> dict[str, Any]:
    dependent = fit.model.dependent
    return {
        "model": type(fit.model).__name__, "params": fit.params, "cov": fit.cov, "names": fit.params.index,
        "nobs": int(fit.nobs), "df": float(fit.df_resid) if fit._debiased else np.inf,
        "df_resid": float(fit.df_resid), "vcov_label": str(fit._cov_type),
        "outcome": str((getattr(dependent, "cols", None) or dependent.vars)[0]),
        "formula": str(getattr(fit.model, "formula", "") or ""),
        "loglik": float(fit.loglik) if hasattr(fit, "loglik") else None, "facts": {"r2": float(fit.rsquared)},
    }  # fmt: skip


def _pyfixest(fit: Any) -> dict[str, Any]:
    params = fit.coef()
    clusters = list(fit._clustervar or []) if hasattr(fit, "_clustervar") else []
    counts = list(np.atleast_1d(getattr(fit, "_G", []))) if clusters else []
    label = str(fit._vcov_type_detail)
    return {
        "model": {"feols": "OLS", "fepois": "Poisson"}.get(fit._method, str(fit._method)), "params": params,
        "cov": fit._vcov, "names": params.index, "nobs": int(fit._N),
        "df": float(fit._df_t) if fit._method == "feols" else np.inf, "df_resid": float(fit._N - fit._k),
        "vcov_label": f"clustered ({label}) by {' + '.join(clusters)}" if clusters else label,
        "outcome": str(fit._depvar), "formula": str(fit._fml),
        "absorbed": tuple(str(fit._fixef).split("+")) if fit._has_fixef else (),
        "n_clusters": {str(name): int(count) for name, count in zip(clusters, counts, strict=False)},
        "facts": {"r2": float(fit._r2)} if np.isfinite(getattr(fit, "_r2", np.nan) or np.nan) else {},
    }  # fmt: skip
