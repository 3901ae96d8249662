r"""Standard errors of a claim's own estimators at any size, from one large frame of firms.

The declared equations are estimated once with errors by firm and once by cluster. With :math:`u_{ci}` what
firm :math:`i` of cluster :math:`c` contributes to the estimate (its score over the information), these are
:math:`\sum u_{ci}^2` and :math:`\sum_c (\sum_i u_{ci})^2`; their ratio gives the correlation of contributions
within clusters, and with it both parts are carried over to other numbers of firms and clusters.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvcmetrics.claims.claim import Claim, Equation, Rule, describe
from gvcmetrics.claims.construct import constructed
from gvcmetrics.claims.examine import UNIT, Fitted, effects_of, estimated, fit, listed_of
from gvcmetrics.claims.match import choose, match, names_of, rows_for, shortfalls
from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.planning.clusters import correlation, design_effect


@dataclass(frozen=True)
class Precision:
    """How precisely one rule is estimated, from firms of which a share `kept` enters the equation.

    Attributes
    ----------
    effects : as estimated (q). covariance : of them, times the firms that enter, were firms unrelated (q, q).
    clusters : of the frame. rho : correlation of contributions within clusters. shares_cv2 : squared
        coefficient of variation of the clusters' shares of firms, without the part that is chance.
    normal : whether the law is normal, or t with the clusters' number less one. base : mean of the
        outcome, missing where it is no probability.
    """

    rule: Rule
    effects: np.ndarray
    covariance: np.ndarray
    kept: float
    clusters: int
    rho: float
    shares_cv2: float
    normal: bool
    base: float

    def variance(self, firms: float, clusters: float, cv: float | None = None) -> np.ndarray:
        """Covariance of the effects with so many firms asked in so many clusters."""
        entering = firms * self.kept
        size = entering / clusters
        spread = self.cv(size) if cv is None else cv
        return self.covariance / entering * max(design_effect(size, self.rho, spread), 1 - self.rho)

    def cv(self, size: float) -> float:
        """Coefficient of variation of clusters' sizes in a sample of `size` a cluster."""
        return float(np.sqrt(self.shares_cv2 + 1 / size))


def precisions(claim: Claim, frame: pd.DataFrame, asked: int) -> list[Precision]:
    """The precision of every rule of a claim that a frame of firms can answer.

    Parameters
    ----------
    frame : firms under the contract. asked : firms in the sample, those that left or did not answer too.

    Raises
    ------
    DataError : the frame cannot answer the claim; says what is missing.
    """
    found = match(claim, claim.contract, frame.columns)
    if not found.answers:
        raise _cannot(claim, "; ".join(found.lacks))
    names = [name for rule in found.rules for name in names_of(claim, rule)]
    controls = [name for equation in claim.equations for name in equation.controls]
    names += [n for n in controls if n in claim.constructs and not choose(claim, n, frame.columns).lacks]
    made = constructed(claim, names, frame.reset_index(drop=True))
    rows = []
    for equation in claim.equations:
        rules = [rule for rule in found.rules if claim.target(rule)[0] == equation]
        if rules:
            rows += _of_equation(claim, equation, rules, made, asked)
    order = [describe(claim, rule) for rule in claim.expect]
    return sorted(rows, key=lambda each: order.index(describe(claim, each.rule)))


def _cannot(claim: Claim, lacks: str) -> DataError:
    return DataError(
        f"this design cannot test {claim.id}: it lacks {lacks}",
        Place(key="hypothesis"),
        "Ask for it, add years, or choose another hypothesis",
    )


def _of_equation(
    claim: Claim, equation: Equation, rules: list[Rule], made: pd.DataFrame, asked: int
) -> list[Precision]:
    spoken = {name for rule in rules for name in listed_of(claim, rule)}
    regressors = [term for term in equation.regressors if term in spoken]
    rows = rows_for(equation, regressors, made)
    if lacks := shortfalls(equation, regressors, rows):
        raise _cannot(claim, "; ".join(lacks))
    firms = rows.groupby(["country", "firm_id"])["cluster_id"].first()
    kept = len(firms) / asked
    sizes = firms.value_counts().to_numpy(dtype=float)
    if equation.model == "share":
        return [_of_share(rule, rows[_first(equation)].to_numpy(dtype=float), kept) for rule in rules]
    try:
        # Errors by cluster whatever the claim's order, which for some is by region first.
        by_cluster = claim.model_copy(
            update={"errors": claim.errors.model_copy(update={"cluster": ("cluster_id",)})}
        )
        fitted = fit(by_cluster, equation, regressors, rows)
        result = fitted.result.with_vcov({"CRV1": UNIT})
        keys, values, covariance = effects_of(equation, regressors, result)
        alone = dataclasses.replace(fitted, keys=keys, values=values, covariance=covariance)
        bases = [_base(claim, equation, rule, rows) for rule in rules]
        return [
            _of_rule(claim, rule, fitted, alone, sizes, kept, base)
            for rule, base in zip(rules, bases, strict=True)
        ]
    except (ModelError, np.linalg.LinAlgError) as error:
        raise _cannot(claim, f"what the model needs ({error})") from error


def _first(equation: Equation) -> str:
    return equation.outcome if isinstance(equation.outcome, str) else equation.outcome[0]


def _base(claim: Claim, equation: Equation, rule: Rule, rows: pd.DataFrame) -> float:
    outcome = rows[claim.target(rule)[1] or _first(equation)]
    single = equation.scale == "probability" and rule.less is None and equation.model != "multinomial_logit"
    return float(outcome.mean()) if single else float("nan")


def _of_rule(
    claim: Claim, rule: Rule, fitted: Fitted, alone: Fitted, sizes: np.ndarray, kept: float, base: float
) -> Precision:
    effects, by_cluster = estimated(claim, rule, fitted)
    by_firm = estimated(claim, rule, alone)[1]
    count, groups = sizes.sum(), len(sizes)
    by_firm, by_cluster = by_firm * (count - 1) / count, by_cluster * (groups - 1) / groups
    ratio = float(np.trace(np.linalg.solve(by_firm, by_cluster))) / len(effects)
    rho = correlation(1.0, ratio, float((sizes**2).sum() / count))
    mean = count / groups
    shares = max(float(sizes.var() / mean**2) - 1 / mean, 0.0)
    return Precision(
        rule, effects, by_firm * count, kept, groups, rho, shares, bool(np.isinf(fitted.result.df)), base
    )


def _of_share(rule: Rule, answers: np.ndarray, kept: float) -> Precision:
    value = answers.mean()
    one = np.array([[value * (1 - value)]])
    return Precision(rule, np.array([value]), one, kept, 1, 0.0, 0.0, True, float("nan"))
