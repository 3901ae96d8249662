"""The engine for what outgrows one machine's processors: PySpark runs the same trees as DuckDB.

Spark reads the raw files, types, maps and judges every row, and hands over the typed rows as Parquet.
From there on DuckDB looks for duplicates, sorts and writes, out of core, so that both engines give the
same bytes. If Spark meets a bad row, a malformed line or a text that it would not read as DuckDB does,
DuckDB reads the files to say which it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from sqlglot import exp

from gvcmetrics.errors import MissingSourceError, SpecError
from gvcmetrics.panels.harmonise.rules import select_typed
from gvcmetrics.panels.harmonise.texts import PLAIN_NUMBER
from gvcmetrics.panels.harmonise.tree import (
    BLANKS,
    MONEY_TABLE,
    TRIMMED,
    codes_table,
    crosswalk_table,
)
from gvcmetrics.panels.readers.columnar import FRACTION_TEXT
from gvcmetrics.panels.readers.delimited import signs_in
from gvcmetrics.panels.readers.select import select_raw
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.sql import literal

# Java writes 1.0E-5 and 1.23E7 where DuckDB writes 1e-05 and 12300000.0. Java before 19 also writes a digit
# too many of some numbers beyond 1e17, which reads back as the same number, so that only a text shows it.
_PLAIN = "REGEXP_REPLACE(CAST(CAST(CAST(x AS STRING) AS DECIMAL(38, 21)) AS STRING), '([.][0-9]+?)0*$', '$1')"
_EXPONENT = "REGEXP_REPLACE(REPLACE(CAST(x AS STRING), '.0E', 'E'), 'E(-?)([0-9])$', 'E$10$2')"
_FUNCTIONS = {
    TRIMMED: ("STRING", "STRING", f"TRIM(BOTH '{BLANKS}' FROM x)"),
    PLAIN_NUMBER: (
        "STRING",
        "DOUBLE",
        "CASE WHEN NOT x RLIKE '[^0-9+.eE-]' THEN TRY_CAST(x AS DOUBLE) END",
    ),
    FRACTION_TEXT: (
        "DOUBLE",
        "STRING",
        "CASE WHEN ISNAN(x) THEN NULL WHEN NOT CAST(x AS STRING) LIKE '%E%' THEN CAST(x AS STRING) "
        f"WHEN ABS(x) >= 1e-4 AND ABS(x) < 1e16 THEN {_PLAIN} "
        f"ELSE REPLACE(REGEXP_REPLACE({_EXPONENT}, 'E([0-9])', 'e+$1'), 'E', 'e') END",
    ),
}
_ZONE = "spark.sql.session.timeZone"
_UNREADABLE = "\ufffd"  # what a decoder writes for bytes that are no UTF-8


def typed_rows(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable], folder: Path
) -> Path | None:
    """Parquet files of the typed rows of the raw files, or None where DuckDB must look at a line.

    Parameters
    ----------
    connection : holds the tables of codes and of money.
    folder : where the files go; on a cluster, it must be on a disk that all machines share.

    Raises
    ------
    SpecError : a Parquet file holds times of day, which Spark does not read.
    MissingSourceError : Spark does not start, for want of Java in most cases.
    """
    if any(table.dialect is not None and len(table.columns) == 1 for table in tables):
        return None  # an empty line is a row without a value, which Spark leaves out
    for table in tables:
        _refuse_times(table, spec)
    with _session() as spark:
        small = [codes_table(item.name) for item in spec.columns if item.meta.type == "country"]
        small += [crosswalk_table(item.name) for item in spec.columns if item.spec.crosswalk is not None]
        for name in small + ([MONEY_TABLE] if spec.words.money is not None else []):
            path = folder / f"{name}.parquet"
            connection.execute(f"COPY {name} TO {literal(str(path)).sql('duckdb')} (FORMAT parquet)")
            spark.read.parquet(_literal_path(path)).createOrReplaceTempView(name)
        define_functions(spark)
        raw = select_raw(tables, spec, numbered=False, relation=partial(_relation, spark, spec))
        typed = spark.sql(select_typed(spec, raw).sql("spark"))
        target = folder / "typed"
        try:
            typed.write.mode("overwrite").parquet(str(target))
        except (PySparkException, Py4JJavaError):  # the latter where the reader fails in a task
            return None
    return target


def define_functions(spark: SparkSession) -> None:
    """Define the functions that harmonising calls."""
    for name, (given, kind, body) in _FUNCTIONS.items():
        spark.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {name}(x {given}) RETURNS {kind} RETURN {body}")


def _relation(spark: SparkSession, spec: PanelSpec, tables: Sequence[RawTable]) -> exp.Expression:
    (table,) = tables
    name = f"file_{abs(hash(table.path)):x}"
    if table.dialect is None:
        spark.read.parquet(_literal_path(table.path)).createOrReplaceTempView(name)
        return exp.to_table(name)
    schema = ", ".join(f"{_quoted(column)} STRING" for column in table.engine_names.values())
    # A quoted value may hold a newline, so a file is one task; many files are read in parallel.
    frame: Any = spark.read.csv(
        _literal_path(table.path),
        schema=schema,
        sep=table.dialect.delimiter,
        header=True,
        quote='"',
        escape='"',
        multiLine=True,
        mode="FAILFAST",
        enforceSchema=True,
        maxCharsPerColumn=-1,
        unescapedQuoteHandling="RAISE_ERROR",
    )
    named = [column for name in spec.wanted() if (column := table.column(name)) is not None]
    wanted = list(dict.fromkeys(named))
    doubtful = [_UNREADABLE] + (["\\n", "\\r"] if signs_in(table.path, (b"\r",)) else [])
    frame.selectExpr(*(_sure(column, doubtful) for column in wanted)).createOrReplaceTempView(name)
    return exp.to_table(name)


def _literal_path(path: Path) -> str:
    """A path as Spark takes it, to which some signs are a pattern."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", str(path))


