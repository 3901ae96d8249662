"""Study 1. Who climbed the quality ladder of passenger cars, and does quality converge to the frontier?

Kaplinsky and Readman (2005) read upgrading off two numbers that every trade panel has: an exporter's unit
value against the world's, and its share of the world market. The panel also has an estimate of quality, so
the second half asks whether exporters far from the frontier catch up.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.models import Results
from gvcmetrics.report import Study, path_plot, quadrant_plot
from gvcmetrics.report.findings import pointing

PANEL = "passenger_cars"
FIRST = 1965
WINDOW = 5
WINDOWS = [(year, year + WINDOW - 1) for year in range(FIRST, 2015, WINDOW)]
LONG_RUN = [(1995, 1999), (2010, 2014)]
ESTABLISHED = 1e-4  # at least 0.01 per cent of world exports: below it a few second-hand cars move the mean
LARGE = 1e-3
# Two changes that share a window of pure noise correlate by -1/2; a sign is then kept with a probability of a
# third (the orthant probability of the normal), both signs with a ninth.
NOISE = (0.5 + np.arcsin(-0.5) / np.pi) ** 2
SHORT = {
    "product upgrading": "Product",
    "process upgrading": "Process",
    "failed product upgrading": "Failed product",
    "downgrading": "Down",
}
LABELS = {
    "distance_to_frontier": "Distance to the quality frontier",
    "L(distance_to_frontier)": "Distance to the frontier, a window before",
    "L(log_market_share)": "Log market share, a window before",
    "relative_unit_value": "Relative unit value",
    "market_share": "World market share, per cent",
    "quality": "Export quality",
    "exporter": "Exporter",
    "window": "Window",
}


def run() -> None:
    """Tabulate, draw and estimate; every step adds to the study's part of the report."""
    study = Study(
        "01_car_exporters",
        title="Product upgrading of car exporters",
        question="Which exporters of passenger cars upgraded, and does their quality converge to the frontier?",
    )
    cars = gvc.panel(PANEL)
    study.source(cars.attrs["provenance"])

    # 1. What the panel covers.
    study.table(
        gvc.table(
            coverage(cars),
            formats={"Value, bn USD": ",.1f", "HHI of exporters": ".3f"},
            notes=[
                "Observed: exporter-years with quality, unit value and trade value. Value: world exports a year "
                "in current USD. HHI: Herfindahl–Hirschman index of exporters' shares. Both are yearly means.",
            ],
            provenance=cars.attrs["provenance"],
        ),
        "coverage",
        caption="Exporters of passenger cars, by decade",
    )

    # 2. Relative unit value, market share, distance to the frontier.
    cars = measured(cars)
    study.sample("Exporter-years", len(cars), exporters=cars["exporter"].nunique())
    study.table(
        gvc.table(
            described(cars),
            labels=LABELS,
            notes=[
                "Relative unit value: unit value over the world's mean of the year. Distance: log of the highest "
                f"quality among established exporters (at least {ESTABLISHED:.2%} of world exports in the year) "
                "less the log of the exporter's.",
            ],
        ),
        "descriptives",
        caption="Quality, relative unit value and market share of established exporters",
    )

    # 3. Quadrants, and whether a move lasts.
    moves = measures.quadrants(established(cars), periods=WINDOWS)
    study.text(persistence_in_words(moves))
    study.table(
        gvc.table(
            transitions(moves),
            digits=2,
            notes=[
                "Product, process and failed product upgrading, and downgrading. "
                f"Rows: quadrant between two successive {WINDOW}-year windows; columns: quadrant one window later. "
                f"Established exporters, windows {WINDOWS[0][0]}–{WINDOWS[0][1]} to "
                f"{WINDOWS[-1][0]}–{WINDOWS[-1][1]}. Shares of a row add to one. Neighbouring changes share a "
                "window, so that noise alone moves exporters to the opposite quadrant.",
            ],
            provenance=cars.attrs["provenance"],
        ),
        "transitions",
        caption="Transitions between Kaplinsky–Readman quadrants",
    )
    study.figure(
        quadrant_plot(
            long_run(cars),
            size="exports",
            price_title="Change in relative unit value",
            linear_within=0.1,
        ),
        "quadrants",
        caption="Relative unit value and market share, 1995–99 to 2010–14",
        notes=[
            "Established exporters in both windows. The vertical axis is linear within ±0.1 percentage points and "
            "logarithmic beyond. Marker area: mean exports in 2010–14.",
        ],
    )

    # 4. Convergence to the frontier.
    windows = window_means(cars)
    models = convergence(windows)
    study.text(convergence_in_words(models))
    study.table(
        gvc.table(
            models,
            labels=LABELS,
            rows={"Exporters": ["all", "all", "all", "established", "established"]},
            notes=[
                f"Units of time are {WINDOW}-year windows. A coefficient of one is no convergence, zero full "
                "convergence within a window. With exporter effects the coefficient is biased downwards in a short "
                "panel (Nickell 1981).",
            ],
            provenance=cars.attrs["provenance"],
        ),
        "convergence",
        caption="Convergence of car export quality to the frontier",
    )
    risers, fallers = movers(windows)
    study.figure(
        path_plot(
            cars,
            outcome="quality",
            highlight=[*risers, *fallers],
            outcome_title="Export quality (90th percentile of exporters = 1)",
        ),
        "paths",
        caption="Quality of the car exporters that moved most",
        notes=[
            "The three exporters that came closest to the frontier and the three that fell back most between their "
            f"first and last window with at least {LARGE:.1%} of world exports, thirty years or more apart: up "
            f"{', '.join(risers)}; down {', '.join(fallers)}.",
        ],
    )
    study.figure(
        path_plot(
            cars.assign(share=100 * cars["market_share"]),
            outcome="share",
            highlight=largest_ever(cars),
            outcome_title="Share of world exports of passenger cars, per cent",
        ),
        "market_shares",
        caption="World market shares of the six largest car exporters",
        notes=[breaks_in_words(cars, largest_ever(cars))],
    )
    study.not_estimated(
        "Functional and chain upgrading of car exporters",
        needs="who designs, brands and sells the cars; unit values and quality see the product only",
        get="a firm panel with the functions of the firm contract",
    )
    study.write()


