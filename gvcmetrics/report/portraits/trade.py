"""The page of a trade panel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics import measures
from gvcmetrics.report.figures.plots import heat_map, path_plot, quadrant_plot
from gvcmetrics.report.portraits.exhibit import Exhibit, Made, holds, largest, quartiles

_ROWS, _TILES, _PATHS = 24, 14, 6
READS = ("exporter", "importer", "product", "year", "value_usd", "quantity", "quality")
"""All columns of the contract that the page looks at."""
# A matrix of countries and products that is smaller says nothing about their complexity.
_MATRIX = 20


def exhibits() -> tuple[Exhibit, ...]:
    """In the order of the page."""
    return (
        Exhibit(
            "coverage",
            "Flows by year",
            coverage,
            needs=("value_usd",),
            most=_ROWS,
            last="years",
            formats={"Value, USD million": ",.1f"},
        ),
        Exhibit(
            "shares",
            "The largest exporters in the last year",
            shares,
            needs=("value_usd",),
            formats={"Value, USD million": ",.1f", "Share, per cent": ".1f"},
            notes=("Share: of all exports of the panel in the year.",),
        ),
        Exhibit(
            "advantage",
            "Revealed comparative advantage in the last year",
            advantage,
            needs=("value_usd",),
            notes=("Balassa's index among the panel's flows: the largest exporters and products.",),
        ),
        Exhibit(
            "markets",
            "Concentration over markets in the last year",
            markets,
            needs=("value_usd",),
            formats={"Herfindahl index": ".3f", "Theil index": ".3f"},
        ),
        Exhibit(
            "unit_values",
            "Unit values: value over quantity, USD",
            unit_values,
            needs=("value_usd", "quantity"),
            formats=",.2f",
            notes=("Of flows with both, by product and year; the last years.",),
        ),
        Exhibit(
            "quadrants",
            "Relative unit value and market share, first to last third of the years",
            quadrants,
            needs=("value_usd", "quantity"),
            notes=(
                "Unit value over the panel's of the product; share of the panel's exports of the product.",
            ),
        ),
        Exhibit("quality", "Export quality of the largest exporters", quality, needs=("quality",)),
        Exhibit(
            "spells",
            "Share of trade relations that last longer",
            spells,
            needs=("value_usd",),
            formats=".3f",
            notes=("Kaplan–Meier; relations under way in the first year are left out.",),
        ),
        Exhibit(
            "complexity",
            "Economic complexity in the last year: the highest",
            complexity,
            needs=("value_usd",),
            formats={"ECI": ".2f"},
        ),
    )


def coverage(frame: pd.DataFrame) -> Made:
    """Exporters, importers, products, flows and value by year."""
    groups = frame.groupby("year")
    table = pd.DataFrame({"Flows": groups.size()})
    for column, label in (("exporter", "Exporters"), ("importer", "Importers"), ("product", "Products")):
        table[label] = groups[column].nunique()
    table["Value, USD million"] = groups["value_usd"].sum() / 1e6
    return table.rename_axis("Year").tail(_ROWS)


def shares(frame: pd.DataFrame) -> Made:
    """Value and share of the largest exporters."""
    last = _last(frame)
    totals = last.groupby("exporter")["value_usd"].sum()
    kept = totals.reindex(largest(totals, 15))
    per_cent = 100 * kept / totals.sum()
    return pd.DataFrame({"Value, USD million": kept / 1e6, "Share, per cent": per_cent}).rename_axis(
        "Exporter"
    )


def advantage(frame: pd.DataFrame) -> Made:
    """RCA of the largest exporters in the largest products, as tiles."""
    exports = _matrix(_last(frame))
    if min(exports.shape) < 2:
        return "there are not two exporters and two products"
    index = measures.rca_matrix(exports)
    rows = largest(exports.sum(axis=1), _TILES)
    columns = largest(exports.sum(axis=0), _TILES)
    return heat_map(
        index.loc[rows, columns],
        value_title="Revealed comparative advantage",
        row_title="Exporter",
        column_title="Product",
    )


def markets(frame: pd.DataFrame) -> Made:
    """Concentration of the largest exporters' sales over importers."""
    last = _last(frame)
    if last["importer"].nunique() < 2:
        return "the panel does not tell importers apart"
    found = measures.concentration_indices(last).set_index("exporter")
    names = {"n_markets": "Markets", "hhi": "Herfindahl index", "theil": "Theil index"}
    order = largest(last.groupby("exporter")["value_usd"].sum(), 15)
    return found.loc[order, list(names)].rename(columns=names).rename_axis("Exporter")


