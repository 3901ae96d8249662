"""A claim on one panel: constructs made, checks passed, models estimated, effects held against the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics import models
from gvcmetrics.claims.claim import Claim, Equation, Rule, describe, listed
from gvcmetrics.claims.construct import ABSENT, choose, constructed
from gvcmetrics.claims.match import Match, match, names_of, rows_for, shortfalls, unknown, usable_controls
from gvcmetrics.claims.verdict import Evidence, evidence, evidence_of_share
from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.models.inference.bootstrap import wild_bootstrap
from gvcmetrics.models.results.results import Results
from gvcmetrics.panels.contracts import CONTRACTS
from gvcmetrics.panels.project import Project

UNIT = "unit_of_panel"
"""Column that numbers the units of a panel in the rows of an equation."""
_REPEATED = 0.3
"""Share of units with several rows from which a frame is a panel."""
_DRAWS = 999


@dataclass(frozen=True)
class Fitted:
    """An estimated equation.

    Attributes
    ----------
    keys : `outcome` and `variable` of each effect. values, covariance, df : the effects.
    cluster : column of the errors, None where rows are independent. note : what is to be said of effects
        and errors. left_out : controls that are not used, with the reason. bootstrap : whether clusters are
        too few for anything else.
    """

    result: Results
    keys: pd.DataFrame
    values: np.ndarray
    covariance: np.ndarray
    cluster: str | None
    note: str
    left_out: tuple[str, ...]
    bootstrap: bool


@dataclass(frozen=True)
class Finding:
    """One rule on one panel: evidence, or the reason why there is none."""

    rule: Rule
    evidence: Evidence | None
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def examine_claim(
    claim: Claim, frame: pd.DataFrame, contract: str | None = None, project: Project | None = None
) -> tuple[Match, list[Finding]]:
    """Every rule of a claim on a frame; what a panel lacks is the reason of a finding, never an error."""
    found = match(claim, contract, frame.columns)
    if not found.answers:
        return found, [Finding(rule, None, f"lacks {'; '.join(found.lacks)}") for rule in claim.expect]
    names = [name for rule in found.rules for name in names_of(claim, rule)]
    names += [
        name
        for equation in claim.equations
        for name in equation.controls
        if name in claim.constructs and not _lacks(claim, name, frame)
    ]
    try:
        made = constructed(claim, names, frame.reset_index(drop=True), project)
    except DataError as error:
        return found, [Finding(rule, None, f"lacks sound columns ({error})") for rule in claim.expect]
    findings = [
        Finding(rule, None, f"lacks {', '.join(match(_only(claim, rule), contract, frame.columns).lacks)}")
        for rule in claim.expect
        if rule not in found.rules
    ]
    rules_left = []
    for rule in found.rules:
        absent = [name for name in names_of(claim, rule) if name in made.attrs[ABSENT]]
        if absent:
            findings.append(Finding(rule, None, f"lacks {_reasons(absent, made.attrs[ABSENT])}"))
        else:
            rules_left.append(rule)
    for equation in claim.equations:
        rules = [rule for rule in rules_left if claim.target(rule)[0] == equation]
        findings += _of_equation(claim, equation, rules, made) if rules else []
    return found, findings


def _reasons(names: Sequence[str], why: dict[str, str]) -> str:
    """Names by the reason that they share."""
    reasons = dict.fromkeys(why[name] for name in names)
    return "; ".join(
        f"{', '.join(name for name in names if why[name] == reason)} ({reason})" for reason in reasons
    )


def _only(claim: Claim, rule: Rule) -> Claim:
    return claim.model_copy(update={"expect": (rule.model_copy(update={"where_present": False}),)})


def _lacks(claim: Claim, name: str, frame: pd.DataFrame) -> bool:
    return bool(choose(claim, name, frame.columns).lacks)


def _of_equation(claim: Claim, equation: Equation, rules: list[Rule], made: pd.DataFrame) -> list[Finding]:
    empty = {id(rule): unknown(claim, rule, made) for rule in rules if rule.where_present}
    if all(empty.get(id(rule)) for rule in rules):
        # What few rows know takes rows from the other rules of the equation; here there are none.
        empty = {id(rule): unknown(claim, rule, made, most=1.0) for rule in rules}
    without = [
        Finding(rule, None, f"lacks values of {', '.join(empty[id(rule)])}")
        for rule in rules
        if empty.get(id(rule))
    ]
    rules = [rule for rule in rules if not empty.get(id(rule))]
    if not rules:
        return without
    return without + _estimated(claim, equation, rules, made)


def _estimated(claim: Claim, equation: Equation, rules: list[Rule], made: pd.DataFrame) -> list[Finding]:
    regressors = [
        term for term in equation.regressors if any(term in listed_of(claim, rule) for rule in rules)
    ]
    rows = rows_for(equation, regressors, made)
    lacks = shortfalls(equation, regressors, rows)
    if lacks:
        return [Finding(rule, None, f"lacks {'; '.join(lacks)}") for rule in rules]
    if equation.model == "share":
        return [_of_share(equation, rule, rows) for rule in rules]
    try:
        fitted = fit(claim, equation, regressors, rows)
        return [_of_rule(claim, rule, fitted, len(made)) for rule in rules]
    except (ModelError, DataError, np.linalg.LinAlgError) as error:
        return [Finding(rule, None, f"lacks what the model needs ({error})") for rule in rules]


def listed_of(claim: Claim, rule: Rule) -> list[str]:
    """Regressors that a rule speaks of, on both sides."""
    return [name for each in (rule, rule.less) if each is not None for name in claim.target(each)[2]]


def _of_share(equation: Equation, rule: Rule, rows: pd.DataFrame) -> Finding:
    answers = rows[listed(equation.outcome)[0]]
    ones, trials = int((answers == 1).sum()), len(answers)
    facts = {"n": trials, "model": "exact binomial test", "errors": "exact", "call": f"{ones} of {trials}"}
    return Finding(rule, evidence_of_share(rule, ones, trials), facts=facts)


def fit(claim: Claim, equation: Equation, regressors: Sequence[str], rows: pd.DataFrame) -> Fitted:
    """Estimate one equation with the effects and errors that the claim asks for and the rows allow."""
    keys = [key for key in CONTRACTS[claim.contract].keys if key != "year" and key in rows.columns]
    rows = rows.assign(**{UNIT: rows.groupby(keys, dropna=False).ngroup() if keys else np.arange(len(rows))})
    used, left_out = usable_controls(claim, equation, rows)
    rows = rows.dropna(subset=used).copy()
    options: dict[str, Any] = {}
    if "weight" in rows.columns and rows["weight"].notna().all() and (rows["weight"] > 0).all():
        options["weights"] = "weight"
    seen = rows.groupby(UNIT)
    times = seen["year"].nunique() if "year" in rows.columns else seen.size()
    repeated = float((times > 1).mean()) >= _REPEATED
    effects, why = (
        _effects(claim, equation, regressors, rows) if repeated else (claim.effects.cross_section, "")
    )
    if equation.scale == "standard_deviations":
        rows = _standardised(rows, listed(equation.outcome), regressors)
    cluster = _cluster(claim, rows, repeated)
    terms = [term.replace(":", "*") for term in regressors] + [*equation.given, *used]
    if "year" in rows.columns and rows["year"].nunique() > 1:
        terms.append("C(year)")
    formula = f"{' + '.join(listed(equation.outcome))} ~ {' + '.join(terms) or '1'}"
    if effects != "pooled":
        options |= {"unit": UNIT, "time": "year", "effects": effects}
    groups = rows[cluster].nunique() if cluster else 0
    vcov: Any = {"CRV1": cluster} if cluster else "hetero"
    result = getattr(models, equation.model)(formula, rows, vcov=vcov, **options)
    if cluster and groups < claim.errors.crv3_below:
        result = result.with_vcov({"CRV3": cluster})
    if not result.converged:
        raise ModelError(f"the {result.model} did not converge")
    few = bool(cluster) and groups < claim.errors.bootstrap_below
    note = f"{result.vcov_label}{why}"
    return Fitted(result, *effects_of(equation, regressors, result), cluster, note, tuple(left_out), few)


def _effects(
    claim: Claim, equation: Equation, regressors: Sequence[str], rows: pd.DataFrame
) -> tuple[str, str]:
    """The treatment of unit effects in a panel, and a note where it is not the one asked for."""
    asked = claim.effects.panel
    wanted = "fixed" if equation.model == "ols" and asked == "correlated_pooled" else asked
    parts = {part for term in regressors for part in term.split(":")}
    still = {part for part in parts if (rows.groupby(UNIT)[part].nunique() <= 1).all()}
    # What moderates may be constant: the effects take up its own part, and the interaction is within units.
    fixed = [term for term in regressors if still.issuperset(term.split(":"))]
    if wanted == "pooled" or not (fixed and (wanted == "fixed" or len(fixed) == len(regressors))):
        return wanted, ""
    return "pooled", f"; pooled, since {', '.join(fixed)} never changes within a unit"


def _standardised(rows: pd.DataFrame, outcomes: Sequence[str], terms: Sequence[str]) -> pd.DataFrame:
    """Outcomes and regressors over their standard deviations; 0/1 and named regressors stay."""
    made = rows.copy()
    parts = [part for term in terms for part in term.split(":")]
    numbers = [
        name for name in parts if pd.api.types.is_numeric_dtype(rows[name]) and rows[name].nunique() > 2
    ]
    for name in dict.fromkeys([*outcomes, *numbers]):
        made[name] = (rows[name] - rows[name].mean()) / rows[name].std()
    made.attrs = rows.attrs
    return made


def _cluster(claim: Claim, rows: pd.DataFrame, repeated: bool) -> str | None:
    there = [name for name in claim.errors.cluster if name in rows.columns and rows[name].notna().all()]
    counts = {name: int(rows[name].nunique()) for name in there}
    enough = [name for name in there if counts[name] >= claim.errors.at_least]
    if enough:
        return enough[0]
    if there:
        said = ", ".join(f"{number} of {name}" for name, number in counts.items())
        raise ModelError(f"clusters: {said}, {claim.errors.at_least} needed")
    return UNIT if repeated else None


def effects_of(
    equation: Equation, regressors: Sequence[str], result: Results
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Effects on the scale of the equation: a key for each, values, covariance."""
    if equation.scale == "probability":
        outcomes = {"outcomes": list(listed(equation.outcome))} if equation.model == "joint_probit" else {}
        effects = result.margins(list(regressors), **outcomes)
        return (
            effects.keys[["outcome", "variable"]].reset_index(drop=True),
            effects.values,
            effects.covariance,
        )
    names = list(result.params.index)
    keys = pd.DataFrame({"outcome": "", "variable": [_variable(name) for name in names]})
    return keys, result.params.to_numpy(), result.cov.to_numpy()


