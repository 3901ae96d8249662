"""Looking codes up in the list of their classification."""

from pathlib import Path

import pytest
from sqlglot import exp

from gvcmetrics.errors import DataError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.crosswalks.code_lists import codes_of, is_listed
from gvcmetrics.panels.harmonise.tree import select_values
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.spec.panel import load_spec

SPEC = (
    "title: t\ncontract: trade\nlicence: none\ncitation: none\nsource: {file: f.csv}\ncolumns:\n"
    '  exporter: {constant: PER}\n  importer: {constant: WLD}\n  year: {constant: "2019"}\n'
    "  product: {from: k, classification: HS12}\n  value_usd: {from: v}\n"
)


def test_a_list_of_thousands_of_codes_does_not_make_the_tree_long(tmp_path: Path) -> None:
    """Every step copies the tree: with a node for each code a build of three rows took seven seconds."""
    path = tmp_path / "t.yaml"
    path.write_text(SPEC)
    tree = select_values(load_spec(path), exp.select("k", "v").from_("raw"), numbered=False)
    assert len(codes_of("HS12")) > 5000
    assert sum(1 for _ in tree.walk()) < 1000
    for dialect in ("duckdb", "spark"):
        assert "'870323'" in tree.sql(dialect)


@pytest.mark.parametrize("name", ["HS92", "HS12", "HS", "ISIC3.1", "ISIC4", "SITC2"])
def test_listed_codes_are_digits_and_letters(name: str) -> None:
    """They stand between quotes in SQL as they are."""
    assert all(code.isalnum() for code in codes_of(name))


@pytest.mark.parametrize(
    ("code", "classification", "known"),
    [
        ("0901119000", "HS17", True),  # a line of a tariff of ten digits
        ("87032310", "HS", True),
        ("870323", "HS", True),
        ("8703231", "HS", False),
        ("0999999000", "HS", False),
        ("3342", "SITC2", True),  # no table of the concordances names kerosene
        ("28231", "SITC3", True),
        ("9110", "SITC3", True),
        ("0199", "SITC2", False),
        ("2410", "ISIC3", False),
        ("24111", "ISIC3", False),
        ("2411", "ISIC3", True),
    ],
)
def test_a_longer_code_is_known_by_its_beginning(
    code: str, classification: str, known: bool, project: Project
) -> None:
    assert is_listed(code, classification) is known
    item = f"product: {{from: k, classification: {classification}}}"
    path = project.spec_file("t")
    path.write_text(
        SPEC.replace("product: {from: k, classification: HS12}", item).replace("f.csv", "raw/f.csv")
    )
    (project.raw / "f.csv").write_text(f"k,v\n{code},1\n", encoding="utf-8")
    if known:
        build_panel(path, project)
        assert panel("t", project=project)["product"].tolist() == [code]
    else:
        with pytest.raises(DataError, match=f"no code of {classification}"):
            build_panel(path, project)


@pytest.mark.parametrize(
    ("words", "codes"),
    [("characters: [1, 2]", ["161", "1520"]), ("classification: ISIC4", ["161", "1101"])],
)
def test_that_a_zero_may_be_lost_is_said_once(words: str, codes: list[str], project: Project) -> None:
    path = project.spec_file("t")
    text = SPEC.replace("classification: HS12", words).replace("f.csv", "raw/f.csv")
    path.write_text(text, encoding="utf-8")
    rows = "".join(f"{code},1\n" for code in codes)
    (project.raw / "f.csv").write_text(f"k,v\n{rows}", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        build_panel(path, project)
    said = str(caught.value)
    assert "some codes have 3 digits, as '161', and some 4" in said
    assert said.count("a zero in front may be lost") == 1
    assert said.count("pad: 4") == said.count("'0161'") == said.count("levels") == 1


@pytest.mark.parametrize("classification", ["ISIC3", "ISIC3.1", "ISIC4"])
def test_divisions_are_the_highest_level_of_digits(classification: str) -> None:
    assert not {str(digit) for digit in range(10)} & codes_of(classification)
    assert "3" in codes_of("ISIC2")
    assert is_listed("15", classification)
