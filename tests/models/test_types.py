"""The types that a user's frame may have: nullable, Arrow, another library's, an index naming the panel."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning
from gvcmetrics.models.registry import responses
from gvcmetrics.models.results.results import Results
from gvcmetrics.simulate.panels import RESPONSES, simulate_panel

CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if effects != "absorbed"
]


def _duck(frame: pd.DataFrame) -> Any:
    return duckdb.from_arrow(pa.Table.from_pandas(frame, preserve_index=False))


def _polars(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("polars").from_pandas(frame)


DRESSES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "nullable": lambda frame: frame.convert_dtypes(),
    "arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "categories of nullable text": lambda frame: frame.assign(
        g=frame["g"].astype("string").astype("category")
    ),
    "arrow table": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "dictionaries": lambda frame: pa.Table.from_pandas(frame.astype({"g": "category"}), preserve_index=False),
    "duckdb": _duck,
    "polars": _polars,
    "lazy polars": lambda frame: _polars(frame).lazy(),
}


def panel(name: str) -> pd.DataFrame:
    data = simulate_panel(name if name in RESPONSES else "ols", "pooled", units=40, periods=4, seed=4)
    rng = np.random.default_rng(1)
    return data.assign(
        g=rng.choice(["a", "b", "c"], len(data)),
        flag=rng.random(len(data)) > 0.5,
        size=rng.integers(1, 90, len(data)),
    )


def fit(name: str, effects: str, data: Any, formula: str, **options: Any) -> Results:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return getattr(gvc, name)(formula, data, effects=effects, **options)


@pytest.mark.parametrize("dress", DRESSES)
def test_a_column_is_the_same_in_every_dress(dress: str) -> None:
    data = panel("ols")
    formula = "y ~ x1 * g + flag + log(size) + C(g):flag + L(size)"
    plain = gvc.ols(formula, data, unit="unit", time="period", vcov={"CRV1": "g"})
    made = gvc.ols(formula, DRESSES[dress](data), unit="unit", time="period", vcov={"CRV1": "g"})
    pd.testing.assert_series_equal(made.params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(made.std_errors, plain.std_errors, rtol=1e-9)
    other = plain.predict(DRESSES[dress](data))
    np.testing.assert_allclose(other, plain.predict(data), rtol=1e-10)
    np.testing.assert_allclose(made.margins().params, plain.margins().params, rtol=1e-8)


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_gaps_in_nullable_columns_are_dropped_as_any_others(name: str, effects: str) -> None:
    data = panel(name)
    formula = data.attrs["formula"].replace(" d", " g + flag + size")
    gaps = data.astype({"flag": object, "size": float})
    gaps.loc[3, "flag"] = gaps.loc[5, "g"] = None
    gaps.loc[8, "size"] = np.nan
    plain = fit(name, effects, data.drop(index=[3, 5, 8]), formula, unit="unit")
    for dress in ("nullable", "arrow"):
        made = fit(name, effects, DRESSES[dress](gaps), formula, unit="unit")
        np.testing.assert_allclose(made.params, plain.params, rtol=1e-6, atol=1e-9)
        assert made.nobs == plain.nobs


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_the_two_levels_of_an_index_are_unit_and_time(name: str, effects: str) -> None:
    data = panel(name)
    formula = f"{data.attrs['formula']} + L(size)"
    plain = fit(name, effects, data, formula, unit="unit", time="period")
    indexed = data.set_index(["unit", "period"])
    made = fit(name, effects, indexed, formula)
    np.testing.assert_allclose(made.params, plain.params, rtol=1e-12)
    assert "unit='unit', time='period'" in made.call
    nameless = fit(name, effects, indexed.rename_axis([None, None]), formula)
    np.testing.assert_allclose(nameless.params, plain.params, rtol=1e-12)
    kind = "index" if made.predictor is not None and made.predictor.conditional else "mean"
    assert made.predict(kind=kind).index.names == ["unit", "period"]
    np.testing.assert_allclose(made.predict(indexed, kind=kind), plain.predict(data, kind=kind))


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_ids_of_mixed_types_are_named(name: str, effects: str) -> None:
    data = panel(name)
    data["firm"] = data["unit"].astype(object).where(data["unit"] % 2 == 0, data["unit"].astype(str))
    message = r"column 'firm': the values are of mixed types: .* is text.*astype"
    with pytest.raises(DataError, match=message):
        fit(name, effects, data, data.attrs["formula"], unit="firm")
    result = fit(name, effects, data, data.attrs["formula"], unit="unit", vcov={"CRV1": "unit"})
    with pytest.raises(DataError, match=message):
        result.with_vcov({"CRV1": "firm"})


def test_a_mixed_category_is_named_too() -> None:
    data = panel("ols").assign(g=lambda d: d["g"].astype(object).where(d["x1"] > 0, 1))
    with pytest.raises(DataError, match="column 'g': the values are of mixed types"):
        gvc.ols("y ~ C(g)", data)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(DataError, match="data must be a frame, not dict"):
        gvc.ols("y ~ x", {"y": [1.0], "x": [2.0]})  # type: ignore[arg-type]