def coverage(cars: pd.DataFrame) -> pd.DataFrame:
    """Exporters, exporter-years, world exports and their concentration, by decade."""
    decade = (cars["year"] // 10 * 10).astype(str).add("s").rename("Decade")
    world = measures.concentration_indices(cars, across="exporter", by=["year"])
    world["value"] = world["year"].map(cars.groupby("year")["value_usd"].sum()) / 1e9
    yearly = world.groupby(world["year"] // 10 * 10)[["value", "hhi"]].mean()
    counted = cars.groupby(decade).agg(
        years=("year", "nunique"),
        exporters=("exporter", "nunique"),
        observed=("quality", "count"),
    )
    return counted.assign(value=yearly["value"].to_numpy(), hhi=yearly["hhi"].to_numpy()).rename(
        columns={
            "years": "Years",
            "exporters": "Exporters",
            "observed": "Observed",
            "value": "Value, bn USD",
            "hhi": "HHI of exporters",
        }
    )


def measured(cars: pd.DataFrame) -> pd.DataFrame:
    """The panel with the study's measures."""
    cars = cars.assign(
        relative_unit_value=measures.relative_unit_value(cars, unit_value="unit_value_index"),
        market_share=measures.market_share(cars),
    )
    frontier = established(cars).groupby("year")["quality"].max()
    cars["distance_to_frontier"] = np.log(cars["year"].map(frontier) / cars["quality"])
    return measures.record(cars, "distance_to_frontier", "quality")


def established(cars: pd.DataFrame) -> pd.DataFrame:
    """Exporter-years with a share of the world market that is not noise."""
    return cars[cars["market_share"] >= ESTABLISHED]


def described(cars: pd.DataFrame) -> pd.DataFrame:
    """Moments of the measures among established exporters."""
    columns = ["quality", "relative_unit_value", "market_share", "distance_to_frontier"]
    per_cent = established(cars).assign(market_share=100 * cars["market_share"])
    table = per_cent[columns].describe(percentiles=[0.1, 0.5, 0.9]).T
    table["count"] = table["count"].astype(int)
    return table.rename(
        columns={"count": "N", "mean": "Mean", "std": "SD", "min": "Min", "max": "Max"}
        | {"10%": "P10", "50%": "Median", "90%": "P90"}
    )


def transitions(moves: pd.DataFrame) -> pd.DataFrame:
    """Row shares of moves between quadrants, with the number of moves from each."""
    counts = measures.transition_matrix(moves, probabilities=False)
    shares = measures.transition_matrix(moves)
    shares.columns = pd.MultiIndex.from_product([["To"], shares.columns.map(SHORT)])
    shares[("", "Moves")] = counts.sum(axis=1)
    return shares.rename(index=SHORT).rename_axis("From")


def persistence_in_words(moves: pd.DataFrame) -> str:
    """What the transition matrix says, beside what noise alone would give."""
    counts = measures.transition_matrix(moves, probabilities=False)
    again = measures.transition_matrix(moves).loc["product upgrading", "product upgrading"]
    stayed = gvc.ols("stayed ~ 1", successive(moves), vcov={"CRV1": "exporter"})
    low, high = stayed.conf_int().loc["Intercept"]

    def beside(share: float) -> str:
        return pointing(low - share, high - share, "more than", "fewer than", "not told apart from")

    return (
        f"Of {int(counts.to_numpy().sum())} moves of established exporters from one pair of windows to the next, "
        f"{stayed.params['Intercept']:.0%} ({low:.0%} to {high:.0%}; errors clustered by exporter) end in the "
        f"quadrant where they began. That is {beside(NOISE)} the {NOISE:.0%} that noise alone would give, since "
        f"neighbouring changes share a window, and {beside(0.25)} the 25% of four equally likely quadrants. After "
        f"product upgrading, {again:.0%} upgrade again. The figure below compares windows fifteen years apart."
    )


def successive(moves: pd.DataFrame) -> pd.DataFrame:
    """Exporters at two successive changes: whether they stayed in their quadrant."""
    known = moves.dropna(subset=["quadrant"]).sort_values(["exporter", "end_year"])
    after = known.groupby("exporter")[["quadrant", "end_year"]].shift(-1)
    next_one = after["end_year"] - known["end_year"] == WINDOW
    pairs = known[next_one]
    return pairs.assign(stayed=(pairs["quadrant"] == after.loc[next_one, "quadrant"]).astype(float))


def long_run(cars: pd.DataFrame) -> pd.DataFrame:
    """Quadrants over fifteen years, with mean exports in the last window."""
    moves = measures.quadrants(established(cars), periods=LONG_RUN)
    first, last = LONG_RUN[-1]
    exports = cars[cars["year"].between(first, last)].groupby("exporter")["value_usd"].mean()
    return moves.assign(exports=moves["exporter"].map(exports)).dropna(subset=["quadrant"])


def window_means(cars: pd.DataFrame) -> pd.DataFrame:
    """Exporters by five-year window: means of distance and share, in logs as the models take them."""
    inside = cars[cars["year"].between(WINDOWS[0][0], WINDOWS[-1][1])]
    grouped = inside.assign(window=(inside["year"] - FIRST) // WINDOW).groupby(
        ["exporter", "window"], as_index=False
    )
    windows = grouped[["distance_to_frontier", "market_share"]].mean()
    windows["log_market_share"] = np.log(windows["market_share"])
    windows.attrs = dict(cars.attrs)
    return measures.record(windows, "log_market_share", "market_share")


def convergence(windows: pd.DataFrame) -> list[Results]:
    """Distance to the frontier on its own past, with ever more held constant."""
    steady = windows[windows["market_share"] >= ESTABLISHED]
    past = "distance_to_frontier ~ L(distance_to_frontier)"

    def fit(formula: str, data: pd.DataFrame) -> Results:
        return gvc.ols(formula, data, unit="exporter", time="window", vcov={"CRV1": "exporter"})

    return [
        fit(past, windows),
        fit(f"{past} | window", windows),
        fit(f"{past} | exporter + window", windows),
        fit(f"{past} | exporter + window", steady),
        fit(f"{past} + L(log_market_share) | exporter + window", steady),
    ]


def convergence_in_words(models: list[Results]) -> str:
    """Persistence as a rate of convergence and a half-life, with the bias of short panels."""
    _, by_window, _, steady, _ = models
    past = "L(distance_to_frontier)"
    persistence, within = by_window.params[past], steady.params[past]
    periods = steady.nobs / steady.n_clusters["exporter"]
    if not 0 < persistence < 1:
        return f"Distance to the frontier does not shrink steadily: its coefficient on its past is {persistence:.2f}."
    said = (
        f"Without exporter effects a gap shrinks by {1 - persistence:.0%} from one window to the next, a half-life "
        f"of {WINDOW * np.log(0.5) / np.log(persistence):.0f} years. Towards their own long-run positions established "
        f"exporters move {'faster' if within < persistence else 'no faster'} (coefficient {within:.2f} beside "
        f"{persistence:.2f})"
    )
    bias = (1 + within) / periods
    if within >= persistence:
        return said + "."
    return (
        f"{said}, but with {periods:.1f} windows for an exporter that estimate is biased downwards by about "
        f"(1 + ρ)/T, some {bias:.2f}, which is {min(bias / (persistence - within), 1):.0%} of the difference."
    )


def movers(windows: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The three large exporters that came closest to the frontier, and the three that fell back most."""
    steady = windows[windows["market_share"] >= LARGE].sort_values("window")
    ends = steady.groupby("exporter").agg(
        start=("distance_to_frontier", "first"),
        end=("distance_to_frontier", "last"),
        span=("window", lambda window: window.max() - window.min()),
    )
    change = (ends["start"] - ends["end"])[ends["span"] * WINDOW >= 30].sort_values()
    return list(change.index[-3:][::-1]), list(change.index[:3])


def breaks_in_words(cars: pd.DataFrame, exporters: list[str]) -> str:
    """Single years in which a large exporter all but vanishes and is back the year after."""
    share = cars[cars["exporter"].isin(exporters)].pivot(
        index="year", columns="exporter", values="market_share"
    )
    beside = np.minimum(share.shift(1), share.shift(-1))
    gaps = (share < beside / 3).stack()
    named = ", ".join(f"{exporter} {year}" for year, exporter in gaps[gaps].index)
    if not named:
        return "In no year does the value of a large exporter fall below a third of both neighbouring years."
    return (
        f"In single years an exporter's value in the source falls below a third of both neighbouring years ({named}); "
        "such values are kept as they are. Quadrants use means over windows for that reason."
    )


def largest_ever(cars: pd.DataFrame) -> list[str]:
    """The six exporters with the largest mean share of the world market."""
    return list(cars.groupby("exporter")["market_share"].sum().nlargest(6).index)


if __name__ == "__main__":
    run()
