"""Every public measure answers bad frames in words: a sample always, all of them in `make test-fuzz`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures as m
from gvcmetrics.errors import DataError, GvcError
from tests.measures.test_every_measure import (
    EXAMPLES,
    SQUARE,
    exports,
    firms,
    flows,
    one_year,
    table,
    wide_table,
)

Frames = dict[str, Callable[[pd.DataFrame], Any]]
Columns = dict[str, Callable[[pd.Series], pd.Series]]

FRAMES: Frames = {
    "no rows": lambda f: f.iloc[:0],
    "one row": lambda f: f.iloc[:1],
    "repeated rows": lambda f: pd.concat([f, f.iloc[:3]]),
    "one index label": lambda f: f.set_axis([0] * len(f)),
    "columns twice": lambda f: pd.concat([f, f.iloc[:, :1]], axis=1),
    "no columns": lambda f: f.iloc[:, :0],
    "Arrow": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "nullable": lambda f: f.convert_dtypes(),
    "objects": lambda f: f.astype(object),
    "a list": lambda f: f.to_dict("records"),
    "an array": lambda f: f.to_numpy(),
    "nothing": lambda f: None,
}
COLUMNS: Columns = {
    "text": lambda s: s.astype(str) + "x",
    "numbers as text": lambda s: s.astype(str),
    "missing": lambda s: pd.Series([None] * len(s), s.index, dtype=object),
    "one missing": lambda s: s.astype(object).where(np.arange(len(s)) != 1, None),
    "infinite": lambda s: pd.Series(np.where(np.arange(len(s)) == 1, np.inf, 1.0), s.index),
    "negative": lambda s: pd.Series(-np.ones(len(s)), s.index),
    "dates": lambda s: pd.Series(pd.date_range("2000-01-01", periods=len(s)), s.index),
    "mixed": lambda s: pd.Series(([1, "a", None, 2.5] * len(s))[: len(s)], s.index, dtype=object),
    "lists": lambda s: pd.Series([[1] for _ in range(len(s))], s.index, dtype=object),
    "categories": lambda s: s.astype("category"),
}


def frames_of(name: str) -> Iterator[tuple[int, pd.DataFrame]]:
    given, _ = EXAMPLES[name]()
    yield from ((place, value) for place, value in enumerate(given) if isinstance(value, pd.DataFrame))


def read_by(name: str, frame: pd.DataFrame) -> list[str]:
    """The columns that the call names, or that are its defaults."""
    given, options = EXAMPLES[name]()

    def named(value: Any) -> Iterator[Any]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from named(list(value.values()))
        elif isinstance(value, (list, tuple)):
            for part in value:
                yield from named(part)

    defaults = [parameter.default for parameter in inspect.signature(getattr(m, name)).parameters.values()]
    used = set(named([*given, *options.values(), *defaults]))
    return [column for column in frame.columns if column in used or frame.shape[1] < 6]


def answers(name: str, place: int, value: Any) -> None:
    given, options = EXAMPLES[name]()
    with suppress(GvcError):
        getattr(m, name)(*(value if k == place else argument for k, argument in enumerate(given)), **options)


FAST = sorted(
    set(EXAMPLES)
    - {"production_function", "latent_classes", "duranton_overman", "with_measures", "with_lineage"}
)
FRAMED = [name for name in FAST if name not in {"raw_columns", "record"} and list(frames_of(name))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FRAMED)
@pytest.mark.parametrize("kind", ["no rows", "nothing", "a list", "columns twice"])
def test_what_is_no_frame_to_measure_is_refused_in_words(name: str, kind: str) -> None:
    for place, frame in frames_of(name):
        answers(name, place, FRAMES[kind](frame))


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FRAMED)
def test_every_measure_answers_any_frame(name: str) -> None:
    for place, frame in frames_of(name):
        for change in FRAMES.values():
            answers(name, place, change(frame))
        for column in read_by(name, frame):
            for spoil in COLUMNS.values():
                answers(name, place, frame.assign(**{str(column): spoil(frame[column])}))


SAME = [
    "rca",
    "location_quotient",
    "labour_productivity",
    "trade_spells",
    "attrition_table",
    "concentration_indices",
]


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("kind", ["Arrow", "nullable"])
def test_the_type_of_a_column_changes_no_number(name: str, kind: str) -> None:
    given, options = EXAMPLES[name]()
    expected = getattr(m, name)(*given, **options)
    found = getattr(m, name)(FRAMES[kind](given[0]), *given[1:], **options)
    numbers = expected.to_frame() if isinstance(expected, pd.Series) else expected.select_dtypes("number")
    for column in numbers.columns:
        other = found if isinstance(found, pd.Series) else found[column]
        np.testing.assert_array_equal(
            other.to_numpy(dtype=float, na_value=np.nan), numbers[column].to_numpy(dtype=float)
        )


TEXT_YEARS = {"year": lambda f: f["year"].astype(str)}
CALLS = {
    "quadrants, text years": lambda: m.quadrants(exports().assign(**TEXT_YEARS), periods=[2000, 2001]),
    "quadrants, text": lambda: m.quadrants(exports().assign(market_share="a")),
    "changes, text years": lambda: m.upgrading_from_changes(
        firms().assign(**TEXT_YEARS), {"process": "tfp"}, unit="firm_id"
    ),
    "changes, a list": lambda: m.upgrading_from_changes(firms(), {"process": ["tfp"]}, unit="firm_id"),
    "join, text years": lambda: m.join_cluster_panel(
        firms().assign(**TEXT_YEARS), m.cluster_panel(firms()), on=["country", "year", "region", "industry"]
    ),
    "table, a missing year": lambda: m.from_wide(wide_table().assign(year=[2000, None]), inventories="n"),
    "table, output as text": lambda: m.from_matrices(
        pd.DataFrame(1.0, SQUARE, SQUARE), pd.DataFrame(3.0, SQUARE, SQUARE[:1]), output="x"
    ),
    "gini, other lengths": lambda: m.gini([1.0, 2.0, 3.0], weights=[1.0, 2.0]),
    "gini, infinite": lambda: m.gini([1.0, np.inf]),
    "rca, text": lambda: m.rca_matrix(pd.DataFrame({"a": ["x", "y"]})),
    "prody, text": lambda: m.prody(np.ones((2, 2)), pd.Series(["a", "b"])),
    "completeness, repeats": lambda: m.completeness(
        pd.concat([m.location_quotient(one_year())] * 2), pd.DataFrame(0.2, ["10", "11", "13"], ["10"])
    ),
    "years, no tables": lambda: m.by_year([1], m.gross_exports),
    "markups, text": lambda: m.markups(firms(), elasticity="a"),
    "coefficients, an array": lambda: m.completeness(m.location_quotient(one_year()), np.ones((2, 2))),
    "rates, text": lambda: m.cumulative_tariffs(table(), pd.DataFrame("a", table().rows, ["AAA", "BBB"])),
    "imported, text": lambda: m.vertical_specialisation(
        pd.DataFrame(0.1, ["a"], ["a"]), pd.DataFrame("x", ["a"], ["a"]), pd.Series([1.0], ["a"])
    ),
    "functions, text": lambda: m.functional_specialisation(
        pd.DataFrame(
            {"income": ["x"]}, pd.MultiIndex.from_tuples([("A", "f")], names=["country", "function"])
        )
    ),
    "join, dates for codes": lambda: m.join_cluster_panel(
        firms().assign(region=pd.Timestamp("2000-01-01")), m.cluster_panel(firms()), on=["region", "industry"]
    ),
    "two-way, dates for codes": lambda: m.two_way_trade(flows().assign(importer=pd.Timestamp("2000-01-01"))),
    "output per worker, text": lambda: m.labour_productivity(firms().assign(value_added_usd="a")),
    "years, none": lambda: m.sophistication_by_year(exports().assign(year=None)),
    "winsorise, no groups": lambda: m.winsorise(firms().assign(industry=None), ["tfp"], by="industry"),
    "perspective, a list": lambda: m.borin_mancini_perspective(table(), ["exporter"]),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_was_a_traceback_is_an_error_in_words(call: str) -> None:
    with pytest.raises(DataError):
        CALLS[call]()


def test_links_of_a_table_keep_its_labels() -> None:
    links = m.input_output_links(m.technical_coefficients(table()))
    assert links.index.names == ["country", "industry"]
    assert links.columns.names == ["related_country", "related_industry"]
    np.testing.assert_array_equal(links, links.T)


def test_output_may_come_as_a_frame_of_one_column() -> None:
    final = pd.DataFrame(3.0, SQUARE, pd.MultiIndex.from_product([["AAA", "BBB"], ["final"]]))
    flows, output = pd.DataFrame(1.0, SQUARE, SQUARE), pd.Series(8.0, SQUARE)
    framed = m.from_matrices(flows, final, output=output.to_frame("output"))
    np.testing.assert_array_equal(framed.x, m.from_matrices(flows, final, output=output).x)
