"""The page of an input-output panel.

The panel is read a year at a time: its first, its middle and its last year serve the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.report.figures.plots import scatter_plot
from gvcmetrics.report.portraits.exhibit import Exhibit, Made, largest

_ROWS = 20


def exhibits(name: str, years: Sequence[int]) -> tuple[Exhibit, ...]:
    """In the order of the page, for the years that serve it."""
    first, last = years[0], years[-1]

    @cache
    def table(year: int) -> measures.InputOutput:
        return gvc.input_output(name, year)

    def participation(_: pd.DataFrame) -> Made:
        """Participation of the largest exporters, first and last year."""
        found = {year: measures.gvc_participation(table(year)) for year in dict.fromkeys((first, last))}
        columns = {"backward_share": "Backward", "forward_share": "Forward", "GVC_share": "Total"}
        kept = largest(found[last]["gross_exports"], _ROWS)
        parts = {
            str(year): part.reindex(kept)[[column for column in columns if column in part]].rename(
                columns=columns
            )
            for year, part in found.items()
        }
        return pd.concat(parts, axis=1).rename_axis("Exporter")

    def decomposition(_: pd.DataFrame) -> Made:
        """Value added in the exports of the last year, by origin and return."""
        found = measures.koopman_wang_wei(table(last))
        total = found["gross_exports"] if "gross_exports" in found else found.sum(axis=1)
        kept = largest(total, _ROWS)
        shares = found.loc[kept].drop(columns=["gross_exports"], errors="ignore").div(total.loc[kept], axis=0)
        return shares.rename(columns=lambda text: str(text).replace("_", " ")).rename_axis("Exporter")

    def position(_: pd.DataFrame) -> Made:
        """Where countries stand: upstreamness and backward participation."""
        where = measures.country_position(table(last))
        part = measures.gvc_participation(table(last))
        points = where.join(part[["backward_share", "gross_exports"]]).reset_index(names="country")
        return scatter_plot(
            points,
            x="upstreamness",
            y="backward_share",
            label="country",
            size="gross_exports",
            x_title="Upstreamness of exports, stages",
            y_title="Backward share of gross exports",
        )

    def smile(_: pd.DataFrame) -> Made:
        """The chain of the largest final product: value added by distance to final use."""
        chain = measures.smile_curve(table(last))
        points = chain.reset_index()
        points = points[points["value_added_share"] > 0].nlargest(300, "value_added_share")
        points["place"] = points["country"] + " " + points["industry"]
        return scatter_plot(
            points,
            x="distance",
            y="value_added_ratio",
            label="place",
            size="value_added_share",
            n_labels=8,
            x_title="Stages to final use",
            y_title="Value added per unit of output",
        )

    def path(_: pd.DataFrame) -> Made:
        """Participation and position of the largest exporters over the years of the page."""
        if len(years) < 2:
            return "the panel has one year"
        rows = {}
        for year in years:
            joined = measures.gvc_participation(table(year)).join(measures.country_position(table(year)))
            rows[year] = joined
        kept = largest(rows[last]["gross_exports"], 6)
        names = {
            "backward_share": "Backward share",
            "forward_share": "Forward share",
            "upstreamness": "Upstreamness",
        }
        stacked = pd.concat({year: part.reindex(kept)[list(names)] for year, part in rows.items()})
        return stacked.swaplevel().loc[kept].rename(columns=names).rename_axis(["Exporter", "Year"])

    source = ("Borin and Mancini's shares in gross exports.",)
    return (
        Exhibit(
            "participation",
            "Participation of the largest exporters",
            participation,
            notes=source,
            formats=".3f",
        ),
        Exhibit(
            "decomposition",
            f"Gross exports by what they hold, {last}",
            decomposition,
            formats=".3f",
            notes=("Shares in gross exports, after Koopman, Wang and Wei.",),
        ),
        Exhibit("position", f"Position and participation, {last}", position, notes=source),
        Exhibit(
            "smile",
            f"All chains together, {last}: value added by distance to final use",
            smile,
            notes=("The 300 industries of countries with the most value added.",),
        ),
        Exhibit("path", "Paths of the six largest exporters", path, notes=source, formats=".3f"),
    )
