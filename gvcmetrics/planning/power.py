"""Whether a survey that is planned will tell a hypothesis from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.claims.claim import Claim, describe
from gvcmetrics.claims.run import claims_of, find_claim
from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.store.read import panel
from gvcmetrics.planning import laws
from gvcmetrics.planning.clusters import Allocation, allocate
from gvcmetrics.planning.design import Design, checked, unequal
from gvcmetrics.planning.figure import draw
from gvcmetrics.planning.large import Precision, precisions
from gvcmetrics.planning.levers import setting
from gvcmetrics.planning.replications import replicate, summarised
from gvcmetrics.simulate.economies.make import economy
from gvcmetrics.simulate.economies.parameters import Economy

_ROWS, _ROWS_JOINT = 16_000, 8000
"""Firm-years of the large economy; fewer for joint probits, which are slow. With 16,000 the design effect of
clusters of twenty is known to about 5 %, and a power to about two points."""
_LEAST, _MOST = 60, 1000
_PRINTED = ("power", "without", "simulation_error", "type_s", "type_m", "effect", "std_error", "smallest",
            "firms_needed", "rho", "bias", "bias_error", "note")  # fmt: skip
_DOWNWARD = ("negative", "not_positive")


@dataclass(frozen=True, repr=False)
class Power:
    """What a planned survey can tell about one hypothesis; numbers of a simulated economy.

    Attributes
    ----------
    table : one row a rule; `power`, the chance that it is supported; `type_s` and `type_m`; `smallest`, the
        smallest effect that is found with the chance `wanted`, in the direction that the rule says;
        `firms_needed` for that chance of this effect with as many clusters (missing where no number is
        enough); `rho`, the correlation within clusters of what firms contribute to the estimate; `cv` of
        clusters' sizes; `design_effect`; `bias` of the estimate in the large economy, and its standard error.
    wanted : the power that is wanted. dropped : power for each question left out, `without` its name.
    draws : of the simulation, where there was one.
    """

    claim: Claim
    design: Design
    wanted: float
    table: pd.DataFrame
    precisions: tuple[Precision, ...]
    effects: tuple[np.ndarray, ...]
    cv: float | None
    dropped: pd.DataFrame
    draws: pd.DataFrame | None = None

    def at(self, firms: int, clusters: int) -> pd.Series:
        """Power of each rule with so many firms in so many clusters."""
        values = [
            _rule(p, effect, firms, clusters, self.design.level, self.cv)["power"]
            for p, effect in zip(self.precisions, self.effects, strict=True)
        ]
        return pd.Series(values, index=self.table.index[: len(values)], name="power")

    def curve(
        self, firms: Sequence[int] | None = None, clusters: Sequence[int] | None = None
    ) -> pd.DataFrame:
        """Power over firms and clusters: columns `firms`, `clusters`, `rule`, `power`."""
        n, c = self.design.firms, self.design.clusters
        firms = firms or sorted({max(int(n * k), 1) for k in (0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4)})
        least = self.claim.errors.at_least
        clusters = clusters or sorted({max(int(c * k), least) for k in (0.5, 1, 2, 4)})
        rows = [
            {"firms": n, "clusters": c, "rule": rule, "power": value}
            for c in clusters
            for n in firms
            if n >= c
            for rule, value in self.at(n, c).items()
        ]
        return pd.DataFrame(rows)

    def allocate(self, budget: float, firm_cost: float, cluster_cost: float, rule: int = 0) -> Allocation:
        """The clusters, and firms in each, that tell most about a rule for the money.

        Raises
        ------
        DataError : the money does not pay for the fewest clusters of a firm each, or a cost is not positive.
        """
        # With fewer, errors by cluster fail, which a formula of variances cannot know.
        least = self.claim.errors.bootstrap_below
        for name, cost in (("firm_cost", firm_cost), ("cluster_cost", cluster_cost)):
            if not cost > 0:
                raise DataError(f"{name} is {cost}", Place(key=name), "Give a cost above zero")
        if budget < least * (firm_cost + cluster_cost):
            raise DataError(
                f"a budget of {budget:g} does not pay for {least} clusters of a firm each",
                Place(key="budget"),
                f"{least * (firm_cost + cluster_cost):g} is the least",
            )
        p = self.precisions[rule]
        cv = p.cv(self.design.size * p.kept) if self.cv is None else self.cv
        variance = float(p.covariance[0, 0]) / p.kept
        return allocate(budget, firm_cost, cluster_cost, variance, p.rho, cv, least)

    def plot(self) -> Figure:
        """Power over firms, a line for each number of clusters and a panel for each rule."""
        return draw(self.curve(), self.design.firms, self.wanted, self.claim.id)

    def __str__(self) -> str:
        d = self.design
        head = (
            f"{self.claim.id}: {d.firms} firms in {d.clusters} clusters, {d.years} year(s), level {d.level:g}"
        )
        lines = [
            head,
            "Simulated: what a survey of an economy of these effects would show.",
            _shown(self.table),
        ]
        if len(self.dropped):
            lines += ["Without a question:", _shown(self.dropped)]
        return "\n".join(lines)

    __repr__ = __str__


def _shown(table: pd.DataFrame) -> str:
    kept = [name for name in _PRINTED if name in table]
    lines = []
    for rule, values in table[kept].iterrows():
        lines.append(f"  {rule}")
        off = "bias" in values and abs(values["bias"]) > 2 * values["bias_error"]
        if "bias" in values:
            values = values.drop(["bias", "bias_error"] if not off else ["bias_error"])
        said = [
            f"{str(key).replace('_', ' ')} {_number(key, value)}"
            for key, value in values.items()
            if value == value
        ]
        lines.append(f"    {', '.join(said)}")
    return "\n".join(lines)


def _number(key: Any, value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if key == "firms_needed" else f"{value:.3f}"


def power(
    hypothesis: str,
    *,
    firms: int = 400,
    clusters: int = 20,
    years: int = 1,
    effect: float | None = None,
    level: float = 0.05,
    wanted: float = 0.8,
    drop: Sequence[str] = (),
    cv: float | None = None,
    pilot: pd.DataFrame | str | None = None,
    economy: Economy | None = None,
    by: Literal["large", "simulation"] = "large",
    rule: int = 0,
    replications: int = 200,
    workers: int = 1,
    folder: str | Path | None = None,
    seed: int = 1,
    path: str | Path | None = None,
    project: Project | None = None,
    **changes: Any,
) -> Power:
    r"""How likely a planned survey of firms is to support a hypothesis whose effects are so large.

    The declared equations are estimated once in one large simulated economy; the standard error of each
    effect at n firms in C clusters, of sizes with coefficient of variation κ, is

    .. math:: s = \sqrt{\frac{\sigma^2}{n} [1 + (\frac{n}{C} (1 + \kappa^2) - 1) \rho]},

    with :math:`\sigma^2` and :math:`\rho` from scores by firm and by cluster.
    Power is the chance of a two-sided p-value of at most `level` on the side that the rule says.

    Parameters
    ----------
    hypothesis : its id, of a claim on firms. firms, clusters, years : asked in the survey.
    effect : what the estimator finds on average, for every rule, on the scale of its equation and in the
        direction that the rule says; the true effects of the economy if none is given.
    level : of the test, before adjustments for the other tests of the family.
    wanted : the power for which the smallest effect and the firms needed are given.
    drop : columns that are not asked; the result compares with and without each.
    cv : coefficient of variation of clusters' sizes; that of the economy if none is given.
    pilot : firms that were surveyed, or a panel's name, from which σ and ρ are taken instead.
    economy, changes : what the firms are like, as of `simulate.economy`; without frictions if none is given.
        `buyers=3` has few buyers in a cluster.
    by : `simulation` makes `replications` economies of the design instead and examines each; with `effect`
        the parameter behind rule number `rule` is moved until its true effect is that, and that row counts.
    workers, folder, seed : of a simulation: processes, a folder in which it can be resumed, first seed.

    Returns
    -------
    Power : `table`, `at(firms, clusters)`, `curve()`, `plot()`, `allocate(budget, firm_cost, cluster_cost)`.

    Raises
    ------
    SpecError : there is no such hypothesis. DataError : no survey can be so, the design cannot test the
        hypothesis (the missing item is named), or the effect would make a probability leave (0, 1).

    References
    ----------
    Gelman and Carlin (2014), Perspectives on Psychological Science 9(6).

    Examples
    --------
    >>> import gvcmetrics as gvc
    >>> gvc.power("H2", firms=400, clusters=20, effect=0.2)  # doctest: +SKIP
    """
    claim = find_claim(hypothesis, claims_of(path, project))
    chosen = (economy or Economy().without_frictions()).with_(**changes)
    design = Design(firms, clusters, years, level, (), chosen)
    checked(claim, design)
    if not 0 < wanted < 1:
        raise DataError(f"power is {wanted}", Place(key="power"), "Give a share, 0.8")
    if not 0 <= rule < len(claim.expect):
        raise DataError(f"{claim.id} has no rule {rule}", Place(key="rule"), f"0 to {len(claim.expect) - 1}")
    uneven = unequal(chosen, cv, design.size)
    if by == "simulation":
        how = (replications, workers, None if folder is None else Path(folder), seed)
        design = replace(design, economy=uneven, drop=tuple(drop))
        return _simulated(claim, design, effect, rule, wanted, how)
    frame, asked, truth = _frame(claim, design, pilot, seed, project)
    unknown = [name for name in drop if name not in frame.columns]
    if unknown:
        raise DataError(
            f"no question is called '{unknown[0]}'",
            Place(key="drop"),
            did_you_mean(unknown[0], frame.columns),
        )
    found = precisions(claim, frame, asked)
    effects = tuple(_effect(claim, each, effect, truth) for each in found)
    table = _table(claim, found, effects, design, cv, wanted).join(_biases(claim, found, asked, truth))
    made = Power(claim, design, wanted, table, tuple(found), effects, cv, pd.DataFrame())
    lost = [_without(claim, frame, asked, name, made) for name in drop]
    return replace(made, dropped=pd.concat(lost)) if lost else made


def _frame(
    claim: Claim, design: Design, pilot: pd.DataFrame | str | None, seed: int, project: Project | None
) -> tuple[pd.DataFrame, int, dict[str, float]]:
    """The firms from which precision is taken, how many were asked, and true effects where they are known."""
    if pilot is not None:
        frame = panel(pilot, project=project) if isinstance(pilot, str) else pilot
        if "cluster_id" not in frame.columns:
            raise DataError("the pilot has no column cluster_id", Place(key="pilot"),
                            "Say in which cluster each firm is")  # fmt: skip
        return frame, len(frame[["country", "firm_id"]].drop_duplicates()), {}
    joint = any(each.model == "joint_probit" for each in claim.equations)
    rows = min(_ROWS, _ROWS_JOINT) if joint else _ROWS
    clusters = int(np.clip(round(rows / (design.size * design.years)), _LEAST, _MOST))
    firms = max(round(clusters * design.size), clusters)
    made = economy(design.of(firms, clusters), seed=seed)
    known = made.truth[made.truth["hypothesis"] == claim.id].dropna(subset=["value"])
    return made.firms, firms, dict(zip(known["effect"], known["value"], strict=True))


def _name(claim: Claim, found: Precision) -> str:
    """The effect of a rule as the economy's truth calls it."""
    return describe(claim, found.rule).rsplit(": ", 1)[0]


