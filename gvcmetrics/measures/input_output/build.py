"""Arrays, frames and pymrio systems → checked `InputOutput` tables; nothing here reads a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import Array, InputOutput, regions_of, some
from gvcmetrics.measures.input_output.close import Close, balanced
from gvcmetrics.measures.requirements import require_columns, require_known, require_whole_numbers

# Codes of the World Input-Output Database's 2013 release that are not ISO 3166.
ALIASES = {"ROM": "ROU", "RoW": "ROW"}


def from_wide(
    frame: pd.DataFrame,
    *,
    year: int | None = None,
    inventories: str | None = None,
    close: Close | None = None,
    negative_value_added: Literal["error", "keep"] = "error",
    tolerance: float = 1e-6,
) -> InputOutput:
    """An input-output table from the wide frame: one row per country × industry.

    Columns: `country`, `industry`; `CCC_industry` for each country's intermediate use and
    `CCC_category` for its final use, in any order; `output`; `year` where the frame has several.
    `ROM` is read as ROU (Romania) and `RoW` as ROW (rest of the world, a region like any other).

    Parameters
    ----------
    frame : the wide frame; in the WIOD panel, million current USD.
    year : the year to take, or to give to a frame without one.
    inventories : category of final use that holds changes in inventories (`"f5"` in WIOD).
    close : how to close the gap between row sums and `output` in a table that was rounded.
        None: there must be none. `"row_sums"`: output becomes the row sum. `"intermediate"`:
        output stays and the row's intermediate uses are scaled to meet it; a row that cannot be
        scaled (no intermediate uses, or final use above output) takes its row sum as output. The
        WIOD panel in whole millions needs one of the two: `"intermediate"` keeps published output
        and comes nearest to published upstreamness.
    negative_value_added : `"error"`, or `"keep"` to accept industries whose purchases exceed
        output; the decompositions then carry the negative value added through. What an industry
        without output buys counts as final use of its country (its inventories, or the last
        category), so that everything still adds up.
    tolerance : largest gap between row sum and output, as a share of the row's output.

    Raises
    ------
    DataError
        Rows and columns do not match, cells are missing or negative, the table does not balance
        (by how much and where), or value added is negative.
    """
    needed = [name for name in ("country", "industry", "output") if name not in frame.columns]
    if needed:
        raise DataError(
            f"the frame has no column {needed[0]!r}",
            Place(column=needed[0]),
            "A wide frame needs country, industry, CCC_industry, CCC_category and output; "
            "a long one is read by from_long.",
        )
    frame, year = _one_year(frame, year)
    rows = pd.MultiIndex.from_arrays(
        [frame["country"].astype(str).replace(ALIASES), frame["industry"].astype(str)],
        names=["country", "industry"],
    )
    countries = set(rows.get_level_values("country"))
    industries = set(rows.get_level_values("industry"))
    uses: dict[str, list[tuple[str, str]]] = {"intermediate": [], "final": []}
    positions: dict[str, list[int]] = {"intermediate": [], "final": []}
    for position, name in enumerate(frame.columns):
        if name in ("country", "industry", "output", "year"):
            continue
        region, _, use = str(name).partition("_")
        region = ALIASES.get(region, region)
        if not use or region not in countries:
            raise DataError(
                "column is neither intermediate nor final use of a country among the rows",
                Place(column=str(name)),
                f"Name columns CCC_use with a country of the rows: {some(sorted(countries))}.",
            )
        kind = "intermediate" if use in industries else "final"
        uses[kind].append((region, use))
        positions[kind].append(position)

    def part(kind: str) -> pd.DataFrame:
        names = ["country", "industry"] if kind == "intermediate" else ["country", "use"]
        columns = pd.MultiIndex.from_tuples(uses[kind], names=names)
        return frame.iloc[:, positions[kind]].set_axis(rows, axis=0).set_axis(columns, axis=1)

    if not uses["final"]:
        raise DataError("the frame has no final-use columns", remedy="Add CCC_category columns.")
    return from_matrices(
        part("intermediate"),
        part("final"),
        frame["output"].set_axis(rows),
        year=year,
        inventories=inventories,
        close=close,
        negative_value_added=negative_value_added,
        tolerance=tolerance,
    )


def from_matrices(
    intermediate: pd.DataFrame,
    final: pd.DataFrame,
    output: pd.Series | None = None,
    *,
    year: int | None = None,
    inventories: str | None = None,
    close: Close | None = None,
    negative_value_added: Literal["error", "keep"] = "error",
    tolerance: float = 1e-6,
) -> InputOutput:
    """An input-output table from labelled matrices.

    Parameters
    ----------
    intermediate : Z, (country, industry) on both axes; columns may be in another order than rows.
    final : Y, the same rows; columns (country, category).
    output : x by (country, industry); None takes the row sums.
    year, inventories, close, negative_value_added, tolerance : as in `from_wide`.

    Raises
    ------
    DataError
        As in `from_wide`.
    """
    given, buyers = _text(intermediate.index), _text(intermediate.columns)
    sellers, users = _text(final.index), _text(final.columns)
    _refuse_repeats(given)
    rows, regions, code = regions_of(given)
    _same_labels(rows, buyers, "columns of the intermediate matrix")
    _same_labels(rows, sellers, "rows of the final-use matrix")
    categories = tuple(dict.fromkeys(users.get_level_values(1)))
    columns = pd.MultiIndex.from_product([regions, categories])
    _same_labels(columns, users, "columns of the final-use matrix (country × category)")
    if inventories is not None and inventories not in categories:
        raise DataError(
            f"the table has no final-use category {inventories!r} to take as inventories",
            remedy=f"Its categories are: {some(categories)}.",
        )
    Z = _numbers(intermediate, given.get_indexer(rows), buyers.get_indexer(rows))
    Y = _numbers(final, sellers.get_indexer(rows), users.get_indexer(columns))
    if output is None:
        x = Z.sum(axis=1) + Y.sum(axis=1)
    else:
        if isinstance(output, pd.DataFrame) and output.shape[1] == 1:
            output = output.iloc[:, 0]
        if not isinstance(output, pd.Series):
            raise DataError("output is no series of the rows", remedy="Give one column, indexed as the rows.")
        makers = _text(output.index)
        _same_labels(rows, makers, "rows of the output vector")
        x = _numbers(output.to_frame("output"), makers.get_indexer(rows), np.array([0]))[:, 0]
    published = InputOutput(
        year=year,
        rows=rows,
        regions=regions,
        region_of_row=code,
        uses=categories,
        Z=Z,
        Y=Y.reshape(len(rows), len(regions), len(categories)),
        x=x,
        inventories=inventories,
    )
    # Row sums are output already, and scaling to meet them would only add noise.
    gap = None if output is None else close
    return balanced(published, gap, negative_value_added=negative_value_added, tolerance=tolerance)


def from_arrays(
    intermediate: Array,
    final: Array,
    output: Array | None = None,
    *,
    countries: Sequence[str],
    industries: Sequence[str],
    categories: Sequence[str] = ("final",),
    year: int | None = None,
    **checks: Any,
) -> InputOutput:
    """An input-output table from arrays whose rows run through the industries of each country in turn.

    Parameters
    ----------
    intermediate : Z, (R·N, R·N) with R countries and N industries.
    final : Y, (R·N, R·U); columns run through the U categories of each country in turn.
    output : x, (R·N,); None takes the row sums.
    countries, industries, categories : labels, in the order of the arrays.
    year : year of the table.
    checks : `inventories`, `close`, `negative_value_added`, `tolerance`, as in `from_wide`.

    Raises
    ------
    DataError
        An array has not the shape that the labels give, or as in `from_wide`.
    """
    rows = pd.MultiIndex.from_product([countries, industries])
    columns = pd.MultiIndex.from_product([countries, categories])
    x = None if output is None else np.asarray(output)
    for name, array, shape in (
        ("intermediate", np.asarray(intermediate), (len(rows), len(rows))),
        ("final", np.asarray(final), (len(rows), len(columns))),
        ("output", np.zeros(len(rows)) if x is None else x, (len(rows),)),
    ):
        if array.shape != shape:
            raise DataError(
                f"{name} has the shape {array.shape}, and the labels give {shape}",
                remedy=f"There are {len(countries)} countries, {len(industries)} industries and "
                f"{len(categories)} categories of final use.",
            )
    return from_matrices(
        pd.DataFrame(np.asarray(intermediate), rows, rows),
        pd.DataFrame(np.asarray(final), rows, columns),
        None if x is None else pd.Series(x, rows),
        year=year,
        **checks,
    )


def from_long(
    frame: pd.DataFrame,
    *,
    origin: str = "country",
    industry: str = "industry",
    destination: str = "use_country",
    use: str = "use",
    value: str = "value",
    year: int | None = None,
    **checks: Any,
) -> InputOutput:
    """An input-output table from the long frame: one row a flow; flows that are not there are zero.

    Parameters
    ----------
    frame : rows whose `use` is an industry are intermediate use, `output` is gross output (where the
        frame has none, row sums), and everything else is a category of final use. The rows of an
        input-output panel are of this form.
    origin, industry : who sells. destination, use : who buys. value : the flow.
    year : the year to take where the frame has a column `year`, or to give to a frame without one.
    checks : `inventories`, `close`, `negative_value_added`, `tolerance`, as in `from_wide`.

    Raises
    ------
    DataError
        A column is absent, a label is missing, a flow is there twice or is no number, a country buys that
        sells nothing, there is no final use, or as in `from_wide`.
    """
    require_columns(frame, origin, industry, destination, use, value)
    frame, year = _one_year(frame, year)
    keys = [origin, industry, destination, use]
    if frame[keys].isna().any(axis=None):
        column = next(key for key in keys if frame[key].isna().any())
        row = int(frame[column].isna().to_numpy().argmax()) + 2
        raise DataError("a label is missing", Place(row=row, column=column), "Name sellers and buyers.")
    flows = frame[keys].astype(str).replace({origin: ALIASES, destination: ALIASES})
    if (twice := flows.duplicated()).any():
        raise DataError(
            f"flows are there twice: {some(flows[twice].itertuples(index=False, name=None))}",
            remedy="Add them up first.",
        )
    flow = pd.to_numeric(frame[value], errors="coerce").to_numpy(dtype=float)
    if np.isnan(flow).any():
        lost = flows[np.isnan(flow)].itertuples(index=False, name=None)
        raise DataError(f"a flow is missing or no number: {some(lost)}", Place(column=value))

    seller = pd.MultiIndex.from_arrays([flows[origin], flows[industry]])
    buyer = pd.MultiIndex.from_arrays([flows[destination], flows[use]])
    made = (flows[use] == "output").to_numpy()
    bought = flows[use].isin(set(flows[industry])).to_numpy() & ~made
    stranger = ~flows[destination].isin(set(flows[origin])).to_numpy() & ~made
    if stranger.any():
        raise DataError(
            f"countries buy that sell nothing: {some(flows[destination][stranger].unique())}",
            Place(column=destination),
            f"The countries that sell are {some(flows[origin].unique())}.",
        )
    rows = seller.append(buyer[bought]).unique()
    countries = rows.get_level_values(0).unique()
    categories = flows[use][~bought & ~made].unique()
    if not len(categories):
        raise DataError("the frame has no final use", Place(column=use), "Add rows with its categories.")

    def matrix(part: Array, columns: pd.MultiIndex) -> pd.DataFrame:
        cells = np.zeros((len(rows), len(columns)))
        cells[rows.get_indexer(seller[part]), columns.get_indexer(buyer[part])] = flow[part]
        return pd.DataFrame(cells, rows, columns)

    output = pd.Series(flow[made], seller[made]).reindex(rows, fill_value=0.0) if made.any() else None
    final = pd.MultiIndex.from_product([countries, categories])
    return from_matrices(matrix(bought, rows), matrix(~bought & ~made, final), output, year=year, **checks)


def from_pymrio(system: Any, *, year: int | None = None, **checks: Any) -> InputOutput:
    """An input-output table from a pymrio system, or anything with its `Z`, `Y` and `x`.

    Parameters
    ----------
    system : Z with (region, sector) on both axes, Y with columns (region, category), and x as a
        one-column frame or None (then output is the row sum). Not changed.
    year : year of the table.
    checks : `inventories`, `close`, `negative_value_added`, `tolerance`, as in `from_wide`.

    Raises
    ------
    DataError
        The system has no Z or Y yet, or as in `from_wide`.
    """
    for name in ("Z", "Y"):
        if getattr(system, name, None) is None:
            raise DataError(
                f"the pymrio system has no {name}", remedy="Load flows, or run system.calc_all() first."
            )
    output = getattr(system, "x", None)
    if isinstance(output, pd.DataFrame):
        output = output.iloc[:, 0]
    return from_matrices(system.Z, system.Y, output, year=year, **checks)


def _one_year(frame: pd.DataFrame, year: int | None) -> tuple[pd.DataFrame, int | None]:
    if "year" not in frame.columns:
        return frame, year
    require_whole_numbers(frame, "year")
    require_known(frame, ["year"])
    years = sorted(int(value) for value in frame["year"].unique())
    if year is None and len(years) == 1:
        year = years[0]
    if year is None or year not in years:
        raise DataError(
            f"the frame holds the years {some(years)}" + (f", not {year}" if year is not None else ""),
            Place(column="year"),
            "Say which one: year=....",
        )
    return frame[frame["year"].astype(int) == year], year


def _text(index: pd.Index) -> pd.MultiIndex:
    if index.nlevels != 2:
        raise DataError(
            f"an axis of the table has {index.nlevels} label level, not two",
            remedy="Label rows by country and industry, final uses by country and category.",
        )
    levels = [index.get_level_values(k).astype(str) for k in (0, 1)]
    return pd.MultiIndex.from_arrays(levels, names=["country", "industry"])


def _refuse_repeats(rows: pd.MultiIndex) -> None:
    if rows.has_duplicates:
        raise DataError(
            f"rows are not unique: {some(rows[rows.duplicated()])}",
            remedy="Keep one row for each country and industry.",
        )


def _same_labels(expected: pd.MultiIndex, found: pd.MultiIndex, what: str) -> None:
    """Both have the same labels, in any order."""
    missing, extra = expected.difference(found), found.difference(expected)
    twice = found[found.duplicated()]
    if len(missing) or len(extra) or len(twice):
        raise DataError(
            f"labels of the {what} differ from those of the table: "
            f"missing {some(missing)}; not expected {some(extra)}; twice {some(twice)}",
            remedy="Rows and columns must name the same countries and industries.",
        )


def _numbers(frame: pd.DataFrame, row: Array, column: Array) -> Array:
    """The cells, in the given order of rows and columns."""
    try:
        values = frame.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"a cell is not a number ({error})") from error
    if not np.isfinite(values).all():
        i, j = np.argwhere(~np.isfinite(values))[0]
        name = frame.columns[j]
        raise DataError(
            f"cell of row {some([frame.index[i]])} is missing or infinite",
            Place(column="_".join(map(str, name)) if isinstance(name, tuple) else str(name)),
            "Every cell must hold a number; write 0 where there is no flow.",
        )
    return values[np.ix_(row, column)]
