"""From a panel's industries to their place in the value chain: where `panels` and `measures` meet.

gvc.input_output("wiod", 2011)                          an input-output panel as a table to measure
gvc.join_value_chain(firms, classification="ISIC4")     participation and position beside each row
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import InputOutput
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import attrs_with_lineage, record
from gvcmetrics.measures.clusters.completeness import completeness
from gvcmetrics.measures.clusters.location import location_quotient
from gvcmetrics.measures.input_output.close import Close, balanced
from gvcmetrics.measures.input_output.participation import gvc_participation, participation_koopman
from gvcmetrics.measures.input_output.position import positions
from gvcmetrics.measures.input_output.table import national_coefficients
from gvcmetrics.measures.requirements import numbers, require_columns, require_whole_numbers
from gvcmetrics.panels.crosswalks.links import crosswalk, links_for
from gvcmetrics.panels.input_output.store import read_labels, read_table, table_years
from gvcmetrics.panels.project import Project, find_project

MEASURES = (
    "backward_share",
    "forward_share",
    "participation",
    "position_koopman",
    "upstreamness",
    "downstreamness",
)
KEY = "value_chain"
_REST = "ROW"


def input_output(
    name: str, year: int, close: Close | None = "intermediate", project: Project | None = None
) -> InputOutput:
    """One year of an input-output panel, closed and ready for every measure.

    Parameters
    ----------
    name : the panel, as `gvc.list_panels()` lists it.
    year : the year.
    close : how to close the gap between row sums and output, as in
        `measures.from_wide`; published tables are rounded and need it. None
        refuses a table that does not balance.
    project : by default the project around the working directory.

    Returns
    -------
    InputOutput : in the unit of the panel. Negative value added is kept; the panel's notes count it.

    Raises
    ------
    MissingSourceError : the panel is not built; the remedy is the command.
    DataError : the panel has no such year, is no input-output panel, or does not balance.
    """
    return balanced(read_table(name, year, project), close, negative_value_added="keep")


def industry_measures(name: str, years: Iterable[int], project: Project | None = None) -> pd.DataFrame:
    """Participation and position of every country × industry of an input-output panel.

    Parameters
    ----------
    name : the panel, such as `"wiod"`.
    years : the years.

    Returns
    -------
    pandas.DataFrame : indexed by year, country, industry. `backward_share`, `forward_share` and
        `participation` are Borin and Mancini's shares in the industry's gross exports; `position_koopman`
        is ln(1 + IV/E) − ln(1 + FV/E) with all three by the industry that exports
        (`participation_koopman` with sector="exporter"); `upstreamness` and `downstreamness` are average
        numbers of stages, inventories netted out. Missing where an industry exports or produces nothing.

    Raises
    ------
    MissingSourceError, DataError : as in `input_output`.

    Source: as `measures.participation` and `measures.position`.
    """
    project = project or find_project()
    path = project.panel_file(name)
    wanted = sorted(set(years))
    if not wanted:
        raise DataError("no year is asked for", remedy=f"Years: {table_years(name, project)}")
    stamp = path.stat().st_mtime_ns if path.exists() else 0
    return pd.concat({year: _measures_of(name, year, project.data, stamp) for year in wanted}, names=["year"])


def compare_editions(
    panels: Sequence[str],
    year: int,
    measure: Callable[[InputOutput], pd.DataFrame],
    project: Project | None = None,
) -> pd.DataFrame:
    """An indicator from several editions of input-output tables side by side, and what differs between them.

    Parameters
    ----------
    panels, year : two input-output panels or more, and a year that all have.
    measure : of a table, such as `measures.gvc_participation`. By country: industries differ from one
        edition to another.

    Returns
    -------
    pandas.DataFrame : indexed as the measure; columns are the indicator and the panel, and `spread`, the
        largest less the smallest. Missing where an edition has no such country. `attrs["editions"]` says of
        each its unit, regions, industries, inventories, and how far it is from balancing: amounts of
        different units are not comparable, shares are.

    Raises
    ------
    DataError, MissingSourceError : as in `input_output`; fewer than two panels.
    """
    if len(set(panels)) < 2:
        raise DataError("fewer than two editions are named", remedy="Name two input-output panels or more.")
    project = project or find_project()
    found, facts = {}, {}
    for name in dict.fromkeys(panels):
        table = input_output(name, year, project=project)
        labels = read_labels(project.panel_file(name))
        facts[name] = {
            "unit": labels.unit,
            "regions": len(table.regions),
            "industries": table.rows.get_level_values("industry").nunique(),
            "inventories": labels.inventories,
            "balance": [line for line in labels.balances if line.startswith(f"{year}:")],
        }
        found[name] = measure(table)
    wide = pd.concat(found, axis=1).swaplevel(axis=1)
    parts = {indicator: wide[indicator] for indicator in dict.fromkeys(wide.columns.get_level_values(0))}
    for indicator, beside in parts.items():
        ends = (beside.max(axis=1, skipna=False), beside.min(axis=1, skipna=False))
        parts[indicator] = beside.assign(spread=ends[0] - ends[1])
    out = pd.concat(parts, axis=1)
    out.attrs = {"editions": facts}
    return out


def join_value_chain(
    frame: pd.DataFrame,
    classification: str | None,
    *,
    industry: str = "industry",
    country: str = "country",
    year: str = "year",
    table: str = "wiod",
    industries: str = "WIOD2013",
    measures: Sequence[str] = MEASURES,
    value: str | None = None,
    weights: pd.Series | None = None,
    parents: bool = False,
    rest_of_world: bool = False,
    quiet: bool = False,
    project: Project | None = None,
) -> pd.DataFrame:
    """A firm or trade panel with the participation and position of its country, industry and year.

    A code that several industries of the table share gets their average, weighted as the crosswalk
    splits it,

        m_cky = Σ_i w_ki m_ciy / Σ_i w_ki      over industries i with a value.

    Parameters
    ----------
    frame : one row a firm, flow or cluster, in any order; not changed. The measures are those of an
        industry, the same for all its rows: cluster standard errors accordingly.
    classification : that of the codes: `"ISIC4"`, `"NACE2"`, `"HS5"`, …; None where they are the
        table's own.
    industry, country, year : the columns of codes, ISO3 and year (`product` and `exporter` in a trade
        panel).
    table : the input-output panel.
    industries : the classification of the table's industries.
    measures : which of `MEASURES` to join.
    value : a column to weigh the match rate by, besides rows.
    weights : of industries, as in `panels.crosswalks.crosswalk`: equal by default.
    parents : take codes that the crosswalk does not know at the level above, as in `convert`.
    rest_of_world : give countries that the table does not name the values of its rest of the world.
    quiet : do not print the match rate.
    project : by default the project around the working directory.

    Returns
    -------
    pandas.DataFrame : the same rows, with the measures. `attrs["value_chain"]` holds the route, the
        share of rows (and of `value`) with a match, the share from the rest of the world, and the
        share without a match by reason; `attrs["lineage"]` names the table as source of the measures.

    Raises
    ------
    DataError : a column is absent or there already, codes are not text, years are not whole numbers, an
        unknown measure or classification.
    MissingSourceError : the input-output panel or a crosswalk is not on this machine.
    """
    _check(frame, [industry, country, year], list(measures), value)
    project = project or find_project()
    place = frame.groupby([country, industry, year], dropna=False, sort=False).ngroup().to_numpy()
    keys = frame[[country, industry, year]].set_axis(["country", "code", "year"], axis=1)
    # Arrow's text and years do not merge with those of the table.
    keys = keys.assign(
        year=numbers(frame, year), country=keys["country"].astype(object), code=keys["code"].astype(object)
    )
    keys = keys[~pd.Series(place, frame.index).duplicated().to_numpy()].reset_index(drop=True)

    covered = set(table_years(table, project))
    asked = {int(found) for found in keys["year"].dropna().unique()} & covered
    known = industry_measures(table, asked, project) if asked else None
    links, route = _links(keys["code"], classification, industries, industry, weights, parents)
    joined, reasons = _joined(keys, links, known, covered, list(measures), rest_of_world)

    result = frame.assign(**{name: joined[name].to_numpy()[place] for name in measures})
    result.attrs = attrs_with_lineage(frame)
    for name in measures:
        record(result, name, f"{table}.value", like=frame)
    report = _report(frame, table, route, reasons.to_numpy()[place], joined["rest"].to_numpy()[place], value)
    result.attrs[KEY] = report
    if not quiet:
        print(describe(report))
    return result


def cluster_completeness(
    frame: pd.DataFrame,
    classification: str | None,
    *,
    region: str = "region",
    industry: str = "industry",
    country: str = "country",
    year: str = "year",
    employment: str = "employment",
    table: str = "wiod",
    industries: str = "WIOD2013",
    inputs: Literal["all", "domestic"] = "all",
    weights: pd.Series | None = None,
    parents: bool = False,
    project: Project | None = None,
) -> pd.DataFrame:
    """How much of the chain that feeds each industry is present in its region: from firms to index at once.

    Firms' codes become industries of the table (a code that several share is split), their employment
    location quotients, the country's purchases of the year coefficients, and both `measures.completeness`.
    Stages in which no firm of that country and year is are left out; how much of the purchases remains stands
    beside the index.

    Parameters
    ----------
    frame : firm panel; rows are weighted by its column ``weight`` where it has one.
    classification : that of the codes, or None where they are the table's own.
    region, industry, country, year, employment : columns.
    inputs : purchases from everywhere, or from home alone; other parameters as in `join_value_chain`.

    Returns
    -------
    pandas.DataFrame
        One row for each country, year, region and industry of the table with firms: keys, `completeness`
        (missing where an industry buys nothing from a stage with firms) and `inputs_covered`, the share of
        its purchases that comes from stages with firms in the data. A warning counts rows that the table or
        the crosswalk does not know.

    Raises
    ------
    DataError
        As `join_value_chain`; also where no row is of a country, year and industry of the table.

    Source: as `measures.completeness`.
    """
    require_columns(frame, country, year, region, industry, employment)
    require_whole_numbers(frame, year)
    project = project or find_project()
    codes = frame[industry].astype(object)
    links, _ = _links(codes, classification, industries, industry, weights, parents)
    links = links.rename(columns={"weight": "_link"}).dropna(subset="target")
    rows = frame.assign(_code=codes.to_numpy(), _row=np.arange(len(frame)))
    split = rows.merge(links, left_on="_code", right_on="spelling")
    split = split.assign(
        **{industry: split["target"].astype(object), employment: split[employment] * split["_link"]}
    )
    covered = set(table_years(table, project))
    parts: list[pd.DataFrame] = []
    used: set[int] = set()
    for (place, when), cells in split.groupby([country, year], observed=True):
        if when not in covered:
            continue
        tables = input_output(table, int(when), project=project)
        if place not in tables.rows.get_level_values("country"):
            continue
        coefficients = national_coefficients(tables, str(place), inputs=inputs)
        cells = cells[cells[industry].isin(coefficients.index)]
        used.update(cells["_row"])
        if len(cells):
            parts.append(_complete(cells, coefficients, [country, year], region, industry, employment))
    if not parts:
        raise DataError(
            "no row is of a country, year and industry of the table",
            remedy=f"The years of {table}: {', '.join(map(str, sorted(covered)))}.",
        )
    if len(used) < len(frame):
        warn(f"{len(frame) - len(used)} of {len(frame)} rows are of no country, year and industry of {table}")
    out = pd.concat(parts, ignore_index=True)
    for name in ("completeness", "inputs_covered"):
        record(out, name, employment, f"{table}.value", like=frame)
    return out


def _complete(
    cells: pd.DataFrame,
    coefficients: pd.DataFrame,
    keys: list[str],
    region: str,
    industry: str,
    employment: str,
) -> pd.DataFrame:
    """Completeness of one country's and year's regions, and the share of purchases that it looks at."""
    quotients = location_quotient(cells, region=region, industry=industry, employment=employment, by=keys)
    present = coefficients.index.isin(quotients[industry])
    bought = coefficients.sum()
    share = (coefficients[present].sum() / bought.where(bought > 0)).rename("inputs_covered")
    found = completeness(quotients, coefficients[present], region=region, industry=industry, by=keys)
    found = found[[*keys, region, industry, "completeness"]]
    return found.join(share, on=industry)


def describe(report: dict[str, Any]) -> str:
    """The match rates of a join, as a sentence."""
    route, matched = " → ".join(report["route"]), report["matched_rows"]
    text = f"{report['table']}, by {route}: {matched:.1%} of rows matched"
    if report["value"] is not None:
        text += f", {report['matched_value']:.1%} of {report['value']}"
    if report["rest_of_world_rows"]:
        text += f" ({report['rest_of_world_rows']:.1%} of rows by the rest of the world)"
    lost = [f"{share:.1%} {reason}" for reason, share in report["unmatched"].items()]
    return text + (f"; not matched: {', '.join(lost)}" if lost else "")


@lru_cache(maxsize=64)
def _measures_of(name: str, year: int, data: Path, stamp: int) -> pd.DataFrame:
    """One year's measures; `stamp` makes a panel that was built again a new key."""
    table = input_output(name, year, project=Project(data))
    by = ("exporter", "industry")
    found = gvc_participation(table, by=by)[["backward_share", "forward_share", "participation"]]
    found["position_koopman"] = participation_koopman(table, by=by, sector="exporter")["position"]
    place = positions(table)[["upstreamness", "downstreamness"]]
    return found.rename_axis(index=["country", "industry"]).join(place, how="right")