def _biases(claim: Claim, found: Sequence[Precision], asked: int, truth: dict[str, float]) -> pd.DataFrame:
    """How far the estimates of the large economy are from its true effects, beside their standard errors."""
    rows = {}
    for each in found:
        value = truth.get(_name(claim, each), np.nan)
        error = float(np.sqrt(each.variance(asked, each.clusters)[0, 0]))
        rows[describe(claim, each.rule)] = {"bias": float(each.effects[0]) - value, "bias_error": error}
    return pd.DataFrame.from_dict(rows, orient="index")


def _effect(claim: Claim, found: Precision, effect: float | None, truth: dict[str, float]) -> np.ndarray:
    """The true effects of a rule: as asked for, of the economy, or as the large economy estimates them."""
    down = -1.0 if found.rule.sign in _DOWNWARD else 1.0
    if effect is None:
        value = truth.get(_name(claim, found))
        return found.effects if value is None else np.array([value])
    equation = claim.target(found.rule)[0]
    value = down * effect
    moved = found.base + value
    if (equation.scale == "probability" and abs(value) >= 1) or (np.isfinite(moved) and not 0 < moved < 1):
        known = f"; on average it is {found.base:.2f}" if np.isfinite(found.base) else ""
        raise DataError(
            f"{describe(claim, found.rule)}: an effect of {effect:g} makes probabilities leave (0, 1){known}",
            Place(key="effect"),
            "Give a smaller effect",
        )
    return np.full(len(found.effects), value)


