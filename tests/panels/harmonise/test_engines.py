"""The engines: the functions that each defines mean the same, and Spark gives DuckDB's panel."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.harmonise.engines.duckdb import connected
from gvcmetrics.panels.project import Project

TEXTS = {
    "1": 1.0,
    "+5": 5.0,
    "-.5": -0.5,
    "5.": 5.0,
    "1e3": 1000.0,
    "1E-3": 0.001,
    "1_000": None,
    "inf": None,
    "-Infinity": None,
    "nan": None,
    "1d": None,
    "1f": None,
    "0x10": None,
    "1 000": None,
    "1\n": None,
    "": None,
    "-": None,
    "1e": None,
    "1.2.3": None,
    "1e400": math.inf,
    "0.1": 0.1,
    "12345678901234567890": 12345678901234567890.0,
}
BLANKED = {" a ": "a", "\ta\u00a0": "a", "a b": "a b", "\u3000a": "\u3000a", "": "", "\n a": "\n a"}
NUMBERS = [
    *(0.1, -2.5, 1e-3, 9.99e-4, 1e-4, 9.9e-5, 1e-5, -1.5e-10, 2e-123, 1e-7),
    *(9999999.5, 12345678.5, -1234567890123.25, 1e15, 9.5e15, 1e16, 1.25e20, -1e300),
    *(
        np.random.default_rng(5).normal(0, 1, 500) * 10.0 ** np.random.default_rng(6).integers(-9, 16, 500)
    ).tolist(),
]
WRITTEN = {
    number: repr(float(number)) for number in NUMBERS
}  # Python writes the shortest text that reads back


def test_duckdb_functions(tmp_path: Path) -> None:
    with connected(tmp_path) as connection:
        for text, number in TEXTS.items():
            assert connection.execute("SELECT PLAIN_NUMBER(?)", [text]).fetchall() == [(number,)], text
        for text, trimmed in BLANKED.items():
            assert connection.execute("SELECT TRIMMED(?)", [text]).fetchall() == [(trimmed,)], text
        for number, text in WRITTEN.items():
            assert connection.execute("SELECT FRACTION_TEXT(?)", [number]).fetchall() == [(text,)]


@pytest.mark.spark
def test_spark_functions(spark: Any) -> None:
    from gvcmetrics.panels.harmonise.engines.spark import define_functions

    define_functions(spark)
    for name, cases in (("PLAIN_NUMBER", TEXTS), ("TRIMMED", BLANKED)):
        frame = spark.createDataFrame([(text,) for text in cases], "x string")
        found = frame.selectExpr("x", f"{name}(x) AS y").collect()
        assert {row.x: row.y for row in found} == cases
    found = spark.createDataFrame([(number,) for number in NUMBERS], "x double")
    assert {row.x: row.y for row in found.selectExpr("x", "FRACTION_TEXT(x) AS y").collect()} == WRITTEN


@pytest.mark.spark
def test_spark_gives_the_same_panel_on_a_million_rows(spark: Any, project: Project) -> None:
    rng = np.random.default_rng(3)
    n = 1_000_000
    code = rng.permutation(n)
    frame = pd.DataFrame(
        {
            "country": rng.choice(["Germany", "JPN", "KOREA, Republic of", "842", "Côte d'Ivoire"], n),
            "code": pd.Series(code).map(" {:06d}".format),
            "year": 2000 + code % 9,
            "value_k": np.where(code % 11 == 0, "-9", np.char.mod("%.17g", np.exp(rng.normal(5, 9, n)))),
            "quality": np.where(code % 7 == 0, "NA", np.char.mod(" %.9e", rng.random(n))),
            "share_pct": np.round(rng.random(n) * 100, 2),
        }
    )
    frame.to_csv(project.raw / "exports.csv", index=False)
    spec = project.spec_file("exports")
    path = build_panel(spec, project).path
    assert path == project.panel_file("exports")
    before, first = path.read_bytes(), panel("exports", project=project)
    path.unlink()
    build_panel(spec, project, engine="spark")
    second = panel("exports", project=project)
    assert len(second) == n
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert path.read_bytes() == before


@pytest.mark.spark
def test_spark_says_which_cell_is_bad(spark: Any, project: Project) -> None:
    raw = project.raw / "exports.csv"
    text = raw.read_text(encoding="utf-8")
    for old, new, said in (
        (",3,0.8,", ",three,0.8,", r"row 3, column 'value_k'.*not a number"),
        ("Germany,0111,2001", "Germany,0111,2000", r"row 2.*duplicate key"),
        ("2001,1e3,0.25,0\n", "2001,1e", r"row 5.*cut off"),
    ):
        raw.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(DataError, match=said):
            build_panel(project.spec_file("exports"), project, engine="spark")