def _variable(name: str) -> str:
    """The term behind a parameter: `a:g[T.b]` → `a:g`; a correlation is called one."""
    plain = ":".join(part.partition("[")[0] for part in name.split(":"))
    return "correlation" if plain.startswith("rho(") else plain


def estimated(claim: Claim, rule: Rule, fitted: Fitted) -> tuple[np.ndarray, np.ndarray]:
    """What a rule speaks of, in an equation that is estimated: effects (q) and their covariance (q, q).

    Raises
    ------
    ModelError : an effect was left out of the model, or the covariance cannot carry the rule.
    """
    equation = claim.target(rule)[0]
    R = np.eye(len(fitted.values))[_positions(claim, equation, rule, fitted)]
    if rule.less is not None:
        R = R - np.eye(len(fitted.values))[_positions(claim, equation, rule.less, fitted)]
    estimates, covariance = R @ fitted.values, R @ fitted.covariance @ R.T
    if not (np.diag(covariance) > 0).all() or np.linalg.matrix_rank(covariance) < len(estimates):
        raise ModelError("the covariance cannot carry the rule: too few clusters, or an effect without error")
    return estimates, covariance


def _of_rule(claim: Claim, rule: Rule, fitted: Fitted, total: int) -> Finding:
    equation = claim.target(rule)[0]
    estimates, covariance = estimated(claim, rule, fitted)
    p_zero = _bootstrap(claim, equation, rule, fitted) if fitted.bootstrap else None
    result = fitted.result
    facts = {
        "n": result.nobs,
        "rows": total,
        "clusters": min(result.n_clusters.values()) if result.n_clusters else None,
        "model": result.model,
        "effects": result.effects,
        "errors": fitted.note + ("; p by wild bootstrap" if p_zero is not None else ""),
        "controls_left_out": ", ".join(fitted.left_out),
        "call": result.call,
    }
    return Finding(rule, evidence(rule, estimates, covariance, result.df, p_zero), facts=facts)


