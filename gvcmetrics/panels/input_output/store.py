"""Input-output panels on disk: one Parquet file, one row group a year, one row a cell:

    year, country, industry, use_country, use, kind, value

`kind` is `intermediate` (then `use` is an industry of `use_country`), `final` (then `use` is a
category of final use) or `output` (then `use` is `output`). Cells that are zero are left out, and every
country × industry has its row of output, in the order of the table. Why long: rows and columns carry
their labels, any engine or language can ask for a part, and most cells are zero. The 17 tables of the World
Input-Output Database (1435 × 1640 cells each, 84 per cent of them zero) take 11 MB, against 27 MB as
files of 1640 columns, and a year is in matrices as soon as from those.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import InputOutput, regions_of
from gvcmetrics.ground.provenance import METADATA_KEY, Provenance
from gvcmetrics.panels.input_output.balance import Balance
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.store.footer import BLANK, KEY, sign_footer
from gvcmetrics.panels.store.listing import not_built
from gvcmetrics.panels.store.stored import damaged, read_provenance

KINDS = ("intermediate", "final", "output")
_LABELS_KEY = "gvcmetrics_input_output"
_TEXT = pa.dictionary(pa.int32(), pa.string())
_SCHEMA = pa.schema(
    [
        ("year", pa.int32()),
        *((name, _TEXT) for name in ("country", "industry", "use_country", "use", "kind")),
        ("value", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Labels:
    """What the cells of an input-output panel are called and measured in.

    Attributes
    ----------
    unit : of the cells, such as `million USD`.
    inventories : the category of final use that holds changes in inventories, or None.
    final_uses : categories of final use, in the order of the source.
    uses, industries : code → label, where the spec states them.
    balances : one line a year on how far sums are from output.
    """

    unit: str
    inventories: str | None
    final_uses: list[str]
    uses: dict[str, str]
    industries: dict[str, str]
    balances: list[str]


@dataclass(frozen=True)
class Spool:
    """What `write_cells` wrote."""

    years: list[int]
    raw_rows: int
    rows: int
    countries: int
    final_uses: list[str]
    balances: list[Balance]


def write_cells(tables: Iterable[tuple[InputOutput, Balance]], path: Path) -> Spool:
    """Write tables one by one, a row group each, as they come; metadata is added by `seal`.

    Raises
    ------
    DataError : two tables of one year, or tables with different categories of final use.
    """
    years: list[int] = []
    balances: list[Balance] = []
    uses: list[str] = []
    countries: set[str] = set()
    raw_rows = rows = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for table, found in tables:
            if table.year in years:
                raise DataError(f"two tables are of {table.year}", remedy="Keep one file a year")
            assert table.year is not None
            own = list(table.uses)
            if uses and sorted(own) != sorted(uses):
                raise DataError(
                    f"the final uses of {table.year} differ from those of {years[0]}: {', '.join(own)}",
                    remedy="Build a panel from tables of one release",
                )
            cells = _cells(table)
            writer.write_table(cells, row_group_size=max(len(cells), 1))
            uses = uses or own
            countries.update(table.regions)
            years.append(table.year)
            balances.append(found)
            raw_rows += len(table.x)
            rows += len(cells)
    return Spool(years, raw_rows, rows, len(countries), uses, balances)


def seal(spool: Path, provenance: Provenance, labels: Labels, path: Path) -> None:
    """Copy the row groups of a spool into the panel's file, in order of year, with its metadata."""
    metadata = {
        METADATA_KEY: provenance.to_json(),
        _LABELS_KEY: json.dumps(asdict(labels), ensure_ascii=False),
        KEY: BLANK,
    }
    source = pq.ParquetFile(spool, read_dictionary=[field.name for field in _SCHEMA if field.type == _TEXT])
    order = sorted(_years(source))
    with pq.ParquetWriter(
        path, _SCHEMA.with_metadata(metadata), compression="zstd", write_page_checksum=True
    ) as writer:
        for _, group in order:
            cells = source.read_row_group(group).cast(_SCHEMA)
            writer.write_table(cells, row_group_size=max(len(cells), 1))
    sign_footer(path)


def read_labels(path: Path) -> Labels:
    """What an input-output panel's cells are called and measured in.

    Raises
    ------
    DataError : the file is damaged, or it is no input-output panel.
    """
    read_provenance(path)
    stored = (pq.read_schema(path).metadata or {}).get(_LABELS_KEY.encode())
    if stored is None:
        raise DataError(
            "the panel is no input-output table",
            Place(path.name),
            "Name a panel of the contract `input_output`",
        )
    return Labels(**json.loads(stored))


def table_years(name: str, project: Project | None = None) -> list[int]:
    """The years of an input-output panel.

    Raises
    ------
    MissingSourceError : the panel is not built; the remedy is the command.
    DataError : it is no input-output panel.
    """
    path = _panel_file(name, project)
    read_labels(path)
    return [year for year, _ in _years(pq.ParquetFile(path))]


