"""Measures that a panel's own columns do not give: of its regions, of input-output tables, of other panels.

What stands beside a panel may not be on this machine; then `MissingSourceError` says so, and the claim is
not estimable for that reason.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics import measures
from gvcmetrics.errors import DataError, MissingSourceError
from gvcmetrics.panels.classifications import CLASSIFICATIONS, HS_YEARS
from gvcmetrics.panels.contracts import ISIC4_DIVISIONS
from gvcmetrics.panels.crosswalks.links import crosswalk
from gvcmetrics.panels.crosswalks.rauch import differentiated_share
from gvcmetrics.panels.input_output.store import table_years
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.store.read import panel
from gvcmetrics.value_chain import input_output, join_value_chain

TABLE = "wiod"
"""The input-output panel, with industries of WIOD2013, where a claim names none."""
_JOBS = "cluster_employment"
_CELL = ["country", "industry", "year"]


def divisions(industry: str) -> tuple[str, ...]:
    """ISIC divisions of a code of the cluster contract: a division, or a span such as 10-12."""
    first, _, last = industry.partition("-")
    return tuple(each for each in ISIC4_DIVISIONS if first <= each <= (last or first))


def share_in_region(amount: pd.Series, frame: pd.DataFrame, industries: tuple[str, ...]) -> pd.Series:
    """Some industries' share in the region's total of a column, in every row of the region and year.

    A total with a part missing is not known.
    """
    place = [frame[name] for name in ("country", "region", "year")]
    total = amount.groupby(place).transform("sum").where(amount.notna().groupby(place).transform("all"))
    inside = amount.where(frame["industry"].isin(industries), 0.0).groupby(place).transform("sum")
    return inside / total.where(total > 0)


def share_in_panel(
    frame: pd.DataFrame, name: str, among: str, kinds: tuple[str, ...], by: list[str],
    project: Project | None,
) -> pd.Series:  # fmt: skip
    """The share of some kinds of rows in another panel's employment, joined by columns that both have.

    `among` is the column that tells kinds apart. A total with a part missing is not known.
    """
    other = panel(name, project=project)
    absent = [each for each in (_JOBS, among, *by) if each not in other.columns]
    if absent:
        raise MissingSourceError(f"the panel {name} has no column {absent[0]}")
    jobs = other[_JOBS]
    parts = pd.DataFrame({"part": jobs.where(other[among].isin(kinds), 0.0), "total": jobs})
    place = [other[key] for key in by]
    sums = parts.groupby(place).sum().where(jobs.notna().groupby(place).all())
    share = (sums["part"] / sums["total"]).rename("share").reset_index()
    found = frame[by].merge(share, on=by, how="left")["share"].set_axis(frame.index)
    if found.isna().all():
        raise MissingSourceError(f"the panel {name} has none of the panel's places")
    return found


def from_panel(
    frame: pd.DataFrame, name: str, column: str, by: list[str], project: Project | None
) -> pd.Series:
    """A column of another panel, which has one row for what the columns of `by` name.

    Raises
    ------
    MissingSourceError : the other panel is not here, or lacks the column, the rows, or a single one of each.
    """
    other = panel(name, project=project)
    absent = [each for each in (column, *by) if each not in other.columns]
    if absent:
        raise MissingSourceError(f"the panel {name} has no column {absent[0]}")
    known = other[[*by, column]].dropna()
    if known.duplicated(by).any():
        raise MissingSourceError(f"the panel {name} has several rows for one {' and '.join(by)}")
    places = frame[by].astype({key: known[key].dtype for key in by})
    found = places.merge(known, on=by, how="left")[column].set_axis(frame.index)
    if found.isna().all():
        raise MissingSourceError(f"the panel {name} has none of the panel's {' and '.join(by)}")
    return found


def differentiated(frame: pd.DataFrame) -> pd.Series:
    """Rauch's share of differentiated goods behind each row's product, by its classification."""
    found = pd.Series(np.nan, frame.index)
    for name, rows in frame.groupby("product_classification"):
        classification = HS_YEARS.get(str(name), str(name))
        if classification in CLASSIFICATIONS:
            found[rows.index] = rows["product"].astype(object).map(differentiated_share(classification))
    if found.isna().all():
        raise MissingSourceError("no crosswalk leads from SITC to the panel's products")
    return found


def rival_share(frame: pd.DataFrame, rival: str, table: str, project: Project | None) -> pd.Series:
    """A country's share in what is exported of the row's product in the year to all but the row's importer.

    The exports are those of an input-output table whose industries are the panel's products. Of what the
    country sells itself, and of what is sold at home, there is none.
    """
    foreign = (frame["exporter"] != rival) & (frame["importer"] != rival)
    foreign &= frame["exporter"].astype(str) != frame["importer"].astype(str)
    found = pd.Series(np.nan, frame.index)
    for year in sorted(set(frame["year"]) & set(table_years(table, project))):
        whole = input_output(table, int(year), project=project)
        sold = measures.gross_exports(whole, by=("exporter", "industry", "importer"))["gross_exports"]
        of_all = sold.groupby(level=["industry", "importer"]).sum().unstack()
        of_rival = sold[sold.index.get_level_values("exporter") == rival].droplevel("exporter").unstack()
        elsewhere = of_all.rsub(of_all.sum(axis=1), axis=0)
        share = of_rival.rsub(of_rival.sum(axis=1), axis=0) / elsewhere.where(elsewhere > 0)
        rows = frame.index[foreign & (frame["year"] == year)]
        places = pd.MultiIndex.from_frame(frame.loc[rows, ["product", "importer"]].astype(object))
        found[rows] = share.stack().reindex(places).to_numpy()
    if found.isna().all():
        raise MissingSourceError(f"{table} has none of the panel's products, importers and years")
    return found


def value_chain(frame: pd.DataFrame, measure: str, table: str, project: Project | None) -> pd.Series:
    """A measure of the row's country, industry and year; a span's is the mean over its divisions."""
    cells = frame[_CELL].drop_duplicates().astype({"country": object, "industry": object})
    cells = cells.assign(division=cells["industry"].map(divisions)).explode("division", ignore_index=True)
    joined = join_value_chain(
        cells, "ISIC4", industry="division", table=table, measures=[measure], quiet=True, project=project
    )
    if joined[measure].isna().all():
        raise MissingSourceError(f"{table} has none of the panel's countries, industries and years")
    means = joined.groupby(_CELL)[measure].mean().reset_index()
    return frame[_CELL].merge(means, on=_CELL, how="left")[measure].set_axis(frame.index)


def completeness(quotient: pd.Series, frame: pd.DataFrame, table: str, project: Project | None) -> pd.Series:
    """`measures.completeness` with the country's input coefficients of the year, wherever inputs come from.

    Purchases of an industry from itself are left out: they say that the industry is there, which its own
    location quotient says already.
    """
    rows = frame[["country", "region", "industry", "year"]].assign(location_quotient=quotient)
    found = pd.Series(np.nan, frame.index)
    years = set(table_years(table, project))
    for (country, year), cells in rows.dropna().groupby(["country", "year"]):
        if year not in years:
            continue
        wanted = coefficients(str(country), int(year), sorted(cells["industry"].unique()), table, project)
        if wanted is None:
            continue
        made = measures.completeness(cells, wanted, by=["country", "year"])
        keys = ["region", "industry"]
        values = cells[keys].merge(made[[*keys, "input_completeness"]], on=keys, how="left")
        found[cells.index] = values["input_completeness"].to_numpy()
    if found.isna().all():
        raise MissingSourceError(f"{table} has none of the panel's countries, industries and years")
    return found


def coefficients(
    country: str, year: int, industries: list[str], table: str, project: Project | None
) -> pd.DataFrame | None:
    """Input coefficients between a panel's industries, zero on the diagonal; None without the country.

    An industry of the table is parted equally over the panel's industries that its divisions are in, one
    of the panel takes the mean over the table's industries that its divisions are in.
    """
    whole = input_output(table, year, project=project)
    flows = measures.technical_coefficients(whole)
    if country not in flows.columns.get_level_values(0):
        return None
    technology = flows[country].groupby(level=1).sum()
    links = crosswalk("ISIC4", "WIOD2013").links.dropna(subset=["target"])
    of = pd.DataFrame(
        [(industry, division) for industry in industries for division in divisions(industry)],
        columns=["industry", "source"],
    ).merge(links, on="source")
    if of.empty:
        raise DataError("no industry of the panel is in the crosswalk to the input-output table")
    weights = of.pivot_table(index="industry", columns="target", values="weight", aggfunc="sum")
    weights = weights.reindex(columns=technology.index).fillna(0.0)
    sells = (weights / weights.sum().where(weights.sum() > 0)).fillna(0.0)
    buys = weights.div(weights.sum(axis=1), axis=0)
    made = sells @ technology @ buys.T
    return made.mask(np.eye(len(made), dtype=bool), 0.0)
