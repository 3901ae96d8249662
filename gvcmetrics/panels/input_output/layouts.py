"""Published layouts of inter-country input-output tables → tables, one year at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.csv
import pyarrow.parquet

from gvcmetrics.errors import DataError, MissingSourceError, Place
from gvcmetrics.ground.input_output import InputOutput, regions_of
from gvcmetrics.panels.codes import UNKNOWN, match_countries, no_country
from gvcmetrics.panels.input_output.spec import TableWords

_OUTPUTS = ("OUT", "OUTPUT", "TOTAL")
_PRIMARY = re.compile(r"VA|VALU|TLS|(.+_)?TAXSUB")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def assemble(
    year: int,
    rows: list[tuple[str, str]],
    columns: list[tuple[str, str]],
    cells: np.ndarray,
    output: np.ndarray,
    words: TableWords,
    file: str,
    primary: np.ndarray | None = None,
) -> InputOutput:
    """A table from labelled rows and columns of cells; columns whose use is an industry are intermediate.

    Labels of countries become ISO3, and rows or columns that come to share a label are added up.

    Raises
    ------
    DataError : an unknown country, a cell without a number, or an industry that sells and does not buy.
    """
    if not np.isfinite(cells).all():
        i, j = np.argwhere(~np.isfinite(cells))[0]
        raise DataError(
            f"the cell of row {'_'.join(rows[i])} is missing or no number",
            Place(file, column="_".join(columns[j])),
            "Restore the file: every cell must hold a number",
        )
    recode = _countries({country for country, _ in (*rows, *columns)}, words, file)
    sellers = [(recode[country], industry) for country, industry in rows]
    buyers = [(recode[country], use) for country, use in columns]
    labels, regions, region_of_row = regions_of(sellers)
    industries = {industry for _, industry in sellers}
    inside = np.array([use in industries for _, use in buyers], dtype=bool)
    uses = tuple(dict.fromkeys(use for _, use in buyers if use not in industries))
    _refuse_misfits(sellers, buyers, inside, regions, file)
    place = {label: position for position, label in enumerate(labels)}
    row = np.array([place[seller] for seller in sellers])
    industry = np.array([place[buyer] for buyer, is_inside in zip(buyers, inside, strict=True) if is_inside])
    use = [
        regions.index(country) * len(uses) + uses.index(use)
        for (country, use), is_inside in zip(buyers, inside, strict=True)
        if not is_inside
    ]
    n = len(labels)
    Z = _placed(cells[:, inside], (row, industry), (n, n))
    Y = _placed(cells[:, ~inside], (row, np.array(use)), (n, len(regions) * len(uses)))
    return InputOutput(
        year=year,
        rows=labels,
        regions=regions,
        region_of_row=region_of_row,
        uses=uses,
        Z=Z,
        Y=Y.reshape(n, len(regions), len(uses)),
        x=_placed(output, (row,), (n,)),
        primary=None if primary is None else _placed(primary[inside], (industry,), (n,)),
    )


def _refuse_misfits(
    sellers: list[tuple[str, str]],
    buyers: list[tuple[str, str]],
    inside: np.ndarray,
    regions: tuple[str, ...],
    file: str,
) -> None:
    """Rows and columns must name the same industries, and final use the countries that have some."""
    lacking = sorted(set(sellers) ^ {buyers[position] for position in np.flatnonzero(inside)})
    if lacking or inside.all():
        named = " ".join(lacking[0]) if lacking else "final use"
        raise DataError(
            f"rows and columns of the table differ: {named} is in one of them only",
            Place(file),
            "Check the layout, and `ignore` for rows and columns of totals",
        )
    for position in np.flatnonzero(~inside):
        country, use = buyers[position]
        if country not in regions:
            raise DataError(
                f"{country} has final use ({use}) and no industry",
                Place(file),
                "Recode it under `regions`, or list the column under `ignore`",
            )


def _placed(cells: np.ndarray, at: tuple[np.ndarray, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Cells in their place; those that share one are added up."""
    placed = np.zeros(shape)
    if all(len(np.unique(positions)) == len(positions) for positions in at):
        placed[np.ix_(*at)] = cells
    else:
        np.add.at(placed, np.ix_(*at), cells)
    return placed


