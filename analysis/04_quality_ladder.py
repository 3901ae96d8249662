"""Study 4. Climbing the quality ladder of passenger cars: who stands higher, and does anyone climb?

The rung of an exporter is ordered and its Kaplinsky–Readman quadrant is one of four, so neither is a matter
for least squares; and exporters differ in ways that no panel shows, so that what goes with a rung between
exporters need not move one up. The same model is therefore estimated four ways: pooled, with a random
effect of the exporter, with its means beside it, and with the exporter's effect conditioned away.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.models import Results, TestResult, brant, hausman
from gvcmetrics.report import Study, coefficient_plot
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

PANEL = "passenger_cars"
FIRST, LAST = 1965, 2014
WIDTH, NARROW = 5, 3  # years of a window: those of study 1, and shorter ones to see what rests on them
ESTABLISHED = 1e-4  # at least 0.01 per cent of world exports, as in study 1
RUNGS = ["Bottom", "Lower middle", "Upper middle", "Top"]
AFTER = "F(log_market_share)"
SHARE, CONTINUITY = "L(log_market_share)", "L(continuity)"
EARLIER = ["L(log_market_share, 2)", "L(log_quality, 2)"]
LADDER = f"rung ~ {SHARE} + {CONTINUITY}"
MOVES = f"quadrant ~ {' + '.join(EARLIER)}"
LABELS = {
    "rung": "Rung of the quality ladder",
    "quadrant": "Quadrant",
    SHARE: "Log market share, a window before",
    CONTINUITY: "Continuity of exporting, a window before",
    AFTER: "Log market share, a window later",
    "mean(L(log_market_share))": "Log market share, mean of the exporter",
    "mean(L(continuity))": "Continuity, mean of the exporter",
    EARLIER[0]: "Log market share, two windows before",
    EARLIER[1]: "Log quality, two windows before",
    "mean(L(log_market_share, 2))": "Log market share, mean of the exporter",
    "mean(L(log_quality, 2))": "Log quality, mean of the exporter",
    "downgrading": "Downgrading",
    "failed product upgrading": "Failed product upgrading",
    "process upgrading": "Process upgrading",
    "product upgrading": "Product upgrading",
    "exporter": "Exporter",
    "window": "Window",
}


def run() -> None:
    """Tabulate, draw and estimate; every step adds to the study's part of the report."""
    study = Study(
        "04_quality_ladder",
        title="The quality ladder of car exporters: fixed and random effects",
        question="Do exporters of passenger cars climb the quality ladder as their share of the world market grows, "
        "or do exporters with a large share merely stand higher?",
    )
    cars = gvc.panel(PANEL)
    provenance = cars.attrs["provenance"]
    study.source(provenance)
    windows, narrow = ladder(cars, WIDTH), ladder(cars, NARROW)
    for frame, width in ((windows, WIDTH), (narrow, NARROW)):
        study.sample(
            f"Established exporters by window of {width} years",
            len(frame),
            exporters=frame["exporter"].nunique(),
        )
    # An ordered logit, four ways.
    rungs = [
        *(fit_rungs(windows, effects) for effects in ("pooled", "random", "correlated", "fixed")),
        fit_rungs(narrow, "fixed"),
    ]
    study.text(caution(windows, rungs[3]))

    # 1. What a rung is, and how often it is left.
    moves = measures.transition_matrix(windows, state="rung", unit=["exporter"], time="window")
    counts = measures.transition_matrix(
        windows, state="rung", unit=["exporter"], time="window", probabilities=False
    )
    study.table(
        gvc.table(
            transitions(moves, counts),
            digits=2,
            notes=[
                "Rows: rung in a window; columns: rung in the next. Rungs are quarters of the window's established "
                f"exporters (at least {ESTABLISHED:.2%} of world exports in the year) by mean quality. Shares of a "
                "row add to one.",
            ],
            provenance=provenance,
        ),
        "transitions",
        caption="Moves between rungs of the quality ladder",
    )

    # 2. The rung.
    study.table(
        gvc.table(
            rungs,
            labels=LABELS,
            rows={"Years of a window": [WIDTH] * 4 + [NARROW]},
            statistics={
                "pseudo_r2": "Pseudo R²",
                "rho": "Intraclass correlation",
                "mundlak_p": "Mundlak test, p",
                "loglik": "Log likelihood",
            },
            notes=[
                "Ordered logits. Fixed effects: blow-up and cluster estimator (Baetschmann, Staub & Winkelmann 2015), "
                "which uses the exporters whose rung changes. Continuity: share of the window's years in which the "
                "exporter was established.",
            ],
            provenance=provenance,
        ),
        "ladder",
        caption="The rung of the quality ladder: ordered logit",
    )
    study.figure(
        coefficient_plot(
            {
                name: share_effects(result)
                for name, result in zip(("Pooled", "Random", "Correlated"), rungs[:3], strict=True)
            },
            labels={f"{rung}: {SHARE}": rung for rung in RUNGS},
            estimate_title="Effect of log market share on the probability of the rung, 95 % confidence interval",
        ),
        "effects",
        caption="Market share and the rung of the quality ladder, between and within exporters",
        notes=[
            "Average marginal effects; of the models with a random effect averaged over it. Correlated: with the "
            "exporter's means held, so the effect is within exporters. Errors clustered by exporter.",
        ],
    )

    # 3. The quadrant: a multinomial logit, pooled, with means, and conditional.
    quadrants = [
        *(fit_quadrants(windows, effects) for effects in ("pooled", "correlated_pooled", "fixed")),
        fit_quadrants(narrow, "fixed"),
    ]
    study.table(
        gvc.table(
            quadrants,
            labels=LABELS,
            rows={"Years of a window": [WIDTH] * 3 + [NARROW]},
            statistics={
                "pseudo_r2": "Pseudo R²",
                "mundlak_p": "Mundlak test, p",
                "loglik": "Log likelihood",
            },
            notes=[
                "Multinomial logits of the Kaplinsky–Readman quadrant between successive windows; base: downgrading. "
                "Fixed effects: Chamberlain's conditional likelihood. Regressors are dated before the change "
                "begins, so that noise in its first window is not on both sides.",
            ],
            provenance=provenance,
        ),
        "quadrants",
        caption="The Kaplinsky–Readman quadrant: multinomial logit",
    )

    # 4. Which of the models can be believed.
    led = fit_rungs(windows, "fixed", f"{LADDER} + {AFTER}")
    tests = specification(rungs, quadrants, led)
    study.table(
        gvc.table(
            tests_table(tests),
            formats={"Statistic": ".2f", "Degrees of freedom": ".0f", "p": ".3f"},
            notes=[
                "Hausman tests are robust to clustering by exporter. Strict exogeneity: the market share of the window "
                "after, added to the fixed-effects model; it should not matter (Wooldridge 2010, 15.8.2). Brant: "
                "equal slopes at each cut of the pooled model, without clustering.",
            ],
            provenance=provenance,
        ),
        "tests",
        caption="Specification tests of the ladder and of the quadrants",
    )
    study.text(rungs_in_words(windows, rungs, led, tests))
    study.text(quadrants_in_words(quadrants))
    study.not_estimated(
        "H12",
        needs="entry into quasi-hierarchical chains, by exporter and year. Continuity of exporting is in the panel of "
        "car exporters, and this study relates it to the quality ladder; who governs the chain is not in it",
        get="customs records joined to a survey",
    )
    study.write()


