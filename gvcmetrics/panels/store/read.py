"""A stored panel as a pandas frame: its columns, the rows that a condition keeps, and its record."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa
import sqlglot
from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.ground.provenance import Provenance
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import KEY
from gvcmetrics.panels.progress import without_bar
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.sql import column as quoted
from gvcmetrics.panels.store.listing import build_command, not_built, staleness
from gvcmetrics.panels.store.stored import damaged, find_panel, part_values, read_provenance, verified_rows

# What Arrow says, by way of DuckDB, of bytes that are not those that were written.
_DAMAGE = (
    "reading the stream registered",
    "CRC",
    "page integrity",
    "Corrupt",
    "corrupt",
    "deserialize",
    "decompress",
    "Unexpected end",
    "Malformed",
)
# What a condition is made of; whatever else the parser of SQL takes (queries, functions that read files,
# windows, what may follow a WHERE) is none of it.
_TRUTHS = (exp.Predicate, exp.RegexpLike, exp.And, exp.Or, exp.Not, exp.Paren, exp.Column, exp.Boolean)
_WORDS = (
    *_TRUTHS,
    *(exp.Identifier, exp.Literal, exp.Null, exp.Neg, exp.Tuple),
    *(exp.Cast, exp.DataType, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod),
    *(
        exp.Abs,
        exp.Lower,
        exp.Upper,
        exp.Length,
        exp.Substring,
        exp.Coalesce,
        exp.Left,
        exp.Right,
        exp.Escape,
    ),
)


def panel(
    name: str, columns: list[str] | None = None, where: str | None = None, project: Project | None = None
) -> pd.DataFrame:
    """A built panel as a pandas frame, sorted by its keys.

    Parameters
    ----------
    name : the panel's name, as `list_panels()` lists it.
    columns : the columns to read; all by default.
    where : a condition on the panel's columns, as in SQL: `"year >= 2000 AND exporter IN ('DEU', 'JPN')"`.
        Of a panel in parts, by year or country, only those parts are read in which it can be true.
    project : by default the project around the working directory.

    Returns
    -------
    pandas.DataFrame : text as `str`, whole numbers as `int64` (`float64` where values are missing).
        `attrs["provenance"]` is a dictionary of source, licence, citation, checksums and the raw
        columns of each column; `attrs["labels"]` maps each column to its label and unit;
        `attrs["lineage"]` maps it to the raw columns behind it as `source.raw column` (none: a constant),
        where measures carry the record on.

    Raises
    ------
    MissingSourceError : the panel is not built; the remedy is the command.
    DataError : an unknown column, or a condition that is none.
    """
    project = project or find_project()
    path = find_panel(name, project)
    if path is None:
        raise not_built(name, project)
    provenance = read_provenance(path)
    changed = staleness(name, provenance, project.spec_file(name), project)
    if changed is not None:
        said = f"the panel '{name}' is older than {changed}, which has changed since it was built"
        warn(f"{said}: run `{build_command(name, project)}`", UserWarning)
    wanted = list(provenance.columns) if columns is None else list(columns)
    _refuse_unknown(wanted, provenance)
    query = exp.select(*(quoted(column) for column in wanted)).from_("panel")
    if where is not None:
        query = query.where(_condition(where, provenance))
    if provenance.partition_by is not None:
        query = query.order_by(*(quoted(key) for key in provenance.keys))
    condition = query.args.get("where")
    asked = [found.name for found in condition.find_all(exp.Column)] if condition else []
    with duckdb.connect() as connection:
        without_bar(connection)
        try:
            read = list(dict.fromkeys([*wanted, *asked, *provenance.keys]))
            kept = _kept_parts(connection, part_values(path, provenance), condition, provenance)
            rows = verified_rows(path, provenance, read, kept)
            connection.register("panel", rows)
            table = connection.sql(query.sql("duckdb")).to_arrow_table()
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            if not isinstance(error, duckdb.Error) or any(sign in str(error) for sign in _DAMAGE):
                raise damaged(path) from None
            problem = f"the panel cannot be read so ({str(error).splitlines()[0]})"
            raise DataError(problem, Place(path.name), "Check `where`, or build the panel again") from None
    frame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=float("nan"))}.get)
    described = {column: provenance.columns[column] for column in wanted}
    frame.attrs["provenance"] = provenance.told(wanted)
    frame.attrs["labels"] = {key: f"{column.label} ({column.unit})" for key, column in described.items()}
    frame.attrs[KEY] = {
        key: sorted({f"{provenance.source}.{raw}" for raw in column.raw}) for key, column in described.items()
    }
    return frame


def _refuse_unknown(wanted: list[str], provenance: Provenance) -> None:
    for column in wanted:
        if column not in provenance.columns:
            remedy = did_you_mean(column, provenance.columns, f"Columns: {', '.join(provenance.columns)}")
            raise DataError("the panel has no such column", Place(provenance.panel, column=column), remedy)


def _kept_parts(
    connection: duckdb.DuckDBPyConnection,
    values: list[str],
    condition: exp.Expression | None,
    provenance: Provenance,
) -> set[str]:
    """The values of the parts in which the condition can be true."""
    by = provenance.partition_by
    if by is None or condition is None or not values:
        return set(values)
    kind = "BIGINT" if provenance.columns[by].type == "integer" else "VARCHAR"
    parts = exp.select(exp.column("part"), exp.cast(exp.column("part"), kind).as_(by, quoted=True))
    parts = parts.from_(exp.values([(value,) for value in values], alias="v", columns=["part"]))
    query = exp.select("part").from_(parts.subquery("parts")).where(_of_column(condition.this, by))
    return {part for (part,) in connection.sql(query.sql("duckdb")).fetchall()}


def _of_column(condition: exp.Expression, name: str) -> exp.Expression:
    """What a condition says of one column: true wherever the condition can be true."""
    if isinstance(condition, exp.Paren):
        return exp.paren(_of_column(condition.this, name))
    if isinstance(condition, exp.And | exp.Or):
        sides = (_of_column(side, name) for side in (condition.this, condition.expression))
        return type(condition)(**dict(zip(("this", "expression"), sides, strict=True)))
    others = any(found.name.lower() != name.lower() for found in condition.find_all(exp.Column))
    return exp.true() if others else condition.copy()


def _condition(where: str, provenance: Provenance) -> exp.Expression:
    remedy = "Write a condition such as \"year >= 2000 AND exporter = 'DEU'\""
    refused = DataError(f"`where` is no condition on columns: {where}", Place(provenance.panel), remedy)
    try:
        parsed = sqlglot.parse_one(where, into=exp.Condition, dialect="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError):
        raise refused from None
    strays = [type(found) for found in parsed.walk() if not isinstance(found, _WORDS)]
    if strays or not isinstance(parsed, _TRUTHS):
        raise refused
    _refuse_unknown([found.name for found in parsed.find_all(exp.Column)], provenance)
    if isinstance(parsed, exp.Column) and provenance.columns[parsed.name].type != "binary":
        raise refused
    return exp.paren(parsed)