def _quoted(column: str) -> str:
    return f"`{column.replace('`', '``')}`"


def _sure(column: str, doubtful: Sequence[str]) -> str:
    """A column of text; the job fails where its bytes were no UTF-8 or its own line ends were changed."""
    name = _quoted(column)
    in_doubt = " OR ".join(f"CONTAINS({name}, '{sign}')" for sign in doubtful)
    return f"CASE WHEN {in_doubt} THEN RAISE_ERROR('left to DuckDB') ELSE {name} END AS {name}"


def _refuse_times(table: RawTable, spec: PanelSpec) -> None:
    for name, kind in table.types.items():
        if pa.types.is_time(kind):
            problem = f"'{table.name}' holds times of day (column '{name}'), which Spark does not read"
            raise SpecError(
                problem, spec.document.place(("source",)), "Build the panel without `--engine spark`"
            )


@contextmanager
def _session() -> Iterator[SparkSession]:
    """The session that is there, or one of our own on this machine."""
    running = SparkSession.getActiveSession()
    if running is not None:
        zone = running.conf.get(_ZONE)
        running.conf.set(_ZONE, "UTC")
        try:
            yield running
        finally:
            running.conf.set(_ZONE, str(zone))
        return
    builder = SparkSession.builder.appName("gvcmetrics")  # type: ignore[attr-defined]
    for key, value in (
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", "false"),
        (_ZONE, "UTC"),
    ):
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
    except (PySparkException, Py4JJavaError, RuntimeError) as error:
        problem = f"Spark does not start ({(str(error).splitlines() or [type(error).__name__])[0]})"
        remedy = "It needs Java 17 or newer, on the path or named by JAVA_HOME"
        raise MissingSourceError(problem, remedy=remedy) from None
    spark.sparkContext.setLogLevel("OFF")
    try:
        yield spark
    finally:
        spark.stop()
