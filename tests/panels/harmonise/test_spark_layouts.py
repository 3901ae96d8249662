"""Spark against DuckDB, cell by cell, on every layout, format and word of a spec, on seeded random data.

Each case writes raw files and a spec. Both engines build it; panels, rejects and errors must be the same,
and Spark must have done the work itself unless the case says that DuckDB has to look at a line.
"""

from __future__ import annotations

import datetime
import decimal
import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from gvcmetrics.errors import GvcError, MissingSourceError, SpecError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project

pytestmark = pytest.mark.spark

HEAD = "title: Both\ncontract: firm\nlicence: none\ncitation: none\n"
COUNTRY = "  country: {constant: ECU}\n"
FIRM = "columns:\n" + COUNTRY + "  firm_id: {from: id}\n"
YEAR = '  year: {constant: "2020"}\n'
TEXT = "type: text, unit: code, label: A text"
NUMBER = "type: number, unit: number, label: A number"
BINARY = "type: binary, unit: 0/1, label: An answer"
SALES = f"{FIRM}{YEAR}  sales_usd: {{from: x}}\n"
N = 200


@pytest.fixture
def by_spark(spark: Any, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each time that Spark was asked, whether it did the work."""
    import gvcmetrics.panels.harmonise.engines.spark as engine

    done: list[bool] = []
    typed_rows = engine.typed_rows

    def spied(*arguments: Any) -> Path | None:
        found = typed_rows(*arguments)
        done.append(found is not None)
        return found

    monkeypatch.setattr(engine, "typed_rows", spied)
    return done


def both(project: Project, spec: str) -> pd.DataFrame | str:
    """The panel, or the error, that both engines give for a spec."""
    path = project.spec_file("firms")
    path.write_text(HEAD + spec, encoding="utf-8")
    found: list[tuple[pd.DataFrame | str, str]] = []
    for engine in ("duckdb", "spark"):
        rejects = project.rejects_file("firms")
        rejects.unlink(missing_ok=True)
        result: pd.DataFrame | str
        try:
            build_panel(path, project, engine=engine)  # type: ignore[arg-type]
            result = panel("firms", project=project)
        except GvcError as error:
            result = str(error)
        found.append((result, rejects.read_text(encoding="utf-8") if rejects.exists() else ""))
    (first, first_rejects), (second, second_rejects) = found
    assert first_rejects == second_rejects
    if isinstance(first, str) or isinstance(second, str):
        assert isinstance(first, str)
        assert first == second
    else:
        pd.testing.assert_frame_equal(first, second, check_exact=True)
        assert first.attrs == second.attrs
    return first


def write(project: Project, frame: pd.DataFrame, name: str = "f.csv", **options: Any) -> None:
    frame.to_csv(project.raw / name, index=False, **options)


def wide(project: Project) -> str:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"id": np.arange(N), "town": rng.choice(["X", " Y ", ""], N)})
    for year in (2019, 2020, 2021):
        frame[f"sales_{year}"] = np.where(rng.random(N) < 0.3, np.nan, rng.lognormal(5, 4, N))
        frame[f"staff_{year}"] = rng.choice(["1", "25", "NA", "-9", " 7"], N)
    write(project, frame.assign(new=rng.integers(0, 2, N)))
    return (
        f"source: {{file: raw/f.csv}}\n{FIRM}  year:\n  region: {{from: town}}\n"
        '  sales_usd: {from: "sales_{year}", scale: 1000}\n'
        '  employment: {from: "staff_{year}", missing: ["-9", NA]}\n'
        "  upgrade_product: {from: new, only_in: [2021]}\n"
        "layout: {wide_to_long: {name: year, values: [2019, 2020, 2021]}}\nomit_empty: true\n"
    )


def long(project: Project) -> str:
    rng = np.random.default_rng(2)
    rows = pd.MultiIndex.from_product([range(60), (2019, 2020), ("sales", " staff", "other")])
    frame = rows.to_frame(index=False, name=["id", "year", "what"])
    frame["value"] = np.where(rng.random(len(frame)) < 0.4, "-9", np.char.mod("%.9g", rng.random(len(frame))))
    write(project, frame.sample(frac=1, random_state=2))
    return (
        f"source: {{file: raw/f.csv}}\n{FIRM}  year:\n  sales_usd: {{cell: sales, scale: 0.1}}\n"
        "  employment: {cell: staff}\nmissing: ['', '-9']\nomit_empty: true\n"
        "layout: {long_to_wide: {names_from: what, values_from: value, ignore: [other]}}\n"
    )


def money(project: Project) -> str:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"id": np.arange(N), "c": rng.choice(["Peru", "ECU", "604"], N)})
    frame["year"], frame["sales"] = rng.integers(2009, 2013, N), rng.lognormal(3, 9, N)
    write(project, frame.assign(wages=rng.random(N), cur=np.where(np.arange(N) % 50, "EUR", "USD")))
    (project.raw / "rates.csv").write_text(
        "currency,year,per_usd\nEUR,2010,0.75\nEUR,2011,0.8\nEUR,2012,0.7\n"
    )
    index = [f"{c},{y},{v}\n" for c in ("Peru", "ECU") for y, v in ((2010, 80), (2011, 93.3), (2012, 101.7))]
    (project.raw / "cpi.csv").write_text("country,year,index\n" + "".join(index))
    return (  # 2009 has no rate, and one firm in fifty another currency
        f"source: {{file: raw/f.csv}}\n{FIRM.replace('constant: ECU', 'from: c')}  year:\n"
        "  sales_usd: {from: sales, scale: 1000}\n  wages_usd: {from: wages}\nmax_reject_share: 0.5\n"
        "money: {currency: EUR, currency_from: cur, rates: raw/rates.csv, deflator: raw/cpi.csv, "
        "base_year: 2011}\n"
    )


def parquet(project: Project) -> str:
    rng = np.random.default_rng(4)
    moment = pd.Timestamp("2020-01-31 23:59:01.5") + pd.to_timedelta(rng.integers(0, 10**9, N), unit="s")
    columns: dict[str, Any] = {
        "id": pa.array(range(N)),
        "double": pa.array(
            np.where(rng.random(N) < 0.2, np.nan, rng.normal(0, 1, N) * 10.0 ** (np.arange(N) % 25 - 9))
        ),
        "float": pa.array(rng.random(N).astype("f4")),
        "huge": pa.array(10.0 ** (np.arange(N) % 22)),
        "flag": pa.array([None, True, False, True] * (N // 4)),
        "date": pa.array([datetime.date(2020, 1, 2)] * N),
        "moment": pa.array(moment),
        "zoned": pa.array(moment.tz_localize("America/Lima")),
        "exact": pa.array([decimal.Decimal(n) / 8 - 3 for n in range(N)], pa.decimal128(20, 7)),
        "small": pa.array(rng.integers(0, 255, N), pa.uint8()),
        "whole": pa.array([2**63 + n for n in range(N)], pa.uint64()),
        "word": pa.array(rng.choice(["p", " q ", ""], N)).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), project.raw / "f.parquet", row_group_size=64)
    texts = "".join(f"  t_{name}: {{from: {name}, {TEXT}}}\n" for name in columns if name != "id")
    numbers = "".join(
        f"  n_{name}: {{from: {name}, {NUMBER}}}\n" for name in ("double", "float", "huge", "small")
    )
    return f"source: {{file: raw/f.parquet}}\n{FIRM}{YEAR}{texts}{numbers}  flag: {{from: flag, {BINARY}}}\n"


def labelled(project: Project, write_file: Callable[..., None], name: str) -> str:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"id": range(N), "region": rng.integers(1, 4, N), "q": rng.choice([1, 2, -9], N)})
    frame["sales"] = np.where(rng.random(N) < 0.2, np.nan, rng.lognormal(3, 5, N))
    frame["note"] = rng.choice(["Ñandú", "two\nlines", "", "x'y\\z"], N)
    labels = {"region": {1: "Norte", 2: "Sur"}, "q": {1: "Yes", 2: "No", -9: "Don't know"}}
    write_file(frame, str(project.raw / name), variable_value_labels=labels)
    return (
        f"source: {{file: raw/{name}}}\nmissing: ['', '-9']\n{FIRM}{YEAR}"
        f"  region: {{from: region, by_label: true}}\n  code: {{from: region, {TEXT}}}\n"
        f"  sales_usd: {{from: sales}}\n  note: {{from: note, {TEXT}}}\n"
        f"  up: {{any_of: [{{from: q, by_label: true, equals: 'Yes'}}, {{from: sales, at_least: 20}}], "
        f"{BINARY}}}\n"
    )


def stata(project: Project) -> str:
    return labelled(project, pyreadstat.write_dta, "f.dta")


def spss(project: Project) -> str:
    return labelled(project, pyreadstat.write_sav, "f.sav")


def workbook(project: Project) -> str:
    frame = pd.DataFrame({"id": range(9), "sales": [1.5, None, -9, 1e7 + 0.5, 3, 1e-7, 7, 8, 9]})
    frame["day"], frame["word"] = pd.Timestamp("2020-03-04"), [" a", "ü", None] * 3
    frame.to_excel(project.raw / "f.xlsx", index=False, startrow=2, sheet_name="Data")
    return (
        f"source: {{file: raw/f.xlsx}}\nread: {{sheet: Data, header_row: 3}}\n"
        f"missing: ['', '-9']\n{FIRM}{YEAR}"
        f"  sales_usd: {{from: sales}}\n  day: {{from: day, {TEXT}}}\n  word: {{from: word, {TEXT}}}\n"
    )


def files(project: Project) -> str:
    for year in (2019, 2021):
        write(project, pd.DataFrame({"id": range(9), "x": np.arange(9) / 7, "more": "m"}), f"f_{year}.csv")
    write(project, pd.DataFrame({"x": [1, 2], "id": ["a", "b"]}), "f_2020.csv")
    return (
        f"source: {{files: raw/f_*.csv}}\n{FIRM}  year: {{file_name: year}}\n  sales_usd: {{from: x}}\n"
        f"  more: {{from: more, optional: true, {TEXT}}}\npartition_by: year\n"
    )


def packed(project: Project) -> str:
    with zipfile.ZipFile(project.raw / "f_1.zip", "w") as archive:
        archive.writestr("a_2020.csv", "id,x\na,2.5\n")
    with gzip.open(project.raw / "f_2_2018.csv.gz", "wt") as file:
        file.write("id,x\na,1e3\nb,\n")
    return f"source: {{files: raw/f_*}}\n{FIRM}  year: {{file_name: year}}\n  sales_usd: {{from: x}}\n"


def spanish(project: Project) -> str:
    rows = 'id;provincia;ventas\na;"Cañar; Ñ";1.234,5\nb;Loja;-7,25e1\nc;;1.000.000\nd;x;\n'
    (project.raw / "f.csv").write_bytes(rows.encode("latin-1"))
    return (
        "source: {file: raw/f.csv}\nread: {delimiter: ';', encoding: latin-1, decimal: ',', thousands: '.'}\n"
        f"{FIRM}{YEAR}  region: {{from: provincia}}\n  sales: {{from: ventas, {NUMBER}}}\n"
    )


def below_a_title(project: Project) -> str:
    (project.raw / "f.csv").write_text('A title\n"a note, "\nid,x\na,1\nb,2\n')
    return f"source: {{file: raw/f.csv}}\nread: {{header_row: 3}}\n{FIRM}{YEAR}  sales_usd: {{from: x}}\n"


def words(project: Project) -> str:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"id": np.arange(N), "k": rng.choice(["A", " A", "B"], N), "town": np.arange(N)})
    frame["nace"] = rng.choice(["C10", "C11", "G47", ""], N)
    for name in ("q1", "q2"):
        frame[name] = rng.choice(["0", "1", "2", "1.0", "-9", ""], N)
    frame["size"] = rng.choice(["9.5", "50", "1e3", "-9"], N)
    frame["it's"] = rng.choice(["a\\b", "a'b", '"', "ÿ", "\U0001f600xyz"], N)
    write(project, frame)
    either = '[{from: q1, in: [1, 2]}, {from: q2, equals: 1, missing: ["-9"]}, {from: size, at_least: 50}]'
    recodes = '"a\\\\b": "c\\\\d", "a\'b": "\'", "ÿ": "ÿ", "\\"": null, "\U0001f600xyz": x'
    return (
        f"source: {{file: raw/f.csv}}\nkeep: {{k: [A]}}\nmissing: ['', '-9']\n{FIRM}{YEAR}"
        "  industry: {from: nace, characters: [2, 3]}\n  region: {from: town, pad: 4}\n"
        f"  any: {{any_of: {either}, {BINARY}}}\n  all: {{all_of: {either}, {BINARY}}}\n"
        f"  big: {{from: size, at_least: 50, {BINARY}}}\n"
        f'  odd: {{from: "it\'s", recode: {{{recodes}}}, {TEXT}}}\n'
        f'  cut: {{from: "it\'s", characters: [2, 3], {TEXT}}}\n'
        f'  same: {{constant: "x\'y \\\\ z", {TEXT}}}\n'
        "  tenth: {from: size, scale: 0.1, type: number, unit: x, label: X, maximum: 100}\n"
    )


def names(project: Project) -> str:
    (project.raw / "f.csv").write_text(
        'id,x`y,"a ""q"" b",año\\n,c.d\na,1,2,3,4\nb,5,6,7,8\n', encoding="utf-8"
    )
    raws = {"one": '"x`y"', "two": "'a \"q\" b'", "three": "'año\\n'", "four": "c.d"}
    columns = "".join(f"  {name}: {{from: {raw}, {NUMBER}}}\n" for name, raw in raws.items())
    return f"source: {{file: raw/f.csv}}\n{FIRM}{YEAR}{columns}"


def line_ends(project: Project) -> str:
    rows = '\ufeffid,x,t\r\na,1,one\r\n\r\nb,2,"say ""hi"", then"\r\nc,3,""\r\nd,4,  sp \r\n"e","5",x\\y\r\n'
    (project.raw / "f.csv").write_text(rows, encoding="utf-8", newline="")
    return f"source: {{file: raw/f.csv}}\n{SALES}  t: {{from: t, missing: [no], {TEXT}}}\n"


def two_lines(project: Project) -> str:
    (project.raw / "f.csv").write_text('id,x,t\na,1,"two\nlines"\nb,2,mid"quote\n')
    return f"source: {{file: raw/f.csv}}\n{FIRM}{YEAR}  sales_usd: {{from: x}}\n  t: {{from: t, {TEXT}}}\n"


@pytest.mark.parametrize(
    "case",
    [
        *(wide, long, money, parquet, stata, spss, workbook, files, packed, spanish),
        *(below_a_title, words, names, line_ends, two_lines),
    ],
    ids=lambda case: case.__name__,
)
def test_spark_does_as_duckdb(case: Callable[[Project], str], project: Project, by_spark: list[bool]) -> None:
    built = both(project, case(project))
    assert isinstance(built, pd.DataFrame), built
    assert all(by_spark)
    assert by_spark


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("id,x,q\na,1,1\nb,two,1\n,3,7\nd,4,0\n", None),
        ("id,x,q\na,1,1\nb,2,1\na,3,0\n", None),
        ("id,x,q\na,1,1\nid,x,q\nb,2,0\n", None),
        ("id,x,q\na,1,1\nb,1e999,1\nc,inf,0\n", None),
        ("id,x,q\na,1,1\nb,2\n", "too few columns"),
        ("id,x,q\na,1,1\nb,2,0,9\n", "too many columns"),
        ('id,x,q\na,1,"1"0\n', "a quote is opened"),
        ('id,x,q\na,1,"1\n', "a quote is opened"),
        (b"id,x,q\n\xd1,1,1\n", "not UTF-8"),
        ("id,x,q\na,1,1\n  \nb,2,0\n", "too few columns"),
        ("id,x,q\n", "a header and no rows"),
        ('id,x,q\r\n"a\r\nb",1,1\r\n', None),  # a line end within a value, which Spark would change
    ],
)
def test_bad_rows_are_the_same(
    project: Project, by_spark: list[bool], rows: str | bytes, said: str | None
) -> None:
    good = "".join(f"z{n},{n},1\n" for n in range(20)) if not said and "\r" not in str(rows) else ""
    data = rows if isinstance(rows, bytes) else (rows + good).encode()
    (project.raw / "f.csv").write_bytes(data)
    source = f"source: {{file: raw/f.csv}}\nmax_reject_share: 0.3\n{SALES}  certified: {{from: q}}\n"
    built = both(project, source)
    assert isinstance(built, str) == bool(said)
    if isinstance(built, str):
        assert said
        assert said in built
    assert by_spark


def test_an_empty_line_of_a_file_with_one_column(project: Project, by_spark: list[bool]) -> None:
    (project.raw / "f.csv").write_text("id\na\n\nb\n")
    built = both(project, f"source: {{file: raw/f.csv}}\n{FIRM}{YEAR}")
    assert "row 4, column 'id'" in str(built) or "row 3, column 'id'" in str(built)
    assert by_spark == [False]


def test_times_of_day_are_refused(project: Project, spark: Any) -> None:
    table = pa.table({"id": ["a"], "x": [1.0], "at": pa.array([1], pa.time64("us"))})
    pq.write_table(table, project.raw / "f.parquet")
    path = project.spec_file("firms")
    path.write_text(HEAD + f"source: {{file: raw/f.parquet}}\n{SALES}")
    build_panel(path, project)
    with pytest.raises(SpecError, match=r"firms.yaml, line 5.*'at'.*Spark does not read.*without"):
        build_panel(path, project, engine="spark")


def test_a_spark_that_does_not_start(project: Project, spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    def fails(self: Any) -> None:
        raise PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})

    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", fails)
    with pytest.raises(MissingSourceError, match=r"Spark does not start .*Java 17 or newer"):
        build_panel(project.spec_file("exports"), project, engine="spark")


def test_a_session_of_the_user_keeps_its_time_zone(project: Project, spark: Any) -> None:
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "America/Lima")
    try:
        both(project, parquet(project))
        assert spark.conf.get("spark.sql.session.timeZone") == "America/Lima"
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)