def _positions(claim: Claim, equation: Equation, target: Any, fitted: Fitted) -> list[int]:
    """Where the effects that a rule speaks of stand."""
    _, outcome, of = claim.target(target)
    keys = fitted.keys
    wanted = ["correlation"] if equation.scale == "correlation" else list(of)
    found = keys["variable"].isin(wanted)
    if outcome is not None and (keys["outcome"] != "").any():
        found &= keys["outcome"] == outcome
    if not found.any() or set(wanted) - set(keys.loc[found, "variable"]):
        raise ModelError(f"{', '.join(wanted)} was left out of the model: {dict(fitted.result.dropped)}")
    places = [int(place) for place in np.flatnonzero(found)]
    if len(places) > 1 and target_is_single(target):
        raise ModelError(f"{', '.join(wanted)} has {len(places)} effects; the rule speaks of one")
    return places


def target_is_single(target: Any) -> bool:
    """Whether a rule speaks of one effect; a side that is taken off has as many as the first."""
    return isinstance(target, Rule) and target.sign != "differs"


def _bootstrap(claim: Claim, equation: Equation, rule: Rule, fitted: Fitted) -> float | None:
    """The wild bootstrap's p-value of no effect, on the coefficients; None where they are not the effect."""
    if equation.model == "multinomial_logit" or equation.scale == "correlation" or fitted.cluster is None:
        return None
    several = len(listed(equation.outcome)) > 1
    sides = [
        sorted(_coefficients(claim, side, fitted, several)) for side in (rule, rule.less) if side is not None
    ]
    if len(sides) == 2:
        hypotheses = [f"`{a}` - `{b}`" for a, b in zip(*sides, strict=True)]
    else:
        hypotheses = [f"`{name}`" for name in sides[0]]
    test = wild_bootstrap(
        fitted.result, hypotheses, fitted.cluster, draws=_DRAWS, weights="webb", interval=False
    )
    return test.pvalue


