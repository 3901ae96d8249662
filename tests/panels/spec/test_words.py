"""The vocabulary of specs: what each word does to values, and what each misuse is told."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels.build import show_sql
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.spec.panel import load_spec
from gvcmetrics.panels.spec.words import Spec, spec_schema
from gvcmetrics.panels.store.stored import read_provenance

Build = Callable[..., pd.DataFrame]
HEAD = """\
title: Words
contract: firm
source: {file: raw/f.csv}
licence: none
citation: none
columns:
  country: {constant: ECU}
  firm_id: {from: id}
"""
YEAR = '  year: {constant: "2020"}\n'
BINARY = "type: binary, unit: 0/1, label: Item"


def values(frame: pd.DataFrame, name: str) -> dict[str, float | None]:
    return {row.firm_id: None if pd.isna(v := getattr(row, name)) else v for row in frame.itertuples()}


def test_answers_become_zero_and_one(project: Project, firms: Build) -> None:
    rows = ["a,1,2,100", "b,2,2,99.5", "c,-9,1,", "d,3,-9,250", "e,1.0,-9,7", "f,-9,-9,-9"]
    (project.raw / "f.csv").write_text("id,q1,q2,size\n" + "\n".join(rows) + "\n")
    spec = HEAD + YEAR
    spec += f"  yes: {{from: q1, equals: 1, {BINARY}}}\n"
    spec += f"  among: {{from: q1, in: [1, 3], {BINARY}}}\n"
    spec += f"  large: {{from: size, at_least: 100, {BINARY}}}\n"
    spec += f"  any: {{any_of: [{{from: q1, equals: 1}}, {{from: q2, equals: 1}}], {BINARY}}}\n"
    spec += f"  all: {{all_of: [{{from: q1, in: [1, 2]}}, {{from: q2, equals: 2}}], {BINARY}}}\n"
    spec += f"  mixed: {{any_of: [{{from: size, at_least: 200}}, {{from: q2, in: [1]}}], {BINARY}}}\n"
    built = firms(spec, extra='missing: ["", "-9"]\n')
    n = None
    # By hand, in Kleene's logic: an answer that is missing decides nothing, one that decides is enough.
    assert values(built, "yes") == {"a": 1, "b": 0, "c": n, "d": 0, "e": 1, "f": n}
    assert values(built, "among") == {"a": 1, "b": 0, "c": n, "d": 1, "e": 1, "f": n}
    assert values(built, "large") == {"a": 1, "b": 0, "c": n, "d": 1, "e": 0, "f": n}
    assert values(built, "any") == {"a": 1, "b": 0, "c": 1, "d": n, "e": 1, "f": n}
    assert values(built, "all") == {"a": 1, "b": 1, "c": 0, "d": 0, "e": n, "f": n}
    assert values(built, "mixed") == {"a": 0, "b": 0, "c": 1, "d": 1, "e": n, "f": n}
    columns = read_provenance(project.panel_file("firms")).columns
    assert columns["any"].raw == ["q1", "q2"]
    (project.raw / "f.csv").write_text("id,q1,q2,size\na,1,1,big\n")
    with pytest.raises(DataError, match=r"f.csv, row 2, column 'size': 'big': not a number"):
        firms(spec, extra='missing: ["", "-9"]\n')


def test_wide_files_become_long(project: Project, firms: Build) -> None:
    text = "id,town,sales_2019,sales_2020,staff_2019,staff_2020,new\na,X,1,2,10,20,1\nb,Y,3,,30,,0\n"
    (project.raw / "f.csv").write_text(text)
    spec = HEAD + "  year:\n  region: {from: town}\n"
    spec += '  sales_usd: {from: "sales_{year}", scale: 1000}\n  employment: {from: "staff_{year}"}\n'
    spec += "  upgrade_product: {from: new, only_in: [2020]}\n"
    spec += "layout: {wide_to_long: {name: year, values: [2019, 2020]}}\n"
    built = firms(spec)
    assert built["firm_id"].tolist() == ["a", "a", "b", "b"]
    assert built["year"].tolist() == [2019, 2020, 2019, 2020]
    assert built["sales_usd"].tolist()[:3] == [1000, 2000, 3000]
    assert built["sales_usd"].isna().tolist() == [False, False, False, True]
    assert built["employment"].tolist()[:3] == [10, 20, 30]
    assert built["region"].tolist() == ["X", "X", "Y", "Y"]
    assert built["upgrade_product"].isna().tolist() == [True, False, True, False]
    found = read_provenance(project.panel_file("firms"))
    assert found.coverage.raw_rows == 2
    assert found.columns["sales_usd"].raw == ["sales_2019", "sales_2020"]
    assert len(firms(spec, extra="omit_empty: true\n")) == 4
    # Without the answer, nothing of the last firm's second year varies.
    without = spec.replace("  upgrade_product: {from: new, only_in: [2020]}\n", "")
    assert len(firms(without, extra="omit_empty: true\n")) == 3
    (project.raw / "f.csv").write_text(text.replace("3,,30", "3,many,30"))
    with pytest.raises(DataError, match=r"row 3, column 'sales_2020': 'many'.*1 of 2 rows is bad"):
        firms(spec)


def test_codes_are_cut_padded_and_crossed(project: Project, firms: Build) -> None:
    (project.raw / "f.csv").write_text("id,nace,town\na,C10,7\nb,G47,12\nc,,3\n")
    spec = HEAD + YEAR + "  industry: {from: nace, characters: [2, 3]}\n  region: {from: town, pad: 2}\n"
    built = firms(spec)
    assert built["industry"].tolist()[:2] == ["10", "47"]
    assert built["region"].tolist() == ["07", "12", "03"]
    assert built["cluster_id"].tolist()[:2] == ["07-10", "12-47"]
    assert built["cluster_id"].isna().tolist() == [False, False, True]
    assert read_provenance(project.panel_file("firms")).columns["cluster_id"].raw == ["town", "nace"]
    (project.raw / "f.csv").write_text("id,nace,town\na,C10,7\nb,G99,12\nc,Z34,3\n")
    with pytest.raises(DataError, match=r"row 4, column 'nace': '34': unknown code of industry.*ISIC Rev.4"):
        firms(spec)


MONEY = HEAD + "  year:\n  sales_usd: {from: sales, scale: 1000}\n  wages_usd: {from: wages}\n"
CONVERTED = MONEY + "money: {currency: EUR, rates: raw/rates.csv, deflator: raw/cpi.csv, base_year: 2010}\n"


def write_money(project: Project, cpi: str = "year,index\n2010,80\n2011,100\n") -> None:
    (project.raw / "f.csv").write_text("id,year,sales,wages\na,2010,10,5\nb,2011,10,\n")
    rates = "currency,year,per_usd\nEUR,2010,0.75\nEUR,2011,0.8\nPEN,2010,3\n"
    (project.raw / "rates.csv").write_text(rates)
    (project.raw / "cpi.csv").write_text(cpi)


def test_money_is_converted_and_deflated(project: Project, firms: Build) -> None:
    write_money(project)
    built = firms(CONVERTED)
    assert built["sales_usd"].tolist() == pytest.approx([10_000 / 0.75, 10_000 * 80 / 100 / 0.75], rel=1e-12)
    assert built["wages_usd"].tolist()[0] == pytest.approx(5 / 0.75, rel=1e-12)
    found = read_provenance(project.panel_file("firms"))
    assert found.columns["sales_usd"].unit == "USD, prices of 2010"
    assert "In prices of 2010, by raw/cpi.csv." in found.notes
    write_money(project, "country,year,index\nEcuador,2010,50\nECU,2011,100\nPER,2010,1\n")
    assert firms(CONVERTED)["sales_usd"].tolist()[1] == pytest.approx(10_000 / 2 / 0.75, rel=1e-12)


def test_constant_real_sales_stay_constant_in_dollars(project: Project, firms: Build) -> None:
    """Prices and the price of a dollar rise tenfold: what is sold is worth what it was."""
    (project.raw / "f.csv").write_text("id,year,sales,wages\na,2010,1,1\na,2011,10,1\n")
    (project.raw / "rates.csv").write_text("currency,year,per_usd\nEUR,2010,1\nEUR,2011,10\n")
    (project.raw / "cpi.csv").write_text("year,index\n2010,1\n2011,10\n")
    assert firms(CONVERTED)["sales_usd"].tolist() == pytest.approx([1000, 1000])
    notes = read_provenance(project.panel_file("firms")).notes
    assert "Converted from EUR at the rate of 2010 in raw/rates.csv." in notes
    # The prices of dollars did not move: an index of these is applied to the dollars of each year.
    (project.raw / "cpi.csv").write_text("year,index\n2010,1\n2011,1\n")
    dollars = firms(CONVERTED.replace("base_year: 2010", "base_year: 2010, prices: USD"))
    assert dollars["sales_usd"].tolist() == pytest.approx([1000, 1000])
    (project.raw / "rates.csv").write_text("currency,year,per_usd\nEUR,2011,10\n")
    with pytest.raises(DataError, match="base year 2010 has no rate of EUR"):
        firms(CONVERTED)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("cpi.csv", "year,index\n2011,100\n", r"cpi.csv.*base year 2010 is absent"),
        ("cpi.csv", "year,index\n2010,80\n", r"f.csv, row 3.*no exchange rate or deflator.*raw/cpi.csv"),
        ("cpi.csv", "year,price\n2010,80\n", r"cpi.csv, row 1, column 'index': the column is absent"),
        (
            "cpi.csv",
            "year,index\n2010,0\n",
            r"cpi.csv, row 2, column 'index': no year with",
        ),
        ("cpi.csv", "year,index\n2010,80\n2010,81\n", r"cpi.csv, row 3: 2010 stands twice"),
        ("rates.csv", "currency,year,per_usd\nPEN,2010,3\n", r"rates.csv, column 'currency': no rate of EUR"),
        ("rates.csv", "currency,year,per_usd\nEUR,2010,x\n", r"rates.csv, row 2, column 'per_usd'"),
        (
            "f.csv",
            "id,year,sales,wages\na,2010,10 EUR,5\n",
            r"row 2, column 'sales': '10 EUR': not a number",
        ),
    ],
)
def test_money_that_cannot_be_converted(
    project: Project, firms: Build, file: str, text: str, said: str
) -> None:
    write_money(project)
    (project.raw / file).write_text(text)
    with pytest.raises(DataError, match=said):
        firms(CONVERTED)


def test_two_currencies_in_one_column(project: Project, firms: Build) -> None:
    (project.raw / "f.csv").write_text("id,year,cur,sales,wages\na,2010,USD,10,5\nb,2011,PEN,10,1\n")
    spec = MONEY + "money: {currency: USD, currency_from: cur}\n"
    with pytest.raises(DataError, match=r"f.csv, row 3, column 'cur': 'PEN': another currency than USD"):
        firms(spec)
    (project.raw / "f.csv").write_text("id,year,cur,sales,wages\na,2010,USD,10,5\nb,2011,USD,10,1\n")
    assert firms(spec)["sales_usd"].tolist() == [10_000, 10_000]


def test_rows_are_kept_and_the_others_counted(project: Project, firms: Build) -> None:
    (project.raw / "f.csv").write_text("id,flow,size\na,X,1\nb,M,oops\nc,X,3\nd,,4\n")
    spec = HEAD + YEAR + "  employment: {from: size}\nkeep: {flow: [X]}\n"
    assert firms(spec)["firm_id"].tolist() == ["a", "c"]
    found = read_provenance(project.panel_file("firms"))
    assert "Kept are rows with flow in X; 2 other raw rows are left out." in found.notes
    with pytest.raises(DataError, match="`keep` keeps none of the rows"):
        firms(spec.replace("[X]", "[Y]"))


def test_optional_columns_may_be_absent_and_no_column_all_missing(project: Project, firms: Build) -> None:
    (project.raw / "f.csv").write_text("id,size,new\na,1,\nb,2,\n")
    spec = HEAD + YEAR + "  employment: {from: size}\n  upgrade_chain: {from: chain, optional: true}\n"
    assert "upgrade_chain" not in firms(spec)
    assert (
        "Not in the raw file, hence absent: upgrade_chain."
        in read_provenance(project.panel_file("firms")).notes
    )
    with pytest.raises(DataError, match=r"f.csv, column 'new': no row has a value for 'upgrade_product'"):
        firms(spec + "  upgrade_product: {from: new}\n")


def test_shares_in_per_cent_are_told_how_to_scale(project: Project, firms: Build) -> None:
    (project.raw / "f.csv").write_text("id,size,exp\na,1,0.5\nb,2,35\n")
    with pytest.raises(DataError, match=r"row 3, column 'exp': '35': above 1.*`scale: 0.01`"):
        firms(HEAD + YEAR + "  export_share: {from: exp}\n")


def test_designs_carry_weight_stratum_and_sampling_unit(project: Project, firms: Build) -> None:
    (project.raw / "f.csv").write_text("id,w,s,p\na,1.5,1,11\nb,2.5,2,21\n")
    built = firms(HEAD + YEAR + "  weight: {from: w}\n  stratum: {from: s}\n  psu: {from: p}\n")
    assert built[["weight", "stratum", "psu"]].to_numpy().tolist() == [[1.5, "1", "11"], [2.5, "2", "21"]]
    (project.raw / "f.csv").write_text("id,w,s,p\na,-1.5,1,11\n")
    with pytest.raises(DataError, match=r"column 'w': '-1.5': below 0"):
        firms(HEAD + YEAR + "  weight: {from: w}\n")


WIDE = "layout: {wide_to_long: {name: year, values: [2019, 2020]}}\n"
MISUSES = {
    "two tests": (
        f"  x: {{equals: 1, in: [2], {BINARY}}}\n",
        ["line 10", "equals and in exclude one another"],
    ),
    "test of a number": ("  employment: {equals: 1}\n", ["columns.employment.equals", "not binary"]),
    "test and recode": (f'  x: {{equals: 1, recode: {{"1": "1"}}, {BINARY}}}\n', ["recode", "exclude"]),
    "constant with missing": (
        '  region: {constant: "1", missing: ["-9"]}\n',
        ["`missing` has nothing to do"],
    ),
    "answer without a test": (f"  x: {{any_of: [{{from: q}}], {BINARY}}}\n", ["any_of.0", "one of equals"]),
    "unknown word of an answer": (f"  x: {{any_of: [{{from: q, equal: 1}}], {BINARY}}}\n", ["'equals'"]),
    "cross of a stranger": ("  cluster_id: {cross: [regio, country]}\n", ["'regio' is no column"]),
    "cut backwards": ("  region: {characters: [3, 2]}\n", ["behind the last"]),
    "fraction of a character": ("  region: {characters: [1.5, 2]}\n", ["columns.region.characters"]),
    "optional key": ("  region: {optional: true}\nkeys: [country, firm_id, year, region]\n", ["optional"]),
    "no placeholder": (WIDE, ["wide_to_long", "no column reads `{year}`"]),
    "period twice": ('  employment: {from: "e_{year}"}\n' + WIDE.replace("2020", "2019"), ["stands twice"]),
    "wrong period": ('  employment: {from: "e_{year}", only_in: [2021]}\n' + WIDE, ["only_in", "'2021'"]),
    "period with words": ('  employment: {from: "e_{year}"}\n' + WIDE, ["the layout gives the value"]),
    "two layouts": (
        WIDE.replace("{wide", "{long_to_wide: {names_from: a, values_from: b}, wide"),
        ["layout"],
    ),
    "currency without rates": ("money: {currency: PEN}\n", ["PEN has no exchange rate", "rates"]),
    "deflator without base": ("money: {currency: USD, deflator: raw/cpi.csv}\n", ["base year"]),
    "no currency code": ("money: {currency: dollars}\n", ["money.currency"]),
    "no encoding": ("read: {encoding: utf-9}\n", ["read.encoding", "no encoding of text"]),
    "encoding of bytes": ("read: {encoding: base64}\n", ["read.encoding"]),
    "long delimiter": ("read: {delimiter: ', '}\n", ["read.delimiter"]),
    "code as code": ("  region: {from: \"__import__('os')\", eval: x}\n", ["unknown key"]),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misused_words_are_told_where_and_why(project: Project, name: str) -> None:
    added, expected = MISUSES[name]
    path = project.spec_file("firms")
    year = YEAR if "wide_to_long" not in added or "words" in name else "  year:\n"
    path.write_text(HEAD + year + added)
    with pytest.raises(SpecError) as error:
        load_spec(path)
    for part in ("firms.yaml", *expected):
        assert part in str(error.value)


def test_the_schema_knows_every_word_and_contract_column() -> None:
    schema = spec_schema()
    assert schema["properties"].keys() == Spec.model_fields.keys()
    assert "Sales (USD)" in schema["properties"]["columns"]["properties"]["sales_usd"]["description"]
    words = schema["$defs"]["ColumnSpec"]["properties"]
    assert {"from", "equals", "in", "at_least", "any_of", "all_of", "by_label", "recode"} <= words.keys()
    assert schema["$defs"]["ColumnSpec"]["additionalProperties"] is False


def test_spark_reads_the_tree_of_every_word(project: Project) -> None:
    import sqlglot

    path = project.spec_file("firms")
    path.write_text(
        CONVERTED.replace("  year:\n", "  year:\n  industry: {from: n, characters: [2, 3], pad: 2}\n")
    )
    for dialect in ("duckdb", "spark"):
        assert len(sqlglot.parse(show_sql(path, dialect), dialect=dialect)) >= 2


def test_a_value_without_a_recode_is_one_reject(project: Project, firms: Build) -> None:
    """Not also no number, no country or no code of the industry."""
    (project.raw / "f.csv").write_text("id,q,c,i\na,1,P,X\nb,9,P,X\nc,1,Q,X\nd,2,P,Y\ne,2,P,X\n")
    spec = HEAD.replace("{constant: ECU}", "{from: c, recode: {P: PER}}") + YEAR
    spec += f'  yes: {{from: q, recode: {{"1": "1", "2": "0"}}, {BINARY}}}\n'
    spec += '  industry: {from: i, recode: {X: "10"}}\n'
    built = firms(spec, extra="max_reject_share: 0.7\n")
    assert values(built, "yes") == {"a": 1, "e": 0}
    rejects = pd.read_csv(project.rejects_file("firms"), dtype=str)
    assert rejects[["row", "column", "value", "reason"]].to_numpy().tolist() == [
        ["3", "q", "9", "no recode for this value"],
        ["4", "c", "Q", "no recode for this value"],
        ["5", "i", "Y", "no recode for this value"],
    ]
