"""Time in every dress: the order of periods, lags over the panel's own step, a period twice."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.ground.periods import known_periods, periods
from gvcmetrics.models.durations.at_risk import spells
from gvcmetrics.models.registry import responses
from gvcmetrics.simulate.panels import RESPONSES, simulate_panel

CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if effects != "absorbed"
]
# Months from August to the next January, so that text is out of order as text.
MONTHS = [24236 + month for month in range(6)]
DRESSES = {
    "stata": [f"{month // 12}m{month % 12 + 1}" for month in MONTHS],
    "iso": [f"{month // 12}-{month % 12 + 1:02d}" for month in MONTHS],
    "eurostat": [f"{month // 12}-M{month % 12 + 1:02d}" for month in MONTHS],
    "period": list(pd.PeriodIndex([f"{m // 12}-{m % 12 + 1:02d}" for m in MONTHS], freq="M")),
    "date": [pd.Timestamp(m // 12, m % 12 + 1, 1).date() for m in MONTHS],
    "end of month": [pd.Timestamp(m // 12, m % 12 + 1, 1) + pd.offsets.MonthEnd(0) for m in MONTHS],
    "quarter": [f"{2018 + q // 4}Q{q % 4 + 1}" for q in range(6)],
    "quarters as dates": [pd.Timestamp(2018 + q // 4, 3 * (q % 4) + 1, 1) for q in range(6)],
    "year as text": [str(year) for year in range(998, 1004)],
    "years as dates": [pd.Timestamp(year, 12, 31) for year in range(2018, 2024)],
    "ordered": list(pd.Categorical.from_codes(range(6), categories=list("zyxwvu"), ordered=True)),
}


def panel(name: str = "ols") -> pd.DataFrame:
    data = simulate_panel(name if name in RESPONSES else "ols", "pooled", units=40, periods=6, seed=4)
    return data.rename(columns={"period": "count"})


def dressed(data: pd.DataFrame, dress: str) -> pd.DataFrame:
    values = pd.Series(DRESSES[dress])[data["count"].to_numpy()].to_numpy()
    made = data.assign(when=values)
    if dress == "ordered":
        made["when"] = pd.Categorical(values, categories=list("zyxwvu"), ordered=True)
    return made.sample(frac=1, random_state=1)


@pytest.mark.parametrize("dress", DRESSES)
def test_lags_and_errors_that_need_an_order_are_those_of_a_count(dress: str) -> None:
    data = panel()
    other = dressed(data, dress)
    for formula in ("y ~ L(x1) + D(x1)", "y ~ F(x1, 2) + d"):
        plain = gvc.ols(formula, data, unit="unit", time="count", vcov={"DK": "count"})
        read = gvc.ols(formula, other, unit="unit", time="when", vcov={"DK": "when"})
        assert plain.nobs == read.nobs
        np.testing.assert_allclose(read.params, plain.params, rtol=1e-10)
        np.testing.assert_allclose(read.std_errors, plain.std_errors, rtol=1e-10)
        again = read.with_vcov("iid").with_vcov({"DK": "when"})
        np.testing.assert_allclose(again.std_errors, plain.std_errors, rtol=1e-10)


@pytest.mark.parametrize("dress", ["stata", "quarter", "years as dates"])
@pytest.mark.parametrize("name", ["logit", "probit"])
def test_bias_corrections_go_by_time_not_by_text(name: str, dress: str) -> None:
    data = panel(name)
    for options in ({"bias_correction": "jackknife"}, {"bias_correction": "analytical", "lags": 1}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EstimationWarning)
            plain = getattr(gvc, name)("y ~ x1 | unit", data, unit="unit", time="count", **options)
            read = getattr(gvc, name)(
                "y ~ x1 | unit", dressed(data, dress), unit="unit", time="when", **options
            )
        np.testing.assert_allclose(read.params, plain.params, rtol=1e-7)


@pytest.mark.parametrize("dress", DRESSES)
def test_spells_go_by_time(dress: str) -> None:
    data = panel("logit").assign(state=lambda d: d["y"])
    plain = spells(data, unit="unit", time="count", state="state")
    read = spells(dressed(data, dress), unit="unit", time="when", state="state")
    for column in ("unit", "count", "spell", "duration", "exit"):
        assert plain[column].tolist() == read[column].tolist()


def test_text_that_names_no_period_is_refused_where_an_order_is_needed_and_only_there() -> None:
    data = panel("logit").assign(
        wave=lambda d: d["count"].map(dict(enumerate(["one", "two", "three", "four", "five", "six"])))
    )
    gvc.logit("y ~ x1", data, unit="unit", time="wave", vcov={"CRV1": "wave"})
    calls: list[Any] = [
        lambda: gvc.ols("y ~ L(x1)", data, unit="unit", time="wave"),
        lambda: gvc.ols("y ~ x1", data, vcov={"DK": "wave"}),
        lambda: gvc.ols("y ~ x1", data).with_vcov({"DK": "wave"}),
        lambda: gvc.logit("y ~ x1 | unit", data, unit="unit", time="wave", bias_correction="jackknife"),
        lambda: gvc.logit(
            "y ~ x1 | unit", data, unit="unit", time="wave", bias_correction="analytical", lags=1
        ),
        lambda: spells(data.assign(state=data["y"]), unit="unit", time="wave", state="state"),
    ]
    for call in calls:
        with pytest.raises(
            ModelError, match=r"'wave' holds 'one', a period whose order is not known.*'2020Q1'"
        ):
            call()


@pytest.mark.parametrize("kind", ["uint8", "uint16", "uint64", "UInt16", "int8"])
def test_unsigned_periods_do_not_overflow(kind: str) -> None:
    data = panel()
    plain = gvc.ols("y ~ L(x1) + F(x1)", data, unit="unit", time="count")
    small = gvc.ols("y ~ L(x1) + F(x1)", data.astype({"count": kind}), unit="unit", time="count")
    assert plain.nobs == small.nobs == 40 * 4
    np.testing.assert_allclose(small.params, plain.params, rtol=1e-12)


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_a_biennial_panel_is_offered_its_own_step(name: str, effects: str) -> None:
    data = panel(name)
    left = data.attrs["formula"].split("~")[0]
    options: dict[str, Any] = {"unit": "unit", "effects": effects}
    call = getattr(gvc, name)
    formula = f"{left} ~ L(x1) + d"
    biennial = data.assign(count=2000 + 2 * data["count"])
    with pytest.raises(
        ModelError, match=r"L\(x1\) finds no observation: periods of the data are 2 apart.*step=2"
    ):
        call(formula, biennial, time="count", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        plain = call(formula, data, time="count", **options)
        stepped = call(formula, biennial, time="count", step=2, **options)
    np.testing.assert_allclose(stepped.params, plain.params, rtol=1e-9)
    assert "step=2" in stepped.call


def test_new_rows_count_time_as_the_estimates_did() -> None:
    """Two Januaries alone would be two years, one apart; among months they are twelve."""
    data = panel().assign(when=lambda d: pd.to_datetime("2020-01-01") + pd.to_timedelta(0, "D"))
    data["when"] = [pd.Timestamp(2020 + c // 12, c % 12 + 1, 1) for c in data["count"]]
    result = gvc.ols("y ~ L(x1)", data, unit="unit", time="when")
    new = pd.DataFrame(
        {"unit": [0, 0], "when": pd.to_datetime(["2020-01-01", "2021-01-01"]), "x1": [1.0, 2.0]}
    )
    assert result.predict(new).isna().all()
    new["when"] = pd.to_datetime(["2020-01-01", "2020-02-01"])
    assert result.predict(new)[1] == pytest.approx(result.params["Intercept"] + result.params["L(x1)"])


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_a_period_twice_is_refused_and_named(name: str, effects: str) -> None:
    data = panel(name)
    twice = pd.concat([data, data.iloc[[7, 9]]], ignore_index=True)
    left = data.attrs["formula"].split("~")[0]
    call = getattr(gvc, name)
    with pytest.raises(
        DataError, match=r"row 242, column 'count': unit '1' has period 1 twice; 2 rows.*time=None"
    ):
        call(f"{left} ~ x1 + d", twice, unit="unit", time="count", effects=effects)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        call(f"{left} ~ x1 + d", twice, unit="unit", time=None, effects=effects)


@pytest.mark.parametrize("dress", ["stata", "iso"])
def test_a_period_twice_in_other_words_is_twice(dress: str) -> None:
    data = panel()
    words = [f"{month // 12}m{month % 12 + 1:02d}" for month in MONTHS]
    twice = pd.concat(
        [
            dressed(data, "stata"),
            dressed(data, "stata").iloc[[0]].assign(when=lambda d: words[d["count"].iloc[0]]),
        ]
    )
    with pytest.raises(DataError, match="twice"):
        gvc.ols("y ~ x1", twice, unit="unit", time="when")
    assert dress in DRESSES


@pytest.mark.parametrize(
    ("values", "unit", "numbers"),
    [
        (["2020", "1999"], "period", [2020, 1999]),
        (["2020H1", "2019S2"], "half-year", [4040, 4039]),
        (["2020q3", "2020-Q4", None], "quarter", [8082, 8083, np.nan]),
        (["2020m2", "2020-M10"], "month", [24241, 24249]),
        (["2020-W53", "2021-W01"], "week", [2661, 2662]),
        (["2020-02-28", "2020-03-01"], "day", [18320, 18322]),
        (["2020-02-28 10:00", "2020-02-28 11:30"], "second", [1582884000, 1582889400]),
        ([2020.5, 2021.0], "period", [2020.5, 2021]),
    ],
)
def test_what_a_period_is(values: list[Any], unit: str, numbers: list[float]) -> None:
    found = periods(pd.Series(values), "t")
    assert found.unit == unit
    if unit != "week":
        np.testing.assert_array_equal(found.numbers, numbers)
    else:
        assert np.diff(found.numbers).tolist() == [1]


@pytest.mark.parametrize(
    "values", [["2020Q1", "2020m1"], ["2020Q5"], ["2020-13"], ["early", "late"], [True, False]]
)
def test_what_no_period_is(values: list[Any]) -> None:
    assert known_periods(pd.Series(values)) is None
    with pytest.raises(ModelError, match="a period whose order is not known"):
        periods(pd.Series(values), "t")