def _coefficients(claim: Claim, target: Any, fitted: Fitted, several: bool) -> Iterator[str]:
    _, outcome, of = claim.target(target)
    for name in fitted.result.params.index:
        head, _, rest = name.partition(": ")
        if several and head != outcome:
            continue
        if _variable(rest if several else name) in of:
            yield name


def row(claim: Claim, panel: str, found: Match, finding: Finding) -> dict[str, Any]:
    """A finding as a row of the table of results."""
    said = finding.evidence
    numbers = {} if said is None else {name: getattr(said, name) for name in Evidence.__dataclass_fields__}
    equation, outcome, of = claim.target(finding.rule)
    return {
        "hypothesis": claim.id,
        "panel": panel,
        "rule": describe(claim, finding.rule),
        "outcome": outcome or ", ".join(listed(equation.outcome)),
        "regressor": ", ".join(of),
        "required": not finding.rule.where_present,
        "sign": finding.rule.sign,
        "bound": finding.rule.bound,
        "scale": equation.scale,
        "family": claim.family.name,
        "adjustment": claim.family.method,
        **numbers,
        "measured_by": found.measured_by(),
        "ways": found.ways(),
        **finding.facts,
        "reason": f"not estimable on {panel}: {finding.reason}" if finding.reason else "",
    }
