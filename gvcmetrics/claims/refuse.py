"""What makes an entry no hypothesis: names that nothing has, and rules that no data could fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gvcmetrics.claims.claim import Claim, Construct, Equation, Rule, Target, listed
from gvcmetrics.claims.construct import every_column
from gvcmetrics.claims.vocabulary import VOCABULARY
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.spec.yaml_lines import KeyPath

# The largest effect that there can be on a scale; where an effect has no limit there is none.
_LARGEST = {"probability": 1.0, "share": 1.0, "correlation": 1.0}
_NEEDS_BOUND = ("zero", "not_negative", "not_positive", "differs", "below", "above")
_BINARY = ("logit", "probit", "joint_probit", "multinomial_logit", "fractional_logit")
_SCALES = {
    "probability": _BINARY,
    "outcome": ("ols", "poisson"),
    "standard_deviations": ("ols",),
    "log_points": ("ols", "poisson"),
    "correlation": ("joint_probit",),
    "share": ("share",),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with an entry, and at which key."""

    path: KeyPath
    problem: str
    remedy: str


def first_fault(claims: Sequence[Claim]) -> Fault | None:
    """The first thing by which the entries are no list of hypotheses."""
    seen: dict[str, int] = {}
    methods: dict[str, str] = {}
    for place, claim in enumerate(claims):
        if claim.id in seen:
            return Fault(
                (place, "id"), f"the id comes twice, first as entry {seen[claim.id] + 1}", "Rename one"
            )
        seen[claim.id] = place
        if methods.setdefault(claim.family.name, claim.family.method) != claim.family.method:
            said = f"the family '{claim.family.name}' is adjusted by {methods[claim.family.name]} elsewhere"
            return Fault((place, "family", "method"), said, "One family has one method")
        for fault in faults(claim):
            return Fault((place, *fault.path), fault.problem, fault.remedy)
    return None


def faults(claim: Claim) -> Iterator[Fault]:
    """What is wrong with one entry: constructs first, then equations, then rules."""
    yield from _of_constructs(claim)
    for place, equation in enumerate(claim.equations):
        yield from _of_equation(claim, equation, ("equations", place))
    for place, rule in enumerate(claim.expect):
        yield from _of_rule(claim, rule, ("expect", place))
    if all(rule.where_present for rule in claim.expect) and len(claim.expect) == 1:
        yield Fault(("expect", 0, "where_present"), "the only rule cannot be left out", "Remove the key")


def _of_constructs(claim: Claim) -> Iterator[Fault]:
    for name in claim.constructs:
        several = not hasattr(claim.constructs[name], "measure")
        for place, construct in enumerate(claim.alternatives(name)):
            path: KeyPath = ("constructs", name, *([place] if several else []))
            word = VOCABULARY[construct.measure]
            given = len(listed(construct.of))
            if not word.least <= given <= word.most:
                wanted = f"{word.least}" if word.least == word.most else f"{word.least} to {word.most}"
                yield Fault(
                    (*path, "of"),
                    f"{construct.measure} is made of {wanted} columns, not {given}",
                    word.meaning,
                )
            if (construct.value is not None) != word.value:
                said = "needs a value" if word.value else "takes no value"
                yield Fault((*path, "value"), f"{construct.measure} {said}", word.meaning)
            elif word.values and construct.value not in word.values:
                remedy = did_you_mean(str(construct.value), word.values, f"One of: {', '.join(word.values)}")
                yield Fault((*path, "value"), f"{construct.measure} has no '{construct.value}'", remedy)
            yield from _of_neighbour(construct, path)
            if name in _behind(claim, construct.of, name):
                yield Fault((*path, "of"), "the construct is made of itself", "Name its columns")


def _of_neighbour(construct: Construct, path: KeyPath) -> Iterator[Fault]:
    """`panel` and `among` name another panel; only the measures of what stands beside one read them."""
    meaning = VOCABULARY[construct.measure].meaning
    needed = {"share_in_panel": ("panel", "among"), "from_panel": ("panel",)}.get(construct.measure, ())
    for key in needed:
        if not getattr(construct, key):
            yield Fault((*path, "measure"), f"{construct.measure} needs `{key}`", meaning)
    if construct.measure == "share_in_panel":
        return
    reads = ("value_chain", "completeness", "from_panel", "rival_share")
    if construct.among or (construct.panel and construct.measure not in reads):
        key = "among" if construct.among else "panel"
        yield Fault((*path, key), f"{construct.measure} reads no other panel", meaning)


def _behind(claim: Claim, of: str | tuple[str, ...], first: str) -> set[str]:
    """Names of constructs behind some others; the own name of a construct is a column to its makers."""
    found: set[str] = set()
    waiting = [name for name in listed(of) if name in claim.constructs and name != first]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [
            each
            for construct in claim.alternatives(name)
            for each in listed(construct.of)
            if each in claim.constructs and each != name
        ]
    return found


