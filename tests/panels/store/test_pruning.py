"""A condition on the key that cuts a panel into parts opens only the parts in which it can be true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.store import read


@pytest.fixture
def years(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[pd.DataFrame, list[str]]]:
    """Reads a panel of five years, built on first use, and says of which years a part was opened."""
    built, opened = set(), []
    open_file = pq.ParquetFile

    def counted(path: Path, **options: Any) -> pq.ParquetFile:
        opened.append(Path(path).parent.name.partition("=")[2])
        return open_file(path, **options)

    def reading(where: str | None, by: str = "year") -> tuple[pd.DataFrame, list[str]]:
        if by not in built:
            built.clear()
            built.add(by)
            rows = [
                f"{country},{code},{year},{n},1,1"
                for n, (country, code, year) in enumerate(
                    (country, code, year)
                    for country in ("DEU", "KOR")
                    for code in ("0101", "0102")
                    for year in range(2000, 2005)
                )
            ]
            text = "\n".join(["country,code,year,value_k,quality,share_pct", *rows]) + "\n"
            (project.raw / "exports.csv").write_text(text, encoding="utf-8")
            spec = project.spec_file("exports")
            words = spec.read_text(encoding="utf-8").split("partition_by")[0]
            spec.write_text(f"{words}partition_by: {by}\n", encoding="utf-8")
            build_panel(spec, project)
        opened.clear()
        return panel("exports", where=where, project=project), list(opened)

    monkeypatch.setattr(pq, "ParquetFile", counted)
    return reading


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, ["2000", "2001", "2002", "2003", "2004"]),
        ("year = 2003", ["2003"]),
        ("\"year\" IN (2001, 2003) AND exporter = 'KOR'", ["2001", "2003"]),
        ("year >= 2003 AND value_usd > 0", ["2003", "2004"]),
        ("NOT year < 2004", ["2004"]),
        ("(year = 2000 AND product = '0101') OR (year = 2004 AND exporter = 'DEU')", ["2000", "2004"]),
        ("year BETWEEN 2001 AND 2002", ["2001", "2002"]),
        ("year = 2001 OR exporter = 'DEU'", ["2000", "2001", "2002", "2003", "2004"]),
        ("NOT (year = 2001 AND exporter = 'DEU')", ["2000", "2001", "2002", "2003", "2004"]),
        ("year * 1000 = value_usd", ["2000", "2001", "2002", "2003", "2004"]),
        ("year = 1990", []),
        ("1 = 0", []),
    ],
)
def test_only_the_years_that_can_hold_rows_are_opened(years: Any, where: str, expected: list[str]) -> None:
    assert years(where)[1] == expected


def test_countries_are_parts_as_well(years: Any) -> None:
    frame, opened = years("exporter = 'KOR' AND year = 2001", by="exporter")
    assert opened == ["KOR"]
    assert len(frame) == 2


def test_an_empty_answer_has_the_columns_of_a_full_one(years: Any) -> None:
    whole, empty = years(None)[0], years("year = 1990")[0]
    pd.testing.assert_series_equal(empty.dtypes, whole.dtypes)
    assert empty.attrs == whole.attrs


ATOMS = st.sampled_from(
    [
        *("year = 2001", "year > 2002", "year IS NULL", "year IN (2000, 2004)", "exporter = 'DEU'"),
        *("value_usd > 9000", "year = value_usd", "TRUE", "quality IS NOT NULL", "product LIKE '%1'"),
    ]
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda part: f"NOT ({part})"),
    ),
    max_leaves=5,
)


@given(CONDITIONS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_row_is_lost_under_any_condition(years: Any, where: str) -> None:
    pruned = years(where)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "_kept_parts", lambda connection, values, *rest: set(values))
        whole, opened = years(where)
    # Where a condition can never be true the engine opens nothing of its own accord.
    assert len(opened) == 5 or whole.empty
    pd.testing.assert_frame_equal(pruned, whole)


def test_no_progress_is_printed(years: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_seen: list[bool] = []
    connect = duckdb.connect

    def eager(*words: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        connection = connect(*words, **options)
        connection.execute("SET enable_progress_bar = true")
        connections.append(connection)
        return connection

    connections: list[duckdb.DuckDBPyConnection] = []
    verified = read.verified_rows

    def looked(*words: Any) -> Any:
        found = connections[-1].sql("SELECT current_setting('enable_progress_bar')").fetchall()
        settings_seen.append(found[0][0])
        return verified(*words)

    monkeypatch.setattr(read.duckdb, "connect", eager)
    monkeypatch.setattr(read, "verified_rows", looked)
    years(None)
    assert settings_seen == [False]