def _links(
    codes: pd.Series,
    classification: str | None,
    industries: str,
    column: str,
    weights: pd.Series | None,
    parents: bool,
) -> tuple[pd.DataFrame, list[str]]:
    spelled = pd.Series(codes.dropna().unique(), dtype=object)
    if not all(isinstance(code, str) for code in spelled):
        raise DataError(
            "codes are not text, so their leading zeros are lost",
            Place(column=column),
            "Write them as text with their zeros, as in frame[column].astype(str).str.zfill(2)",
        )
    if classification is None or classification == industries:
        return pd.DataFrame({"spelling": spelled, "target": spelled, "weight": 1.0}), [industries]
    found = crosswalk(classification, industries, weights=weights)
    return links_for(spelled, found, parents)[["spelling", "target", "weight"]], list(found.route)


def _joined(
    keys: pd.DataFrame,
    links: pd.DataFrame,
    known: pd.DataFrame | None,
    covered: set[int],
    measures: list[str],
    rest_of_world: bool,
) -> tuple[pd.DataFrame, pd.Series]:
    """The measures of each key, and why a key has none (missing where it has)."""
    empty = pd.DataFrame(columns=["year", "country", "industry", *measures])
    cells = empty if known is None else known[measures].reset_index()
    regions, targets = set(cells["country"]), set(cells["industry"])
    outside = (
        ~keys["country"].isin(regions) & keys["country"].notna()
        if regions
        else keys["country"].isna() & False
    )
    rest = outside & rest_of_world & (_REST in regions)
    sought = keys.assign(country=keys["country"].where(~rest, _REST), key=np.arange(len(keys)))
    wide = sought.merge(links.dropna(subset="target"), left_on="code", right_on="spelling")
    wide = wide.merge(cells, left_on=["country", "target", "year"], right_on=["country", "industry", "year"])
    joined = pd.DataFrame(index=np.arange(len(keys)))
    for name in measures:
        present = wide[name].notna()
        weight = wide["weight"].where(present, 0.0)
        sums = pd.DataFrame({"m": weight * wide[name].where(present, 0.0).astype(float), "w": weight})
        sums = sums.groupby(wide["key"]).sum()
        joined[name] = (sums["m"] / sums["w"].where(sums["w"] > 0)).reindex(joined.index)
    joined["rest"] = rest.to_numpy()

    linked = set(links.loc[links["target"].isin(targets), "spelling"]) if targets else set(links["spelling"])
    reason = pd.Series(pd.NA, index=joined.index, dtype="object")
    reason[joined[measures].isna().all(axis=1)] = "industry inactive"
    reason[~keys["code"].isin(linked)] = "no industry of the table"
    reason[outside.to_numpy() & ~rest.to_numpy()] = "country not in the table"
    reason[keys["country"].isna() | keys["code"].isna()] = "country or code missing"
    reason[~keys["year"].isin(covered)] = "year not in the table"
    return joined, reason


