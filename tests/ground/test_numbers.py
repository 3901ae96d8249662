"""Numbers as text: nothing that is there prints as if it were not."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.ground.numbers import (
    count,
    estimate,
    fixed,
    is_missing,
    minus,
    printed,
    star_legend,
    stars_of,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.000"), (0.0005, "0.001"), (0.00049, "4.9e-04"), (-0.0001, "-1.0e-04"), (1234.5, "1,234.500")],
)
def test_a_small_number_never_prints_as_zero(value, text):
    assert fixed(value, 3) == text


@pytest.mark.parametrize(("value", "text"), [(math.nan, "–"), (math.inf, "∞"), (-math.inf, "-∞")])
def test_what_is_no_number_has_a_sign_of_its_own(value, text):
    assert fixed(value, 2) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"),
        (0.001, "0.0010"),
        (-0.00099, "-9.900e-04"),
        (999999.0, "999999.0000"),
        (1e6, "1.000e+06"),
        (1629, "1,629"),
        (math.nan, "."),
        (None, "."),
    ],
)
def test_an_estimate_has_four_decimals_or_a_power(value, text):
    assert estimate(value) == text


@pytest.mark.parametrize(
    ("p_value", "mark"), [(0.0099, "***"), (0.01, "**"), (0.05, "*"), (0.1, ""), (math.nan, "")]
)
def test_stars_stand_below_their_threshold_only(p_value, mark):
    assert stars_of(p_value) == mark


def test_thresholds_of_ones_own_need_no_order():
    own = {"b": 0.001, "a": 0.2}
    assert [stars_of(p, own) for p in (0.0001, 0.1, 0.3)] == ["b", "a", ""]
    assert star_legend(own) == "a p < 0.2, b p < 0.001"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "✓"),
        (np.bool_(False), ""),
        (np.int64(1629), "1,629"),
        (np.float32(0.5), "0.50"),
        ("1629", "1629"),
        (None, "–"),
        (pd.NA, "–"),
        (pd.NaT, "–"),
        ((1, 2), "(1, 2)"),
    ],
)
def test_a_cell_prints_by_its_type(value, text):
    assert printed(value, None, 2) == text


def test_a_format_is_a_specification_or_a_function_and_never_meets_what_is_missing():
    assert printed(1234.5, ",.0f", 3) == "1,234"
    assert printed(2, lambda value: f"{value} firms", 3) == "2 firms"
    assert printed(math.nan, lambda value: pytest.fail("called"), 3) == "–"
    assert count(math.nan) == "–"
    assert is_missing(np.datetime64("NaT"))


def test_print_has_a_minus_sign_of_its_own():
    assert minus("[-0.5, -1.0e-04]") == "[\N{MINUS SIGN}0.5, \N{MINUS SIGN}1.0e\N{MINUS SIGN}04]"