def _rule(
    found: Precision, effect: np.ndarray, firms: int, clusters: int, level: float, cv: float | None
) -> dict[str, float]:
    """Chances of one rule in a design."""
    rule = found.rule
    covariance = found.variance(firms, clusters, cv)
    error = float(np.sqrt(covariance[0, 0]))
    df = float(clusters - 1)
    bar = laws.critical(level, np.inf if found.normal else df)
    row = {
        "effect": float(effect[0]),
        "std_error": error,
        "type_s": np.nan,
        "type_m": np.nan,
        "detectable": np.nan,
    }
    if rule.sign in ("below", "above"):
        assert rule.bound is not None
        value = laws.share(
            round(firms * found.kept), float(effect[0]), rule.bound, rule.sign == "below", level
        )
        return {**row, "power": value}
    if len(effect) > 1:
        size = float(effect @ np.linalg.solve(covariance, effect))
        value = laws.joint(size, len(effect), level, np.inf if found.normal else df)
        return {**row, "effect": np.nan, "std_error": np.nan, "power": value}
    bound = rule.bound or 0.0
    if rule.sign == "zero":
        return {**row, "power": laws.equivalence(abs(effect[0]) / error, bound / error, bar, df)}
    edge = {"not_negative": -bound, "not_positive": bound}.get(rule.sign, 0.0)
    down = -1.0 if rule.sign in _DOWNWARD else 1.0
    distance = down * (float(effect[0]) - edge) / error
    chances = laws.two_sided(distance, bar, df)
    if rule.sign in ("positive", "negative"):
        row |= {"type_s": chances.type_s, "type_m": chances.type_m}
    supported = chances.power if distance >= 0 else chances.found - chances.power
    return {**row, "power": chances.found if rule.sign == "differs" else supported, "bar": bar, "df": df,
            "edge": down * edge}  # fmt: skip


