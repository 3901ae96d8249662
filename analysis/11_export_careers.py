"""Study 11. Export careers in aggregate: entry, exit and the spread of sales. Mexico, Peru and Brazil.

Humphrey (2001) expects firms that sell in many markets to be freer and small ones to spread their sales, and
suppliers without a break to be the ones whom buyers keep. The sources know no firm and no buyer, but for each
destination and year how many exporters began, stayed and stopped, and in how many countries they sell on average.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results
from gvcmetrics.report import Study
from gvcmetrics.report.findings import pointing, with_interval

PANELS = ("exporters_mexico_peru", "exporters_brazil")
KINDS = ("entrants", "incumbents")
LABELS = {
    "exit_rate": "Exit rate",
    "exit_rate_incumbents": "Exit rate of incumbents",
    "log_mean_destinations": "Log mean destinations",
    "log_mean_destinations_before": "Log mean destinations, a year before",
    "log_mean_exports": "Log exports per exporter",
    "log_mean_exports_before": "Log exports per exporter, a year before",
    "top_share_before": "Share of the largest 5 %, a year before",
    "excess": "Exit rate of entrants less incumbents",
    "entrant": "Entrants",
    "origin_destination": "Origin × destination",
    "importer": "Destination",
    "exporter^year": "Origin × year",
}


def run() -> None:
    """Tabulate and estimate; without the mirror, say what is lacking."""
    study = Study(
        "11_export_careers",
        title="Export careers in aggregate: Mexico, Peru and Brazil",
        question="Do exporters that sell in more countries leave a destination less often, do beginners leave more often "
        "than those who have been there, and is it where exporters are small that they spread over more countries?",
    )
    try:
        panels = [gvc.panel(name) for name in PANELS]
    except MissingSourceError as error:
        study.not_estimated("Entry, exit and spread", needs=f"the panels {', '.join(PANELS)}", get=str(error))
        study.write()
        return
    sources = [panel.attrs["provenance"] for panel in panels]
    study.source(sources)
    cells = prepared(panels)
    study.sample(
        "Cells of origin, destination and year", len(cells), destinations=cells["importer"].nunique()
    )
    study.text(
        """
        Read with care. The rows are cells, not firms: that cells whose exporters sell in more countries have fewer exits
        does not say that the same firms do. So H4 and H12 are answered in aggregate only, and no buyer is seen, so neither
        lock-in nor a tie is. A firm that leaves a destination may have gone to another, and
        exports per exporter are those to the destination, not the size of the firm. Destinations with few exporters
        are absent, and with them where exits are likeliest. The three countries' files cover different years.
        """
    )
    study.table(
        gvc.table(
            described(cells),
            digits=2,
            notes=["Means over cells, weighted by their exporters; rates a year."],
            provenance=sources,
        ),
        "careers",
        caption="Entry, exit and destinations of exporters",
    )
    exits = exit_models(cells)
    study.table(
        gvc.table(
            exits,
            labels=LABELS,
            notes=[
                "Weighted by the exporters of the cell. Regressors of the year before come before the exits."
            ],
            provenance=sources,
        ),
        "exits",
        caption="Exits on the spread of destinations, within origin and destination",
    )
    study.table(
        gvc.table(
            [continuity_model(cells), spread_model(cells)],
            labels=LABELS,
            notes=[
                "(1) Each cell twice, its entrants and its incumbents, compared within the cell. (2) Within origin × year and "
                "destination."
            ],
            provenance=sources,
        ),
        "continuity",
        caption="Exits of entrants and incumbents; destinations and size",
    )
    study.text(
        " ".join(
            [
                continuity_in_words(interval(continuity_model(cells), "entrant"), len(cells)),
                exits_in_words(
                    interval(exits[0], "log_mean_destinations_before"),
                    interval(exits[1], "log_mean_destinations_before"),
                    exits[1].nobs,
                ),
                spread_in_words(interval(spread_model(cells), "log_mean_exports"), spread_model(cells).nobs),
            ]
        )
    )
    study.not_estimated(
        "H4 and H12 for firms",
        needs="exports by firm, destination and year, with the buyer items of the firm contract",
        get="customs records, on application to the statistical office, joined to a survey of buyers",
    )
    study.write()


def prepared(panels: list[pd.DataFrame]) -> pd.DataFrame:
    """All cells with rates of exit, logs of destinations and of exports per exporter, and those of the year before."""
    cells = pd.concat(panels, ignore_index=True).sort_values(
        ["exporter", "importer", "year"], ignore_index=True
    )
    cells["n_incumbents"] = cells["n_exporters"] - cells["n_entrants"]
    cells["exit_rate"] = cells["n_exits"] / cells["n_exporters"]
    for kind in KINDS:
        count = cells[f"n_{kind}"]
        cells[f"exit_rate_{kind}"] = cells[f"n_exits_{kind}"] / count.where(count > 0)
    cells["log_mean_destinations"] = np.log(cells["mean_destinations"])
    cells["log_mean_exports"] = np.log(cells["value_usd"] / cells["n_exporters"])
    cells["origin_destination"] = cells["exporter"].astype(str) + "–" + cells["importer"].astype(str)
    for column in ("log_mean_destinations", "log_mean_exports", "top_share"):
        past = cells.groupby("origin_destination")[[column, "year"]].shift()
        cells[f"{column}_before"] = past[column].where(past["year"] == cells["year"] - 1)
    cells["weight"] = cells["n_exporters"]
    for column, sources in {
        "exit_rate": ["n_exits", "n_exporters"],
        "exit_rate_incumbents": ["n_exits_incumbents", "n_exporters", "n_entrants"],
        "log_mean_destinations": ["mean_destinations"],
        "log_mean_destinations_before": ["mean_destinations"],
        "log_mean_exports": ["value_usd"],
        "log_mean_exports_before": ["value_usd"],
        "top_share_before": ["top_share"],
    }.items():
        cells = measures.record(cells, column, *sources)
    return cells


def described(cells: pd.DataFrame) -> pd.DataFrame:
    """By origin: years, destinations, exporters, rates of entry and exit, and destinations of both kinds."""
    rows = {}
    for origin, inside in cells.groupby("exporter", observed=True):
        total = inside["n_exporters"].sum()
        rows[origin] = {
            "Years": f"{inside['year'].min()}–{inside['year'].max()}",
            "Destinations": inside["importer"].nunique(),
            "Entry": inside["n_entrants"].sum() / total,
            "Exit of entrants": inside["n_exits_entrants"].sum() / inside["n_entrants"].sum(),
            "Exit of incumbents": inside["n_exits_incumbents"].sum() / inside["n_incumbents"].sum(),
            **{
                f"Destinations of {kind}": np.average(
                    inside[f"mean_destinations_{kind}"], weights=inside[f"n_{kind}"]
                )
                for kind in KINDS
            },
        }
    return pd.DataFrame(rows).T.infer_objects().rename_axis("Origin")


def exit_models(cells: pd.DataFrame) -> list[Results]:
    """Exits on destinations of the year before: alone, with size and concentration, of incumbents."""
    first = "log_mean_destinations_before"
    rest = f"{first} + log_mean_exports_before + top_share_before"
    effects = "origin_destination + exporter^year"
    formulas = [
        f"exit_rate ~ {first} | {effects}",
        f"exit_rate ~ {rest} | {effects}",
        f"exit_rate_incumbents ~ {rest} | {effects}",
    ]
    return [gvc.ols(formula, cells, vcov={"CRV1": "importer"}, weights="weight") for formula in formulas]


def continuity_model(cells: pd.DataFrame) -> Results:
    """Exit rates of entrants against incumbents of the same cell."""
    both = pd.concat(
        [
            cells[["importer", "exporter", "year", "origin_destination"]].assign(
                exit_rate=cells[f"exit_rate_{kind}"],
                entrant=float(kind == "entrants"),
                weight=cells["n_exporters"],
                cell=np.arange(len(cells)),
            )
            for kind in KINDS
        ],
        ignore_index=True,
    )
    both.attrs = {}
    return gvc.ols("exit_rate ~ entrant | cell", both, vcov={"CRV1": "importer"}, weights="weight")


def spread_model(cells: pd.DataFrame) -> Results:
    """Mean destinations on exports per exporter."""
    return gvc.ols(
        "log_mean_destinations ~ log_mean_exports | importer + exporter^year",
        cells,
        vcov={"CRV1": "importer"},
        weights="weight",
    )


def interval(result: Results, name: str) -> tuple[float, float, float]:
    """An estimate with its interval at 95 per cent."""
    low, high = result.conf_int().loc[name]
    return float(result.params[name]), float(low), float(high)


def continuity_in_words(found: tuple[float, float, float], n: int) -> str:
    """Whether beginners leave more often."""
    more = pointing(*found[1:], "more often", "less often", "neither more nor less often for sure")
    return (
        f"H12 in aggregate: exporters in their first year at a destination leave it {more} than those who were there the "
        f"year before, by {with_interval(*found)} in the exit rate within the same cell (N = {n:,} cells)."
    )


def exits_in_words(alone: tuple[float, float, float], given: tuple[float, float, float], n: int) -> str:
    """Whether exits are fewer where exporters sell in more countries, alone and given size."""
    fewer = pointing(*given[1:], "more exits", "fewer exits", "neither more nor fewer exits for sure")
    return (
        f"H4 in aggregate: where exporters sold in more countries the year before there are {fewer}: "
        f"{with_interval(*given)} in the exit rate for a log point, given size and concentration (N = {n:,}; "
        f"{with_interval(*alone)} without these)."
    )


def spread_in_words(found: tuple[float, float, float], n: int) -> str:
    """Whether it is where exporters are small that they sell in more countries."""
    more = pointing(*found[1:], "fewer", "more", "neither more nor fewer")
    return (
        f"Where exporters are smaller they sell in {more} countries: the elasticity of destinations to exports per exporter "
        f"is {with_interval(*found)} (N = {n:,}); H4 expects it below zero."
    )


if __name__ == "__main__":
    run()