def _of_equation(claim: Claim, equation: Equation, path: KeyPath) -> Iterator[Fault]:
    outcomes = listed(equation.outcome)
    if equation.model not in _SCALES[equation.scale]:
        valid = [scale for scale, models in _SCALES.items() if equation.model in models]
        yield Fault(
            (*path, "scale"),
            f"{equation.model} has no effect on this scale",
            f"Write one of: {', '.join(valid)}",
        )
    if (len(outcomes) > 1) != (equation.model == "joint_probit") or len(outcomes) > 4:
        yield Fault(
            (*path, "outcome"),
            f"{equation.model} does not have {len(outcomes)} outcomes",
            "One outcome, or a joint_probit of two to four",
        )
    if (equation.scale in ("share", "correlation")) == bool(equation.regressors):
        said = "takes no regressors" if equation.regressors else "needs regressors"
        yield Fault(
            (*path, "regressors"), f"an effect on the scale '{equation.scale}' {said}", "Correct the equation"
        )
    terms = [part for term in equation.regressors for part in term.split(":")]
    for outcome in outcomes:
        for term in terms:
            shared = every_column(claim, outcome) & every_column(claim, term)
            if shared:
                column = min(shared)
                said = f"{outcome} and {term} are both made of '{column}', so no data could fail the claim"
                yield Fault((*path, "regressors"), said, "Measure one of them by something else")
    if equation.scale == "correlation" and len(outcomes) == 2:
        shared = every_column(claim, outcomes[0]) & every_column(claim, outcomes[1])
        if shared:
            said = f"both outcomes are made of '{min(shared)}', so no data could fail the claim"
            yield Fault((*path, "outcome"), said, "Measure one of them by something else")


def _of_rule(claim: Claim, rule: Rule, path: KeyPath) -> Iterator[Fault]:
    for target, at in ((rule, path), (rule.less, (*path, "less"))):
        if target is not None:
            yield from _of_target(claim, target, at)
    equation, outcome, of = claim.target(rule)
    on_share = equation.scale == "share"
    if on_share != (rule.sign in ("below", "above")):
        remedy = "Write below or above, with the bound" if on_share else "Write another sign"
        yield Fault(
            (*path, "sign"),
            f"a share is never {rule.sign}, or always" if on_share else f"'{rule.sign}' is said of shares",
            remedy,
        )
    if rule.sign in _NEEDS_BOUND and rule.bound is None:
        yield Fault(
            (*path, "sign"),
            f"no data could fail '{rule.sign}' without a bound",
            "Add `bound:`, the smallest effect that would matter",
        )
    if rule.bound is not None:
        yield from _of_bound(equation, rule, path)
    if rule.less is not None and claim.target(rule.less) == (equation, outcome, of):
        yield Fault((*path, "less"), "an effect less itself is zero in all data", "Compare two effects")
    if rule.less is not None and claim.target(rule.less)[0] != equation:
        yield Fault(
            (*path, "less"), "two equations are estimated apart", "Compare outcomes of one joint_probit"
        )
    if len(of) > 1 and rule.sign != "differs":
        yield Fault(
            (*path, "of"),
            f"several effects at once are not {rule.sign}",
            "Write one rule for each, or sign: differs",
        )


def _of_bound(equation: Equation, rule: Rule, path: KeyPath) -> Iterator[Fault]:
    assert rule.bound is not None
    largest = _LARGEST.get(equation.scale, float("inf")) * (2 if rule.less is not None else 1)
    if not rule.bound > 0 or rule.bound == float("inf"):
        yield Fault(
            (*path, "bound"), "a bound is a positive number", "Write the smallest effect that would matter"
        )
    elif rule.bound >= largest:
        said = f"no effect as {equation.scale} can exceed {largest:g}, so no data could fail the rule"
        yield Fault((*path, "bound"), said, "Write a smaller bound")


def _of_target(claim: Claim, target: Target, path: KeyPath) -> Iterator[Fault]:
    names = [equation.name for equation in claim.equations]
    if target.equation is not None and target.equation not in names:
        remedy = did_you_mean(target.equation, names, f"Equations: {', '.join(names)}")
        # Nothing else can be said of a rule about an equation that there is not.
        yield Fault((*path, "equation"), f"there is no equation '{target.equation}'", remedy)
        return
    equation = claim.equation(target.equation)
    known = [*equation.regressors, *equation.given]
    for name in listed(target.of):
        if name not in known:
            remedy = did_you_mean(name, known, f"Regressors of {equation.name}: {', '.join(known)}")
            yield Fault((*path, "of"), f"'{name}' is no regressor of the equation '{equation.name}'", remedy)
    outcomes = listed(equation.outcome)
    if (
        target.outcome is not None
        and equation.model != "multinomial_logit"
        and target.outcome not in outcomes
    ):
        yield Fault(
            (*path, "outcome"),
            f"'{target.outcome}' is no outcome of '{equation.name}'",
            f"Outcomes: {', '.join(outcomes)}",
        )
    several = (len(outcomes) > 1 and equation.scale != "correlation") or equation.model == "multinomial_logit"
    if several and target.outcome is None:
        yield Fault(path, f"'{equation.name}' has several outcomes", "Add `outcome:`")
