"""The engine for what outgrows one machine's processors: PySpark runs the same trees as DuckDB.

Spark reads the raw files, types, maps and judges every row, and hands over the typed rows as Parquet.
From there on DuckDB looks for duplicates, sorts and writes, out of core, so that both engines give the
same bytes. If Spark meets a bad row or a malformed line, DuckDB reads the files to say which it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyspark.errors
from pyspark.sql import SparkSession
from sqlglot import exp

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.harmonise import (
    BLANKS,
    MONEY_TABLE,
    PLAIN_NUMBER,
    RAW_TABLE,
    TRIMMED,
    codes_table,
)
from gvcmetrics.panels.harmonise_checks import select_typed
from gvcmetrics.panels.readers.select import select_raw
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec import PanelSpec

_FUNCTIONS = {
    TRIMMED: ("STRING", f"TRIM(BOTH '{BLANKS}' FROM x)"),
    PLAIN_NUMBER: ("DOUBLE", "CASE WHEN NOT x RLIKE '[^0-9+.eE-]' THEN TRY_CAST(x AS DOUBLE) END"),
}


def typed_rows(
    connection: duckdb.DuckDBPyConnection, spec: PanelSpec, tables: Sequence[RawTable], folder: Path
) -> Path | None:
    """Parquet files of the typed rows of the raw files, or None where a line is malformed.

    Parameters
    ----------
    connection : holds the tables of codes and of money.
    folder : where the files go; on a cluster, it must be on a disk that all machines share.

    Raises
    ------
    DataError : a text file whose header is not in its first line.
    """
    with _session() as spark:
        small = [codes_table(item.name) for item in spec.columns if item.meta.type == "country"]
        for name in small + ([MONEY_TABLE] if spec.spec.money is not None else []):
            path = folder / f"{name}.parquet"
            connection.execute(f"COPY {name} TO '{path}' (FORMAT parquet)")
            spark.read.parquet(str(path)).createOrReplaceTempView(name)
        for name, (kind, body) in _FUNCTIONS.items():
            spark.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {name}(x STRING) RETURNS {kind} RETURN {body}")
        raw = select_raw(tables, spec, numbered=False, relation=partial(_relation, spark))
        spark.sql(raw.sql("spark")).createOrReplaceTempView(RAW_TABLE)
        target = folder / "typed"
        try:
            spark.sql(select_typed(spec).sql("spark")).write.mode("overwrite").parquet(str(target))
        except pyspark.errors.PySparkException:
            return None
    return target


def _relation(spark: SparkSession, table: RawTable) -> exp.Expression:
    name = f"file_{abs(hash(table.path)):x}"
    if table.dialect is None:
        frame: Any = spark.read.parquet(str(table.path))
    elif table.dialect.header_row > 1:
        problem = f"the header is in line {table.dialect.header_row}, which Spark cannot read"
        raise DataError(problem, Place(table.name), "Build it without `--engine spark`")
    else:
        schema = ", ".join(f"`{column.replace('`', '``')}` STRING" for column in table.columns)
        # A quoted value may hold a newline, so a file is one task; many files are read in parallel.
        frame = spark.read.csv(
            str(table.path),
            schema=schema,
            sep=table.dialect.delimiter,
            header=True,
            quote='"',
            escape='"',
            multiLine=True,
            mode="FAILFAST",
            enforceSchema=True,
            maxCharsPerColumn=-1,
        )
    frame.createOrReplaceTempView(name)
    return exp.to_table(name)


@contextmanager
def _session() -> Iterator[SparkSession]:
    """The session that is there, or one of our own on this machine."""
    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    builder = SparkSession.builder.appName("gvcmetrics")  # type: ignore[attr-defined]
    for key, value in (("spark.ui.enabled", "false"), ("spark.ui.showConsoleProgress", "false")):
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    try:
        yield spark
    finally:
        spark.stop()