def ladder(cars: pd.DataFrame, width: int) -> pd.DataFrame:
    """Established exporters by window: rung, quadrant, market share, quality and continuity."""
    spans = [(year, year + width - 1) for year in range(FIRST, LAST - width + 2, width)]
    cars = cars.assign(
        relative_unit_value=measures.relative_unit_value(cars, unit_value="unit_value_index"),
        market_share=measures.market_share(cars),
    )
    inside = cars["year"].between(spans[0][0], spans[-1][1]) & (cars["market_share"] >= ESTABLISHED)
    cars = cars[inside].assign(window=lambda frame: (frame["year"] - FIRST) // width)
    grouped = cars.groupby(["exporter", "window"])
    windows = (
        grouped[["quality", "market_share"]].mean().assign(continuity=grouped.size() / width).reset_index()
    )
    windows["log_market_share"] = np.log(windows["market_share"])
    windows["log_quality"] = np.log(windows["quality"])
    place = windows.groupby("window")["quality"].transform(
        lambda quality: pd.qcut(quality, len(RUNGS), labels=False)
    )
    windows["rung"] = pd.Categorical.from_codes(place.astype(int), categories=RUNGS, ordered=True)
    changes = measures.quadrants(cars, periods=spans)
    changes["window"] = (changes["end_year"].astype(int) - FIRST) // width
    windows = windows.merge(
        changes[["exporter", "window", "quadrant"]], on=["exporter", "window"], how="left"
    )
    windows.attrs = dict(cars.attrs)
    for column, source in {
        "log_market_share": ["market_share"],
        "continuity": ["market_share"],
        "log_quality": ["quality"],
        "rung": ["quality"],
        "quadrant": ["relative_unit_value", "market_share"],
    }.items():
        measures.record(windows, column, *source)
    return windows


def transitions(moves: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Row shares of moves between rungs, with the number of moves from each."""
    table = moves.copy()
    table.columns = pd.MultiIndex.from_product([["To"], table.columns.astype(str)])
    table[("", "Moves")] = counts.sum(axis=1)
    return table.rename_axis("From")


def fit_rungs(windows: pd.DataFrame, effects: str, formula: str = LADDER) -> Results:
    """Ordered logit of the rung."""
    return gvc.ordered_logit(
        formula, windows, unit="exporter", time="window", effects=effects, vcov={"CRV1": "exporter"}
    )


def fit_quadrants(windows: pd.DataFrame, effects: str) -> Results:
    """Multinomial logit of the quadrant; base: downgrading."""
    return gvc.multinomial_logit(
        MOVES, windows, unit="exporter", time="window", effects=effects, vcov={"CRV1": "exporter"}
    )


def share_effects(result: Results) -> pd.DataFrame:
    """Average marginal effects of market share on the probability of each rung."""
    return result.margins(SHARE).tidy()


def specification(rungs: list[Results], quadrants: list[Results], led: Results) -> dict[str, TestResult]:
    """The tests of both parts, by what they ask."""
    by_exporter = {"CRV1": "exporter"}
    _, random, correlated, fixed, _ = rungs
    pooled, with_means, conditional, _ = quadrants
    return {
        "Ladder: random against fixed effects (Hausman)": hausman(fixed, random, vcov=by_exporter),
        "Ladder: means of the exporter (Mundlak)": correlated.test(
            [f"`{name}`" for name in correlated.blocks["Unit means"]]
        ),
        "Ladder: strict exogeneity": led.test(AFTER),
        "Quadrant: pooled against fixed effects (Hausman)": hausman(conditional, pooled, vcov=by_exporter),
        "Quadrant: means of the exporter (Mundlak)": with_means.test(
            [f"`{name}`" for name in with_means.params.index if ": mean(" in name]
        ),
    } | {"Ladder: parallel slopes (Brant)": brant_as_test(rungs[0])}


def brant_as_test(pooled: Results) -> TestResult:
    """The joint row of Brant's table."""
    row = brant(pooled).loc["all"]
    return TestResult("Brant test", row["statistic"], int(row["df"]), row["p_value"], "χ²")


def tests_table(tests: dict[str, TestResult]) -> pd.DataFrame:
    """One row a test, those of the ladder first."""
    rows = {
        name: {"Statistic": test.statistic, "Degrees of freedom": test.df, "p": test.pvalue}
        for name, test in sorted(tests.items(), key=lambda item: item[0].split(":")[0] != "Ladder")
    }
    return pd.DataFrame(rows).T.rename_axis("Test")


def caution(windows: pd.DataFrame, fixed: Results) -> str:
    """What the panel can and cannot say, before any estimate."""
    changing = windows.groupby("exporter")["rung"].nunique() > 1
    return f"""
        The panel has {windows["exporter"].nunique()} established exporters of cars, {changing.sum()} of which ever
        change their rung; {fixed.statistics["units"]:.0f} of them also have a window before the change, and a model
        with exporter effects learns from these alone. Quality
        is an estimate that its authors made from unit values, so unit values may not explain it here. The bounds
        that come with it hold one value a year for all exporters, so that nobody knows how sure a rung is, and no
        standard error below counts the errors in it. Unit values are an index,
        normalised by year, of which only ratios within a year mean anything.

        A rung is relative: a quarter of the window's established exporters, so one climbs past another, and
        the upward drift that all share is taken out. There is nothing on who designs, brands or governs, no price
        of inputs and no income. The estimates are conditional associations.
    """


def rungs_in_words(
    windows: pd.DataFrame, rungs: list[Results], led: Results, tests: dict[str, TestResult]
) -> str:
    """Between and within, in log odds, and what the tests say of it."""
    pooled, random, _, fixed, narrow = rungs

    def estimate(result: Results) -> str:
        low, high = result.conf_int().loc[SHARE]
        told = pointing(low, high, "positive", "negative", "not told from zero")
        return f"{with_interval(result.params[SHARE], low, high, 2)}, {told}"

    counts = measures.transition_matrix(
        windows, state="rung", unit=["exporter"], time="window", probabilities=False
    ).to_numpy()
    return f"""
        {np.trace(counts) / counts.sum():.0%} of {counts.sum():.0f} moves from one window to the next end in the rung
        where they began, and {random.statistics["rho"]:.0%} of the variance of the latent rung lies between exporters.
        The log odds of a higher rung on the log market share of the window before, with 95 per cent intervals:
        {estimate(pooled)}, in the pooled model (N {pooled.nobs}); {estimate(fixed)}, within exporters
        (N {fixed.nobs}); {estimate(narrow)}, within exporters in windows of {NARROW} years (N {narrow.nobs}).
        {within_in_words(pooled, fixed, narrow)}

        {tests_in_words(led, tests)}
    """


def tests_in_words(led: Results, tests: dict[str, TestResult]) -> str:
    """What the tests leave of the models, each with both tests of the same question where there are two."""

    def verdict(name: str) -> str:
        pvalue = tests[name].pvalue
        return f"{'' if pvalue < 0.05 else 'not '}rejected ({p_in_words(pvalue)})"

    exogeneity = "Ladder: strict exogeneity"
    if tests[exogeneity].pvalue < 0.05:
        rung = "higher" if led.params[AFTER] > 0 else "lower"
        doubt = (
            f"exporters on a {rung} rung have a larger share in the window after ({led.params[AFTER]:+.2f})"
        )
        doubt = doubt.replace("-", "−")
    else:
        doubt = f"with {led.statistics['units']:.0f} exporters the power of the test is low"
    return f"""
        That the exporter's effect on the rung is unrelated to the regressors is
        {verdict("Ladder: random against fixed effects (Hausman)")} by the Hausman test and
        {verdict("Ladder: means of the exporter (Mundlak)")} by the means of the exporter; that slopes are the same at
        every cut of the pooled model, {verdict("Ladder: parallel slopes (Brant)")}. Strict exogeneity, which every
        column but the first needs, is {verdict(exogeneity)}; {doubt}. For the quadrant, that pooled and fixed effects
        agree is {verdict("Quadrant: pooled against fixed effects (Hausman)")}, that the means of the exporter do not
        matter {verdict("Quadrant: means of the exporter (Mundlak)")}.
    """


def within_in_words(pooled: Results, *fixed: Results) -> str:
    """Whether the association holds between exporters, and whether it holds within them."""
    between = pooled.pvalues[SHARE] < 0.05
    found = sum(result.pvalues[SHARE] < 0.05 for result in fixed)
    higher = "higher" if pooled.params[SHARE] > 0 else "lower"
    if between and not found:
        return f"Large exporters stand {higher}, but no within estimate can be told from zero."
    if not between and not found:
        return "Neither between nor within exporters can the share be told from having no part in it."
    across = (
        f"Large exporters stand {higher}" if between else "Between exporters nothing can be told from zero"
    )
    return f"{across}; of the {len(fixed)} within estimates {found} can be told from zero at five per cent."


def quadrants_in_words(quadrants: list[Results]) -> str:
    """Which estimates of the conditional models hold in both widths of the window."""
    wide, narrow = quadrants[2:]
    both = [
        name
        for name in wide.params.index
        if wide.pvalues[name] < 0.05
        and narrow.pvalues[name] < 0.05
        and wide.params[name] * narrow.params[name] > 0
    ]
    once = [
        name
        for name in wide.params.index
        if (wide.pvalues[name] < 0.05) != (narrow.pvalues[name] < 0.05) and name not in both
    ]

    def named(name: str) -> str:
        quadrant, term = name.split(": ", 1)
        sign = "+" if wide.params[name] > 0 else "−"
        return f"{quadrant} on {LABELS[term][0].lower()}{LABELS[term][1:]} ({sign})"

    held = "; ".join(map(named, both)) or "none"
    return f"""
        Of the {len(wide.params)} coefficients of the conditional models of the quadrant, those that differ from zero at
        five per cent in windows of {WIDTH} and of {NARROW} years alike, with the same sign, are: {held}. A further
        {len(once)} do so in one of the two only. A share that happened to be high two windows ago returns to the
        exporter's own mean, which by itself puts an exporter among those whose share falls; these models cannot tell
        that from a cost of having grown.
    """


if __name__ == "__main__":
    run()