def _report(
    frame: pd.DataFrame,
    table: str,
    route: list[str],
    reasons: np.ndarray,
    rest: np.ndarray,
    value: str | None,
) -> dict[str, Any]:
    lost = pd.Series(reasons, dtype="object")
    matched = lost.isna().to_numpy()
    amount = None if value is None else np.nan_to_num(frame[value].to_numpy(dtype=float, na_value=np.nan))
    shares = lost.value_counts() / max(len(frame), 1)
    return {
        "table": table,
        "route": route,
        "rows": len(frame),
        "matched_rows": float(matched.mean()) if len(frame) else 0.0,
        "value": value,
        "matched_value": None if amount is None else float(amount[matched].sum() / amount.sum()),
        "rest_of_world_rows": float((rest & matched).mean()) if len(frame) else 0.0,
        "unmatched": {str(reason): float(share) for reason, share in shares.items()},
    }


def _check(frame: pd.DataFrame, keys: list[str], measures: list[str], value: str | None) -> None:
    require_columns(frame, *keys, *([value] if value is not None else []))
    for name in measures:
        if name not in MEASURES:
            raise DataError(f"there is no measure '{name}'", remedy=f"Measures: {', '.join(MEASURES)}")
        if name in frame.columns:
            raise DataError(
                "the frame has this column already", Place(column=name), "Drop or rename it first"
            )
    require_whole_numbers(frame, keys[2])
