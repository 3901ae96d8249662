"""Looking codes up in the list of their classification."""

from pathlib import Path

import pytest
from sqlglot import exp

from gvcmetrics.panels.crosswalks.code_lists import codes_of
from gvcmetrics.panels.harmonise.tree import select_values
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