def _table(
    claim: Claim, found: Sequence[Precision], effects: Sequence[np.ndarray], design: Design,
    cv: float | None, wanted: float,
) -> pd.DataFrame:  # fmt: skip
    rows = {}
    for each, effect in zip(found, effects, strict=True):
        row = _rule(each, effect, design.firms, design.clusters, design.level, cv)
        smallest = np.nan
        if "bar" in row:
            smallest = row["edge"] + laws.detectable(wanted, row["bar"], row["df"]) * row["std_error"]
        size = design.size * each.kept
        alone = float(each.covariance[0, 0]) / (design.firms * each.kept)
        deff = float(each.variance(design.firms, design.clusters, cv)[0, 0]) / alone
        rows[describe(claim, each.rule)] = {
            **{key: row[key] for key in ("effect", "std_error", "power", "type_s", "type_m")},
            "smallest": smallest,
            "firms_needed": _needed(each, effect, design, cv, wanted),
            "rho": each.rho,
            "cv": each.cv(size) if cv is None else cv,
            "design_effect": deff,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")


def _needed(found: Precision, effect: np.ndarray, design: Design, cv: float | None, wanted: float) -> float:
    """The fewest firms that give the power wanted with as many clusters; missing where none do."""

    def reached(firms: int) -> bool:
        return _rule(found, effect, firms, design.clusters, design.level, cv)["power"] >= wanted

    low, high = design.clusters, design.clusters
    while not reached(high):
        low, high = high, high * 2
        if high > 10**6:
            return float("nan")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return float(high)


def _without(claim: Claim, frame: pd.DataFrame, asked: int, name: str, given: Power) -> pd.DataFrame:
    """Power of each rule without a question; why not, where it cannot be tested any more.

    What stands in for the question finds more or less of the effect: as much as the estimate in the same
    firms moves.
    """
    design = given.design
    full = {describe(claim, each.rule): place for place, each in enumerate(given.precisions)}
    rows: dict[str, dict[str, Any]] = {}
    try:
        for each in precisions(claim, frame.drop(columns=name), asked):
            rule = describe(claim, each.rule)
            effect, before = given.effects[full[rule]], given.precisions[full[rule]].effects
            moved = effect * each.effects / before if len(effect) == 1 else each.effects
            found = _rule(each, moved, design.firms, design.clusters, design.level, given.cv)
            rows[rule] = {key: found[key] for key in ("power", "effect", "std_error")}
        why = "cannot be tested"
    except DataError as error:
        why = str(error)
    lost = {rule: rows.get(rule, {"power": np.nan, "note": why}) for rule in full}
    return pd.DataFrame.from_dict(lost, orient="index").rename_axis("rule").assign(without=name)


def _simulated(
    claim: Claim, design: Design, effect: float | None, rule: int, wanted: float,
    how: tuple[int, int, Path | None, int],
) -> Power:  # fmt: skip
    if effect is not None:
        spoken = claim.expect[rule]
        value = -effect if spoken.sign in _DOWNWARD else effect
        moved = setting(claim.id, describe(claim, spoken).rsplit(": ", 1)[0], value, design)
        design = replace(design, economy=design.economy.with_(**moved))
    draws = replicate(claim, design, *how)
    if draws["p_value"].isna().all():
        raise DataError(
            f"this design cannot test {claim.id}: {draws['reason'].iloc[0]}", Place(key="hypothesis"),
            "Ask for it, add years, or choose another hypothesis",
        )  # fmt: skip
    table = summarised(draws, design.level)
    return Power(claim, design, wanted, table, (), (), None, pd.DataFrame(), draws)
