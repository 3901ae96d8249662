"""The page of an input-output panel.

The panel is read a year at a time: its first, its middle and its last year serve the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.report.figures.plots import scatter_plot
from gvcmetrics.report.portraits.exhibit import Exhibit, Made, largest

_ROWS, _COLUMNS, _PATHS, _POINTS = 20, 10, 6, 100
_HELD = {
    "DVA_FIN": "Home, in final goods",
    "DVA_INT": "Home, in inputs that the importer uses up",
    "DVA_INTrex": "Home, in inputs sold on to third countries",
    "RDV_FIN": "Home, back in final imports",
    "RDV_INT": "Home, back in imported inputs",
    "DDC": "Home, counted twice",
    "FVA_FIN": "Foreign, in final goods",
    "FVA_INT": "Foreign, in inputs",
    "FDC": "Foreign, counted twice",
}
_NAMES = {"backward_share": "Backward share", "forward_share": "Forward share"}


def exhibits(name: str, years: Sequence[int]) -> tuple[Exhibit, ...]:
    """In the order of the page, for the years that serve it."""
    tables, last = _Tables(name, tuple(years)), years[-1]
    source = ("Borin and Mancini's shares in gross exports.",)
    return (
        Exhibit(
            "participation",
            "Participation of the largest exporters",
            tables.participation,
            notes=source,
            formats=".3f",
        ),
        Exhibit(
            "decomposition",
            f"Gross exports by what they hold, {last}",
            tables.decomposition,
            notes=("Shares in gross exports, after Koopman, Wang and Wei.",),
            formats=".3f",
        ),
        Exhibit("position", f"Position and participation, {last}", tables.position, notes=source),
        Exhibit("smile", f"All chains together, {last}: value added by distance to final use", tables.smile),
        Exhibit("path", "Paths of the largest exporters", tables.path, notes=source, formats=".3f"),
    )


@dataclass(frozen=True)
class _Tables:
    """The tables of one panel, each read once."""

    name: str
    years: tuple[int, ...]
    _read: dict[int, measures.InputOutput] = field(default_factory=dict)

    def of(self, year: int) -> measures.InputOutput:
        if year not in self._read:
            self._read[year] = gvc.input_output(self.name, year)
        return self._read[year]

    def participation(self, _: pd.DataFrame) -> Made:
        """Participation of the largest exporters, first and last year."""
        ends = dict.fromkeys((self.years[0], self.years[-1]))
        found = {year: measures.gvc_participation(self.of(year)) for year in ends}
        kept = largest(found[self.years[-1]]["gross_exports"], _ROWS)
        parts = {
            str(year): part.reindex(kept)[[*_NAMES]].rename(columns=_NAMES) for year, part in found.items()
        }
        return pd.concat(parts, axis=1).rename_axis("Exporter")

    def decomposition(self, _: pd.DataFrame) -> Made:
        """What the gross exports of the last year hold, as shares: a row a term, a column an exporter."""
        found = measures.koopman_wang_wei(self.of(self.years[-1]))
        total = found["gross_exports"]
        kept = largest(total, _COLUMNS)
        shares = found.loc[kept].drop(columns="gross_exports").div(total.loc[kept], axis=0)
        by_term = shares[[*_HELD]].T.rename(index=_HELD)
        return by_term.rename_axis(index="Value added", columns=None)

    def position(self, _: pd.DataFrame) -> Made:
        """Where countries stand: upstreamness and backward participation."""
        table = self.of(self.years[-1])
        part = measures.gvc_participation(table)[["backward_share", "gross_exports"]]
        points = measures.country_position(table).join(part).reset_index(names="country")
        return scatter_plot(
            points,
            x="upstreamness",
            y="backward_share",
            label="country",
            size="gross_exports",
            x_title="Upstreamness of exports, stages",
            y_title="Backward share of gross exports",
        )

    def smile(self, _: pd.DataFrame) -> Made:
        """Value added per unit of output by distance to final use."""
        chain = measures.smile_curve(self.of(self.years[-1])).reset_index()
        known = chain[chain["value_added_share"] > 0]
        points = known.nlargest(_POINTS, "value_added_share")
        points = points.assign(place=points["country"] + " " + points["industry"])
        return scatter_plot(
            points,
            x="distance",
            y="value_added_ratio",
            label="place",
            size="value_added_share",
            n_labels=8,
            x_title="Stages to final use",
            y_title="Value added per unit of output",
            note=f"Those of {len(known)} with the most value added." if len(points) < len(known) else "",
        )

    def path(self, _: pd.DataFrame) -> Made:
        """Participation and position of the largest exporters over the years of the page."""
        if len(self.years) < 2:
            return "the panel has one year"
        rows = {
            year: measures.gvc_participation(self.of(year)).join(measures.country_position(self.of(year)))
            for year in self.years
        }
        kept = largest(rows[self.years[-1]]["gross_exports"], _PATHS)
        names = {**_NAMES, "upstreamness": "Upstreamness"}
        stacked = pd.concat({year: part.reindex(kept)[[*names]] for year, part in rows.items()})
        by_exporter = stacked.swaplevel().loc[kept]
        return by_exporter.rename(columns=names).rename_axis(["Exporter", "Year"])
