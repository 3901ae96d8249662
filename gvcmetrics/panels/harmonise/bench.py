"""The engine with the raw files of one spec laid out on it, for all steps that look at them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from gvcmetrics.panels.codes import countries
from gvcmetrics.panels.harmonise.tree import select_values
from gvcmetrics.panels.readers.numbers import FastRead
from gvcmetrics.panels.readers.select import duckdb_relation, select_raw
from gvcmetrics.panels.readers.tables import RawTable
from gvcmetrics.panels.spec.panel import PanelSpec


@dataclass(frozen=True)
class Bench:
    """A connection, a spec without the columns that its files lack, and these files.

    What a step makes here it hands on as the table that it made; no step looks for a table by name.
    """

    connection: duckdb.DuckDBPyConnection
    spec: PanelSpec
    tables: Sequence[RawTable]

    def raw(self, numbered: bool = False, fast: FastRead | None = None) -> exp.Query:
        """The rows of the raw files: every column text, or some as numbers if read `fast`."""
        relation = (
            partial(duckdb_relation, numbers=fast.numbers, nulls=fast.nulls) if fast else duckdb_relation
        )
        return select_raw(self.tables, self.spec, numbered, relation, together=True)

    def numbered_values(self) -> exp.Select:
        """The values of every raw row beside its texts, with its file and row."""
        return select_values(self.spec, self.raw(numbered=True), numbered=True)

    def make(self, name: str, query: exp.Query | str) -> exp.Table:
        """A table of a query, in place of one of this name; the cursors of other threads see it too."""
        said = query if isinstance(query, str) else query.sql("duckdb")
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {said}")
        return exp.to_table(name)

    def rows(self, query: exp.Query | str, values: Sequence[Any] = ()) -> list[tuple]:
        """All rows of a query."""
        said = query if isinstance(query, str) else query.sql("duckdb")
        return self.connection.execute(said, list(values)).fetchall()

    def one(self, query: exp.Query | str) -> tuple:
        """The first row of a query."""
        return self.rows(query)[0]

    @contextmanager
    def lent(self, name: str, table: pa.Table) -> Any:
        """A table of Arrow under a name, while the block runs."""
        self.connection.register(name, table)
        try:
            yield
        finally:
            self.connection.unregister(name)


def create_codes(bench: Bench, name: str, codes: dict[str, str]) -> None:
    """Make the table of spellings and their codes that the trees join to a column of countries.

    The codes are an ENUM: two bytes a row where text takes sixteen, sorted and written faster.
    """
    listed = ", ".join(exp.Literal.string(code).sql("duckdb") for code in sorted(countries()))
    bench.connection.execute(f"CREATE TYPE IF NOT EXISTS iso3 AS ENUM ({listed})")
    with bench.lent("codes", pa.table({"spelling": list(codes), "code": list(codes.values())})):
        bench.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT spelling, code::iso3 AS code FROM codes"
        )
