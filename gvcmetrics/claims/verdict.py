r"""From estimates to verdicts.

A rule says which values of an effect the claim allows: above zero, within :math:`\pm b`, above :math:`-b`, ….
Evidence is one two-sided p-value at the edge of these values, :math:`2 \min(p_{in}, p_{out})`, where
:math:`p_{in}` tests that the effect lies outside them (with a bound on both sides by two one-sided tests,
Schuirmann 1987) and :math:`p_{out}` that it lies inside. At the level α this is the confidence interval
lying wholly inside the allowed values (supported) or wholly outside (contradicted). Where a claim says that
an effect is there and the whole interval lies within :math:`\pm b`, the effect is equivalent to zero,
however sure its sign; otherwise there is no clear answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.claims.claim import Rule
from gvcmetrics.models.inference.multiplicity import benjamini_hochberg, holm
from gvcmetrics.models.inference.restrictions import distribution

SUPPORTED, CONTRADICTED = "supported", "contradicted"
UNCLEAR, NEGLIGIBLE = "no clear answer", "equivalent to zero"
NOT_ESTIMABLE = "not estimable"
LEVEL = 0.95
_MATTERS = ("positive", "negative", "differs")


@dataclass(frozen=True)
class Evidence:
    """What the data say of one rule.

    Attributes
    ----------
    p_value : two-sided, at the edge of the allowed values. favours : on which side of it the estimate lies.
    p_negligible : that the effect exceeds the bound, two-sided; missing where the rule has no bound or says
        itself that the effect is small.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    favours: bool
    p_negligible: float = float("nan")


def evidence(
    rule: Rule, estimates: np.ndarray, covariance: np.ndarray, df: float, p_zero: float | None = None
) -> Evidence:
    """What effects and their covariance say of a rule.

    Parameters
    ----------
    estimates, covariance : (q), (q, q); more than one effect only where the rule says `differs`.
    df : of the t distribution; ∞ is the normal one.
    p_zero : the p-value of no effect where another test gives it (the wild bootstrap).
    """
    law = distribution(df)
    errors = np.sqrt(np.diag(covariance))
    within = np.nan
    if rule.bound is not None and rule.sign in _MATTERS:
        within = min(1.0, 2 * float(max(law.sf((rule.bound - np.abs(estimates)) / errors))))
    if len(estimates) > 1:
        p = _joint(estimates, covariance, df) if p_zero is None else p_zero
        return Evidence(*(float("nan"),) * 4, p, True, within)
    value, error = float(estimates[0]), float(errors[0])
    half = float(law.ppf(0.5 + LEVEL / 2)) * error
    edge = {"not_negative": -1.0, "not_positive": 1.0}.get(rule.sign, 0.0) * (rule.bound or 0.0)
    if rule.sign == "zero":
        assert rule.bound is not None
        inside = float(law.sf((rule.bound - abs(value)) / error))
        p, favours = 2 * min(inside, 1 - inside), inside < 0.5
    else:
        p = 2 * float(law.sf(abs(value - edge) / error))
        if edge == 0.0 and p_zero is not None:
            p = p_zero
        upward = rule.sign in ("positive", "not_negative")
        favours = rule.sign == "differs" or (value > edge) == upward
    return Evidence(value, error, value - half, value + half, min(p, 1.0), favours, within)


def _joint(estimates: np.ndarray, covariance: np.ndarray, df: float) -> float:
    q = len(estimates)
    statistic = float(estimates @ np.linalg.solve(covariance, estimates))
    return float(stats.chi2.sf(statistic, q) if np.isinf(df) else stats.f.sf(statistic / q, q, df))


def evidence_of_share(rule: Rule, successes: int, trials: int) -> Evidence:
    """What a share says of a bound, by the exact binomial test (Clopper and Pearson 1934)."""
    assert rule.bound is not None
    tests = [stats.binomtest(successes, trials, rule.bound, side).pvalue for side in ("less", "greater")]
    interval = stats.binomtest(successes, trials).proportion_ci(LEVEL)
    share = successes / trials
    favours = (share < rule.bound) == (rule.sign == "below")
    error = float(np.sqrt(share * (1 - share) / trials))
    return Evidence(share, error, interval.low, interval.high, min(1.0, 2 * min(tests)), favours)


def judged(results: pd.DataFrame) -> pd.DataFrame:
    """Results with `p_adjusted` by family and panel, and the verdicts on each rule and each claim.

    Rows that are not estimable stay outside the families.
    """
    out = results.copy()
    out["p_adjusted"] = np.nan
    tested = out["p_value"].notna()
    for _, rows in out[tested].groupby(["panel", "family"], sort=False):
        adjust = holm if rows["adjustment"].iloc[0] == "holm" else benjamini_hochberg
        out.loc[rows.index, "p_adjusted"] = adjust(rows["p_value"].to_numpy(dtype=float))
    out["verdict"] = [
        verdict(p, favours is True, negligible) if there else NOT_ESTIMABLE
        for p, favours, negligible, there in zip(
            out["p_adjusted"], out["favours"], out["p_negligible"], tested, strict=True
        )
    ]
    whole = {
        key: combined(list(rows["verdict"]), list(rows["required"].fillna(True)))
        for key, rows in out.groupby(["hypothesis", "panel"], sort=False)
    }
    claims = zip(out["hypothesis"], out["panel"], strict=True)
    return out.assign(claim_verdict=[whole[key] for key in claims])


def verdict(p_value: float, favours: bool, p_negligible: float = float("nan")) -> str:
    """The verdict on one rule."""
    if p_negligible <= 1 - LEVEL:
        return NEGLIGIBLE
    if p_value <= 1 - LEVEL:
        return SUPPORTED if favours else CONTRADICTED
    return UNCLEAR


def combined(verdicts: Sequence[str], required: Sequence[bool]) -> str:
    """The verdict on a claim of several rules: it says them all, so one that fails fails it.

    A rule that cannot be estimated is passed over where the claim can do without it (`where_present`);
    otherwise the claim as a whole cannot be judged, unless another rule fails it.
    """
    there = [each for each in verdicts if each != NOT_ESTIMABLE]
    if CONTRADICTED in there:
        return CONTRADICTED
    lost = [each == NOT_ESTIMABLE and need for each, need in zip(verdicts, required, strict=True)]
    if not there or any(lost):
        return NOT_ESTIMABLE
    return there[0] if len(set(there)) == 1 else UNCLEAR
