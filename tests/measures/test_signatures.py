"""All public measures speak one language: the convention of docs/measures.md, kept over `__all__`."""

from __future__ import annotations

import inspect
import pickle
import re
from pathlib import Path

import pytest

from gvcmetrics import measures
from gvcmetrics.measures.spelling import FORMER

GUIDE = (Path(__file__).parents[2] / "docs" / "measures.md").read_text("utf-8")
CONVENTION = GUIDE[GUIDE.index("## One convention") : GUIDE.index("## Input-output")]
WORDS = {
    word for row in re.findall(r"^\| (`.*?) \|", CONVENTION, re.M) for word in re.findall(r"`(\w+)`", row)
}
FIRST = set(
    re.findall(r"`(\w+)`", CONVENTION[CONVENTION.index("- First") : CONVENTION.index("- What has no")])
)
# Lists of what is measured, what an earlier measure returned, and what a table is built from.
FIRST |= {"tables", "matrices", "terms", "income", "intermediate", "system"}
LINEAGE = {"raw_columns", "record", "with_lineage", "with_measures"}
BUILDERS = {name for name in measures.__all__ if name.startswith("from_")}
FUNCTIONS = sorted(
    name
    for name in measures.__all__
    if inspect.isfunction(getattr(measures, name)) and name not in LINEAGE | BUILDERS
)
# Which words may have the panel's column as their default.
OF_COLUMN = {
    "year": {"time"},
    "firm_id": {"unit", "by"},
    "region": {"region", "unit"},
    "industry": {"industry", "by"},
    "exporter": {"exporter", "unit", "by"},
    "importer": {"importer", "across", "unit", "by"},
    "product": {"product", "unit", "within"},
    "value_usd": {"value"},
    "weight": {"weights"},
    "employment": {"employment", "value", "free", "of"},
    "quantity": {"quantity"},
    "unit_value_usd": {"unit_value"},
}


def parameters(name: str) -> list[inspect.Parameter]:
    return list(inspect.signature(getattr(measures, name)).parameters.values())


def test_the_guide_has_the_words_of_the_field() -> None:
    assert {
        "unit",
        "time",
        "region",
        "industry",
        "exporter",
        "importer",
        "product",
        "value",
        "weights",
    } <= WORDS
    assert {"frame", "table", "values"} <= FIRST
    assert len(FUNCTIONS) > 80


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_measured_comes_first_and_defaults_are_given_by_name(name: str) -> None:
    first, *others = parameters(name)
    assert first.name in FIRST
    assert first.default is first.empty
    for parameter in others:
        by_name = parameter.kind is parameter.KEYWORD_ONLY
        assert by_name or parameter.default is parameter.empty, parameter.name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_columns_come_before_options(name: str) -> None:
    by_name = [p.name for p in parameters(name) if p.kind is p.KEYWORD_ONLY]
    kinds = [word in WORDS for word in by_name]
    assert kinds == sorted(kinds, reverse=True), by_name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_column_has_the_same_word(name: str) -> None:
    for parameter in parameters(name)[1:]:
        default = parameter.default
        columns = default if isinstance(default, tuple) else (default,)
        if parameter.name not in {"by", "within", "unit"} and "table" in [p.name for p in parameters(name)]:
            continue
        for column in columns:
            if isinstance(column, str) and column in OF_COLUMN:
                allowed = OF_COLUMN[column] | ({"within", "by"} if isinstance(default, tuple) else set())
                assert parameter.name in allowed, (column, parameter.name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_former_word_raises_an_error_that_names_the_new_one(name: str) -> None:
    known = {parameter.name for parameter in parameters(name)}
    assert not known & {
        "year",
        "weight",
        "firm",
        "local_system",
        "nation",
        "size",
        "labour",
        "firms",
        "sales",
    }
    for former, new in FORMER.items():
        now = next((word for word in new if word in known), None)
        if now and former not in known:
            with pytest.raises(TypeError, match=f"^{name} has no argument '{former}'. It is called '{now}'"):
                getattr(measures, name)(**{former: "x"})


def test_misspelt_words_and_options_by_position_are_told_the_right_spelling() -> None:
    with pytest.raises(TypeError, match=r"rca has no argument 'exprter'\. Did you mean 'exporter'\?"):
        measures.rca(None, exprter="c")
    with pytest.raises(TypeError, match=r"presence takes 1 by position.*write threshold=… for argument 2"):
        measures.presence([[1.0]], 0.5)
    with pytest.raises(TypeError, match="proximity takes 1 arguments, and 2 are given"):
        measures.proximity([[1.0]], 0.5)


def test_help_and_pickle_see_the_measure_itself() -> None:
    assert list(inspect.signature(measures.gini).parameters) == ["values", "weights"]
    assert "Lorenz" in (measures.gini.__doc__ or "")
    assert "grouped_gini" in inspect.getsource(measures.gini)
    assert pickle.loads(pickle.dumps(measures.gini)) is measures.gini