def unit_values(frame: pd.DataFrame) -> Made:
    """Quartiles of unit values of the largest products."""
    known = frame.assign(unit_value=measures.unit_value(frame)).dropna(subset=["unit_value"])
    if known.empty:
        return "no flow has both a value and a quantity above zero"
    products = largest(known.groupby("product")["value_usd"].sum(), 6)
    years = sorted(known["year"].unique())[-3:]
    kept = known[known["product"].isin(products) & known["year"].isin(years)]
    by = ["product", "year"]
    return quartiles(kept.set_index(by)["unit_value"], by).rename_axis(["Product", "Year"])


def quadrants(frame: pd.DataFrame) -> Made:
    """Changes of relative unit value and market share, exporter by exporter."""
    years = np.sort(frame["year"].unique())
    if len(years) < 2:
        return "the panel has one year"
    third = max(1, len(years) // 3)
    flows = frame.groupby(["exporter", "product", "year"], as_index=False)[["value_usd", "quantity"]].sum(
        min_count=1
    )
    flows["unit_value_usd"] = measures.unit_value(flows)
    flows["relative_unit_value"] = measures.relative_unit_value(flows)
    flows["market_share"] = measures.market_share(flows)
    periods = [(int(years[0]), int(years[third - 1])), (int(years[-third]), int(years[-1]))]
    moves = measures.quadrants(flows, periods=periods).dropna(
        subset=["change_relative_unit_value", "change_market_share"]
    )
    if moves.empty:
        return "no exporter has unit values in the first and the last years"
    product = largest(flows.groupby("product")["value_usd"].sum(), 1)[0]
    moves = moves[moves["product"] == product]
    if moves.empty:
        return "no exporter of the largest product has unit values in the first and the last years"
    return quadrant_plot(
        moves,
        share_title="Change in share of the panel's exports, percentage points",
        note=f"Product {product}, {periods[0][0]}–{periods[0][1]} to {periods[1][0]}–{periods[1][1]}.",
    )


def quality(frame: pd.DataFrame) -> Made:
    """Paths of quality."""
    known = frame.dropna(subset=["quality"])
    if known["year"].nunique() < 2:
        return "quality is known in one year"
    by_exporter = known.groupby(["exporter", "year"])["quality"].mean().reset_index()
    order = (
        known.groupby("exporter")["value_usd"].sum()
        if holds(known, "value_usd")
        else known["exporter"].value_counts()
    )
    return path_plot(
        by_exporter, outcome="quality", highlight=largest(order, _PATHS), outcome_title="Export quality"
    )


def spells(frame: pd.DataFrame) -> Made:
    """Survival of relations at one, two, three, five and ten years."""
    if frame["year"].nunique() < 3:
        return "the panel has fewer than three years"
    found = measures.trade_spells(frame[frame["value_usd"] > 0])
    begun = found[~found["left_censored"]]
    if begun.empty:
        return "no relation begins within the panel"
    curve = measures.kaplan_meier(begun)
    columns = [
        name for name in ("duration", "at_risk", "survival", "std_error", "lower", "upper") if name in curve
    ]
    names = {
        "at_risk": "At risk",
        "survival": "Share",
        "std_error": "Standard error",
        "lower": "Lower",
        "upper": "Upper",
    }
    return curve[columns].set_index("duration").head(10).rename(columns=names).rename_axis("Years")


def complexity(frame: pd.DataFrame) -> Made:
    """The economic complexity index, its exporters and their diversity."""
    exports = _matrix(_last(frame))
    if min(exports.shape) < _MATRIX:
        return f"there are not {_MATRIX} exporters and {_MATRIX} products"
    countries, _ = measures.economic_complexity(measures.presence(exports))
    table = countries.sort_values("eci", ascending=False, kind="stable").head(15)
    return (
        table[["eci", "diversity"]]
        .rename(columns={"eci": "ECI", "diversity": "Diversity"})
        .rename_axis("Exporter")
    )


def _last(frame: pd.DataFrame) -> pd.DataFrame:
    known = frame.dropna(subset=["value_usd"])
    return known[known["year"] == known["year"].max()]


def _matrix(flows: pd.DataFrame) -> pd.DataFrame:
    return flows.pivot_table(
        index="exporter", columns="product", values="value_usd", aggfunc="sum", fill_value=0.0
    )