def read_table(name: str, year: int, project: Project | None = None) -> InputOutput:
    """One year of an input-output panel as it was published, in the unit of the panel.

    Parameters
    ----------
    name : the panel's name, as `list_panels()` lists it.
    year : the year.
    project : by default the project around the working directory.

    Raises
    ------
    MissingSourceError : the panel is not built; the remedy is the command.
    DataError : it is no input-output panel, or does not have the year.
    """
    path = _panel_file(name, project)
    labels = read_labels(path)
    texts = [field.name for field in _SCHEMA if field.type == _TEXT]
    file = pq.ParquetFile(path, read_dictionary=texts, page_checksum_verification=True)
    groups = dict(_years(file))
    if year not in groups:
        raise DataError(
            f"the panel has no table of {year}", Place(name), f"Years: {min(groups)}–{max(groups)}"
        )
    try:
        cells = file.read_row_group(groups[year])
    except (pa.ArrowException, OSError):
        raise damaged(path) from None
    codes, words = {}, {}
    for text in texts:
        column = cells.column(text).unify_dictionaries().combine_chunks()
        codes[text], words[text] = column.indices.to_numpy(), column.dictionary.to_pylist()
    value = cells.column("value").to_numpy()
    kind = np.array([KINDS.index(word) for word in words["kind"]])[codes["kind"]]
    return _matrices(name, year, codes, words, kind, value, labels)


def _matrices(
    name: str,
    year: int,
    codes: dict[str, np.ndarray],
    words: dict[str, list[str]],
    kind: np.ndarray,
    value: np.ndarray,
    labels: Labels,
) -> InputOutput:
    made = kind == KINDS.index("output")
    sellers = [
        (words["country"][country], words["industry"][industry])
        for country, industry in zip(codes["country"][made], codes["industry"][made], strict=True)
    ]
    rows, regions, region_of_row = regions_of(sellers)
    place = {label: position for position, label in enumerate(rows)}
    row_at = np.full((len(words["country"]), len(words["industry"])), -1)
    row_at[codes["country"][made], codes["industry"][made]] = [place[seller] for seller in sellers]
    uses = tuple(labels.final_uses)
    final = {label: position for position, label in enumerate(itertools.product(regions, uses))}
    matrices = {}
    for part, columns in (("intermediate", place), ("final", final)):
        chosen = kind == KINDS.index(part)
        column_at = np.array(
            [[columns.get((country, use), -1) for use in words["use"]] for country in words["use_country"]]
        )
        matrix = np.zeros((len(rows), len(columns)))
        row = row_at[codes["country"][chosen], codes["industry"][chosen]]
        matrix[row, column_at[codes["use_country"][chosen], codes["use"][chosen]]] = value[chosen]
        matrices[part] = matrix
    x = np.zeros(len(rows))
    x[row_at[codes["country"][made], codes["industry"][made]]] = value[made]
    return InputOutput(
        year=year,
        rows=rows,
        regions=regions,
        region_of_row=region_of_row,
        uses=uses,
        Z=matrices["intermediate"],
        Y=matrices["final"].reshape(len(rows), len(regions), len(uses)),
        x=x,
        inventories=labels.inventories,
        name=name,
    )


def _cells(table: InputOutput) -> pa.Table:
    n = len(table.x)
    columns = [*table.rows, *itertools.product(table.regions, table.uses)]
    cells = np.hstack([table.Z, table.Y.reshape(n, -1)])
    row, column = np.nonzero(cells)
    kind = np.where(column < n, 0, 1)
    country, industry = (table.rows.get_level_values(level).to_numpy(dtype=object) for level in (0, 1))
    use_country, use = (np.array([label[k] for label in columns], dtype=object) for k in (0, 1))
    # The rows of output come first, so that the order of the table is known from them.
    arrays = [
        pa.array(np.full(n + len(row), table.year, dtype=np.int32)),
        _text(country, np.concatenate([np.arange(n), row])),
        _text(industry, np.concatenate([np.arange(n), row])),
        _text(np.concatenate([country, use_country]), np.concatenate([np.arange(n), n + column])),
        _text(np.concatenate([["output"], use]), np.concatenate([np.zeros(n, dtype=int), 1 + column])),
        _text(np.array(KINDS, dtype=object), np.concatenate([np.full(n, 2), kind])),
        pa.array(np.concatenate([table.x, cells[row, column]])),
    ]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _text(words: np.ndarray, at: np.ndarray) -> pa.DictionaryArray:
    code, unique = pd.factorize(words)
    indices = pa.array(code[at].astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(unique), pa.string()))


def _years(file: pq.ParquetFile) -> list[tuple[int, int]]:
    """The year of each row group, read off its statistics."""
    metadata = file.metadata
    return [(metadata.row_group(i).column(0).statistics.min, i) for i in range(metadata.num_row_groups)]


def _panel_file(name: str, project: Project | None) -> Path:
    project = project or find_project()
    path = project.panel_file(name)
    if not path.exists():
        raise not_built(name, project)
    return path
