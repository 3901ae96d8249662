"""The variables of one wave of a survey: how each is worded, labelled and answered."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from sqlglot import exp

from gvcmetrics.panels.harmonise.engines.duckdb import connected, explained
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.archives import unpack
from gvcmetrics.panels.readers.columnar import as_text
from gvcmetrics.panels.readers.labelled import LABELLED, read_labels
from gvcmetrics.panels.readers.select import duckdb_relation
from gvcmetrics.panels.readers.tables import FORMATS, RawTable, converted, inspected, stated_places
from gvcmetrics.panels.spec.columns import LABEL
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.sql import column, literal

MOST_ANSWERS = 12


@dataclass(frozen=True)
class Variable:
    """A variable in one wave.

    Attributes
    ----------
    name : as the wave spells it.
    wording : its label, or "".
    labels : label by code.
    answers : the values that occur, if they are few.
    numeric : the share of values that are numbers; None without any value.
    low, median, high : of the values that are numbers.
    """

    name: str
    wording: str
    labels: dict[str, str]
    answers: tuple[str, ...] | None
    numeric: float | None
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True)
class Wave:
    """One raw file, and its variables by their names without capitals."""

    file: str
    variables: dict[str, Variable]


def read_waves(spec: PanelSpec, paths: Sequence[Path], project: Project, everything: bool) -> list[Wave]:
    """The waves of a survey, one a raw file, in the order of the spec.

    Parameters
    ----------
    everything : all variables, not only those that the spec reads.

    Raises
    ------
    DataError : a file is damaged.
    """
    with tempfile.TemporaryDirectory() as folder, connected(Path(folder) / "spill") as connection:
        scratch = Path(folder) / "raw"
        places = stated_places(spec, project)
        waves = []
        for path in paths:
            for name, file in unpack(path, spec.words.read.member, FORMATS.endings, scratch):
                table = inspected(name, file, spec, scratch, places)
                sought = [known for known in table.columns if not known.endswith(LABEL)]
                if not everything:
                    wanted = {raw.removesuffix(LABEL).casefold() for raw in spec.wanted()}
                    sought = [known for known in sought if known.casefold() in wanted]
                told = read_labels(file, name) if file.suffix.lower() in LABELLED else ({}, {})
                try:
                    found = list(
                        _variables(connection, converted(table, spec, scratch, sought), sought, told, spec)
                    )
                except duckdb.Error as error:
                    raise explained(error, name) from None
                waves.append(Wave(name, {variable.name.casefold(): variable for variable in found}))
    return waves


def _variables(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    names: Sequence[str],
    told: tuple[dict[str, str], dict[str, dict[str, str]]],
    spec: PanelSpec,
) -> Iterator[Variable]:
    wordings, labels = told
    for name in names:
        cells = _cells(table, name, spec)
        counted = f"SELECT v, COUNT(*) AS n FROM ({cells.sql('duckdb')}) WHERE v IS NOT NULL GROUP BY v"
        numbers = (
            "SELECT SUM(n), SUM(n) FILTER (x IS NOT NULL), MIN(x), MAX(x), COUNT(*) "
            f"FROM (SELECT n, TRY_CAST(v AS DOUBLE) AS x FROM ({counted}))"
        )
        ((total, numeric, low, high, distinct),) = connection.execute(numbers).fetchall()
        middle = f"SELECT MEDIAN(TRY_CAST(v AS DOUBLE)) FROM ({cells.sql('duckdb')})"
        ((median,),) = connection.execute(middle).fetchall()
        answers = None
        if distinct <= MOST_ANSWERS:
            answers = tuple(value for value, _ in connection.execute(f"{counted} ORDER BY v").fetchall())
        share = None if not total else (numeric or 0) / total
        yield Variable(name, wordings.get(name, ""), labels.get(name, {}), answers, share, low, median, high)


def _cells(table: RawTable, name: str, spec: PanelSpec) -> exp.Select:
    """The values of a raw column as texts in `v`, null where a code says that there is no answer."""
    found = table.column(name)
    assert found is not None
    raw: exp.Expr = column(found)
    text = exp.Trim(this=as_text(raw, table.types[found]) if table.types else raw)
    missing = set(spec.words.missing)
    for item in spec.columns:
        for cell in item.inputs:
            if (cell.raw or "").casefold() == name.casefold():
                missing.update(cell.words.missing or [])
    codes = exp.In(this=text.copy(), expressions=[literal(code) for code in sorted(missing | {""})])
    value = exp.Case().when(codes, exp.null()).else_(text)
    return exp.select(value.as_("v")).from_(duckdb_relation([table]))