def wide(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """`country`, `industry`, `CCC_use` for every buyer, `output`; and `year`, or a year in the name."""
    frame = frame_of(path)
    for name in ("country", "industry", "output"):
        if name not in frame:
            raise DataError(
                "the column is absent",
                Place(path.name, column=name),
                "Needed are country, industry, output",
            )
    years = frame["year"] if "year" in frame else pd.Series(year_in(path), frame.index)
    ignored = {"country", "industry", "output", "year", *words.ignore}
    names = [name for name in frame if name not in ignored]
    for year, part in frame.groupby(years, sort=True):
        yield assemble(
            int(str(year)),
            list(zip(part["country"].astype(str), part["industry"].astype(str), strict=True)),
            [split_label(str(name), path.name) for name in names],
            numbers_of(part[names], path),
            numbers_of(part[["output"]], path)[:, 0],
            words,
            path.name,
        )


def oecd_icio(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """The OECD's CSV: labels `AUS_01T02` on both axes, final use `AUS_HFCE`, then rows of primary inputs."""
    frame = frame_of(path)
    frame = frame.set_index(frame.columns[0])
    frame = frame.drop(index=words.ignore, columns=words.ignore, errors="ignore")
    labels = frame.index.astype(str)
    is_output = labels.isin(_OUTPUTS)
    is_primary = np.array([_PRIMARY.fullmatch(label) is not None for label in labels])
    totals = [name for name in frame if name in _OUTPUTS]
    rows = [split_label(label, path.name) for label in labels[~is_output & ~is_primary]]
    columns = [split_label(str(name), path.name) for name in frame if name not in totals]
    countries = {country for country, _ in rows}
    # The edition of 2016 writes final use the other way round, as in HC_AUS.
    columns = [(b, a) if a not in countries and b in countries else (a, b) for a, b in columns]
    if not (is_output.any() or totals):
        raise DataError("no row or column of output", Place(path.name), f"It is called {', '.join(_OUTPUTS)}")
    everything = numbers_of(frame.drop(columns=totals), path)
    cells = everything[~is_output & ~is_primary]
    if totals:
        output = numbers_of(frame[totals[:1]], path)[~is_output & ~is_primary, 0]
    else:
        place = {label: position for position, label in enumerate(columns)}
        output = everything[is_output][0][[place[label] for label in rows]]
    primary = np.nansum(everything[is_primary], axis=0) if is_primary.any() else None
    yield assemble(year_in(path), rows, columns, cells, output, words, path.name, primary)


def wiod_workbook(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """A workbook of the World Input-Output Database (releases 2013 and 2016), or of the ADB, which is alike.

    Rows of headers hold code, name, country and number (c1, c2, …) of each column, the first four columns
    the same of each row (r1, r2, …; the ADB has c1 again, and F1 for final use). Beyond the industries,
    columns are final use and rows are totals,
    taxes, value added and output, whose country is TOT or blank; the last column is output.
    """
    try:
        grid = pd.read_excel(path, header=None, engine="calamine").to_numpy(dtype=object)
    except Exception as error:  # the reader of workbooks has no base class of its own
        problem = f"the workbook cannot be read ({str(error).splitlines()[0]})"
        raise DataError(problem, Place(path.name), "Restore the file") from None
    number = re.compile(r"[crF]\d+")
    heads = [i for i in range(min(12, len(grid))) if sum(bool(number.fullmatch(str(c))) for c in grid[i]) > 2]
    if not heads:
        raise DataError(
            "no row numbers the columns c1, c2, …", Place(path.name), "The layout is that of WIOD's workbooks"
        )
    head, none = heads[0], ("TOT", "ToT", "nan", "None")
    labels = [(str(grid[head - 1, j]), str(grid[head, j])) for j in range(4, grid.shape[1])]
    buyers = [j for j, (c, use) in enumerate(labels) if number.fullmatch(use) and c not in none]
    below = range(head + 1, len(grid))
    sellers = [i for i in below if number.fullmatch(str(grid[i, 3])) and str(grid[i, 2]) not in none]
    rows = [(str(grid[i, 2]), f"c{str(grid[i, 3])[1:]}") for i in sellers]
    cells = numbers_of(pd.DataFrame(grid[np.ix_(sellers, [j + 4 for j in buyers])]), path)
    output = numbers_of(pd.DataFrame(grid[sellers, -1:]), path)[:, 0]
    # The ADB writes the month and year of the edition behind the year of the table.
    year = year_in(path, which=0)
    yield assemble(year, rows, [labels[j] for j in buyers], cells, output, words, path.name)


def pymrio_system(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """A system that pymrio saved; parse the files of other sources with pymrio first, then `save_all`."""
    try:
        import pymrio  # an extra: LGPL-3, so the base install must work without it
    except ImportError:
        raise MissingSourceError(
            "this layout needs pymrio, which is not installed",
            Place(path.name),
            "Install it with `pip install 'gvcmetrics[icio]'`",
        ) from None
    folder = path if path.is_dir() else path.parent
    yield from_pymrio(pymrio.load_all(folder, include_core=True), year_in(folder), words, folder.name)


def from_pymrio(system: Any, year: int, words: TableWords, file: str) -> InputOutput:
    """The table of a pymrio system, or of anything with its `Z`, `Y` and `x`.

    Raises
    ------
    DataError : Z or Y is not loaded, and as in `assemble`.
    """
    for name in ("Z", "Y"):
        if getattr(system, name, None) is None:
            raise DataError(f"the system has no {name}", Place(file), "Run `calc_all()` and save it again")
    Z, Y, x = system.Z, system.Y, getattr(system, "x", None)
    cells = np.hstack([Z.to_numpy(dtype=float), Y.loc[Z.index].to_numpy(dtype=float)])
    if x is None:
        output = cells.sum(axis=1)
    else:
        output = x.loc[Z.index].to_numpy(dtype=float).reshape(len(Z), -1)[:, 0]
    columns = [*_pairs(Z.columns), *_pairs(Y.columns)]
    return assemble(year, _pairs(Z.index), columns, cells, output, words, file)


def frame_of(path: Path) -> pd.DataFrame:
    """The file's cells, CSV or Parquet."""
    try:
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path, partitioning=None).to_pandas()
        # A total row may leave cells blank, as output does under final use.
        read = pyarrow.csv.ConvertOptions(strings_can_be_null=False)
        return pyarrow.csv.read_csv(path, convert_options=read).to_pandas()
    except (pyarrow.ArrowInvalid, OSError) as error:
        problem = f"the file cannot be read ({str(error).splitlines()[0]})"
        raise DataError(problem, Place(path.name), "Restore the file") from None


def numbers_of(frame: pd.DataFrame, path: Path) -> np.ndarray:
    """The cells as numbers."""
    try:
        return frame.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        for name in frame:
            wrong = pd.to_numeric(frame[name], errors="coerce").isna()
            if wrong.any():
                value = frame[name][wrong].iloc[0]
                raise DataError(
                    f"'{value}' is not a number", Place(path.name, column=str(name)), "Restore the file"
                ) from None
        raise


def split_label(label: str, file: str) -> tuple[str, str]:
    """Country and use of a label such as AUS_C01."""
    country, mark, use = label.partition("_")
    if not mark or not use:
        raise DataError(
            f"'{label}' does not name a country and a use, as in AUS_C01",
            Place(file),
            "List it under `ignore` if it is a total",
        )
    return country, use


def year_in(path: Path, which: int = -1) -> int:
    """The year in the file's name; of the OECD's ICIO2023_2018 the last is that of the table."""
    years = _YEAR.findall(path.stem)
    if not years:
        raise DataError(
            "neither a column nor the file's name says the year",
            Place(path.name),
            "Name it like wiot_2011.csv",
        )
    return int(years[which])


def _countries(labels: set[str], words: TableWords, file: str) -> dict[str, str]:
    found = match_countries(sorted(labels - words.regions.keys()))
    for label, near in found.unknown.items():
        remedy = f"Recode it under `regions`{f', to {near}' if near else ''}, or correct the file"
        why = no_country(label)
        problem = f"'{label}' is no country" if why == UNKNOWN else f"'{label}': {why}"
        raise DataError(problem, Place(file), remedy)
    return {**found.codes, **words.regions}


def _pairs(index: pd.Index) -> list[tuple[str, str]]:
    return [(str(first), str(second)) for first, second in index]
