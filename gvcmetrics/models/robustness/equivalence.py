"""Whether an effect is as good as nothing: two one-sided tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.robustness.check import Check, coefficient
from gvcmetrics.models.robustness.figures import within


def equivalence(
    results: Results, variable: str, low: float, high: float | None = None, *, level: float = 0.95
) -> Check:
    r"""Two one-sided tests that a coefficient lies between bounds that count as nothing (Schuirmann 1987).

    .. math:: p = \max\{P(T \ge (\hat\beta - L)/s),\ P(T \le (\hat\beta - U)/s)\}

    Parameters
    ----------
    results : of any model. variable : the coefficient.
    low, high : the bounds L and U, in units of the coefficient; `high` alone from `low` by symmetry.
    level : of the test; the interval shown has 1 − 2(1 − level), which lies within the bounds just when the
        test says so.

    Returns
    -------
    Check with `values` `p_value`, `lower_p`, `upper_p`, `conf_low`, `conf_high`.

    Raises
    ------
    ModelError : the bounds are not in order.

    Examples
    --------
    >>> import pandas as pd, gvcmetrics as gvc
    >>> frame = pd.DataFrame({"y": [1.0, -1, 1.2, -0.8, 0.9, -1.1, 1, -1], "x": [1, 1, 2, 2, 3, 3, 4, 4]})
    >>> round(equivalence(gvc.ols("y ~ x", frame), "x", 1.0).values["p_value"], 3)
    0.019
    """
    estimate, error = coefficient(results, variable), float(results.std_errors[variable])
    lower, upper = (-abs(low), abs(low)) if high is None else (low, high)
    if not lower < upper:
        raise ModelError(f"the bounds {lower:g} and {upper:g} are not in order", remedy="Pass low below high")
    degrees = np.broadcast_to(results.df_by_parameter, len(results.params))
    df = float(degrees[list(results.params.index).index(variable)])
    t = stats.t(df) if np.isfinite(df) else stats.norm()
    above, below = float(t.sf((estimate - lower) / error)), float(t.cdf((estimate - upper) / error))
    half = float(t.ppf(level)) * error
    interval = (estimate - half, estimate + half)
    p = max(above, below)
    table = pd.DataFrame(
        {
            "bound": [lower, upper],
            "statistic": [(estimate - lower) / error, (estimate - upper) / error],
            "p_value": [above, below],
        },
        index=pd.Index(["above the lower bound", "below the upper bound"]),
    )
    verdict = "as good as nothing" if p <= 1 - level else "not shown to be as good as nothing"
    said = (
        f"{estimate:.4g} ({2 * level - 1:.0%} interval {interval[0]:.4g} to {interval[1]:.4g}) is {verdict} "
        f"between {lower:g} and {upper:g}: p = {p:.4f}."
    )
    values = {
        "p_value": p, "lower_p": above, "upper_p": below, "conf_low": interval[0], "conf_high": interval[1],
    }  # fmt: skip
    return Check(
        "Equivalence (two one-sided tests)", variable, table, said, values,
        lambda named: within(estimate, interval, (lower, upper), named(variable)),
    )  # fmt: skip
