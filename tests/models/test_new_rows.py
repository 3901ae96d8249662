"""Predictions of new rows by every model: what is missing or was never seen, errors, effects found again."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.registry import responses
from gvcmetrics.models.results.results import Results
from gvcmetrics.simulate.panels import RESPONSES, simulate_panel

CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if effects != "absorbed"
]
ABSORBING = [name for name, response in responses().items() if "absorbed" in response.treatments]
CATEGORY = {
    "g": ["a", "b", "c"],
    "C(g)": ["a", "b", "c"],
    "C(g, Treatment('b'))": ["a", "b", "c"],
    "C(year)": [2000, 2001, 2002],
    "C(flag)": [False, True],
    "flag": [False, True],
    "C(x1 > 0)": None,
    "i(g, ref='b')": ["a", "b", "c"],
}
# Every term in every pooled model, one term in turn in the others.
TERMS = [
    (*cell, term)
    for number, cell in enumerate(CELLS)
    for place, term in enumerate(CATEGORY)
    if cell[1] == "pooled" or place == number % len(CATEGORY)
]
SEEN = [
    (*cell, term) for number, cell in enumerate(CELLS) for term in (["g", "C(g)", "C(year)"][number % 3],)
]
COLUMN = {term: "year" if "year" in term else "flag" if "flag" in term else "g" for term in CATEGORY}


def panel(name: str, units: int = 40, effects: str = "pooled") -> pd.DataFrame:
    data = simulate_panel(name if name in RESPONSES else "ols", effects, units=units, periods=4, seed=4)
    rng = np.random.default_rng(1)
    data["g"] = rng.choice(list("abc"), len(data))
    data["year"] = rng.choice([2000, 2001, 2002], len(data))
    data["flag"] = rng.random(len(data)) > 0.5
    return data


def fit(name: str, effects: str, data: pd.DataFrame, right: str = "x1 + d", **options: Any) -> Results:
    left = data.attrs["formula"].split("~")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        call = getattr(gvc, name)
        return call(f"{left} ~ {right}", data, unit="unit", effects=effects, **options)


def kind_of(result: Results) -> str:
    return "index" if result.predictor is not None and result.predictor.conditional else "mean"


def known_units(result: Results, data: pd.DataFrame) -> pd.DataFrame:
    """Three rows of one unit that the estimates hold."""
    assert result.sample is not None
    unit = data.loc[result.predict(kind=kind_of(result)).index[0], "unit"]
    return data[data["unit"] == unit].head(3)


@pytest.mark.parametrize(("name", "effects", "term"), TERMS)
def test_a_missing_category_is_a_missing_prediction(name: str, effects: str, term: str) -> None:
    data = panel(name)
    result = fit(name, effects, data, f"x1 + {term}")
    rows = known_units(result, data)
    column = "x1" if term == "C(x1 > 0)" else COLUMN[term]
    gaps = rows.astype({column: object})
    gaps.iloc[1, gaps.columns.get_loc(column)] = None
    made = np.asarray(result.predict(gaps, kind=kind_of(result)), dtype=float).reshape(3, -1)
    whole = np.asarray(result.predict(rows, kind=kind_of(result)), dtype=float).reshape(3, -1)
    assert np.isnan(made[1]).all()
    np.testing.assert_allclose(made[[0, 2]], whole[[0, 2]], rtol=1e-12)


@pytest.mark.parametrize(("name", "effects", "term"), SEEN)
def test_a_level_that_was_never_seen_is_refused_and_one_left_out_is_missing(
    name: str, effects: str, term: str
) -> None:
    data = panel(name)
    column = COLUMN[term]
    result = fit(name, effects, data, f"x1 + {term}")
    strange = 2050 if column == "year" else "z"
    rows = known_units(result, data)
    with pytest.raises(DataError, match=f"category '?{strange}'? was not in the estimation sample"):
        result.predict(rows.assign(**{column: strange}), kind=kind_of(result))
    levels = CATEGORY[term]
    assert levels is not None
    without = data.assign(x1=data["x1"].where(data[column] != levels[-1]))
    without.attrs = data.attrs
    result = fit(name, effects, without, f"x1 + {term}")
    rows = known_units(result, data).assign(**{column: [levels[0], levels[-1], levels[1]]})
    with pytest.warns(EstimationWarning, match=f"category '?{levels[-1]}'? of .* is in no row"):
        made = np.asarray(result.predict(rows, kind=kind_of(result)), dtype=float).reshape(3, -1)
    assert np.isnan(made).all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_a_value_beyond_the_ends_of_a_spline_is_missing(name: str, effects: str) -> None:
    data = panel(name)
    result = fit(name, effects, data, "bs(x1, df=3) + d")
    rows = known_units(result, data).assign(x1=[0.1, 99.0, 0.2])
    with pytest.warns(EstimationWarning, match=r"1 rows are beyond the ends of bs\(x1, df=3\)"):
        made = np.asarray(result.predict(rows, kind=kind_of(result)), dtype=float).reshape(3, -1)
    assert np.isnan(made).all(axis=1).tolist() == [False, True, False]
    if kind_of(result) == "mean":
        with pytest.raises(ModelError, match="cannot be computed"):
            result.margins("d", at={"x1": [99.0]})


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_text_where_a_number_was_is_refused_in_words(name: str, effects: str) -> None:
    data = panel(name)
    result = fit(name, effects, data, "x1 + g")
    with pytest.raises(DataError, match="column 'x1': numbers are needed"):
        result.predict(known_units(result, data).assign(x1="high"), kind=kind_of(result))


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_categories_of_truth_values_are_known_in_every_dress(name: str, effects: str) -> None:
    data = panel(name)
    for stored in (data["flag"].astype("category"), data["flag"].astype("boolean")):
        dressed = data.assign(flag=stored)
        dressed.attrs = data.attrs
        result, plain = fit(name, effects, dressed, "x1 + flag"), fit(name, effects, data, "x1 + flag")
        kind = kind_of(plain)
        np.testing.assert_allclose(plain.predict(dressed, kind=kind), plain.predict(data, kind=kind))
        np.testing.assert_allclose(result.predict(data, kind=kind), plain.predict(data, kind=kind), rtol=1e-6)
        at = {"flag": [False, True]}
        np.testing.assert_allclose(
            result.margins("x1", at=at).params, plain.margins("x1", at=at).params, rtol=1e-5
        )


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_errors_of_predictions_are_those_of_margins_and_of_finite_differences(
    name: str, effects: str
) -> None:
    """At one row, the average prediction of `margins` is the prediction; and G V G' by differences."""
    # At the edge of what sigma may be there are no differences to take.
    data = panel(name, 80, "random") if effects in ("random", "correlated") else panel(name)
    result = fit(name, effects, data)
    kind = kind_of(result)
    rows = known_units(result, data).head(2)
    if result.absorbed:
        with pytest.raises(ModelError, match="errors of predictions with absorbed effects are not known"):
            result.predict(rows, interval=True)
        return
    made = result.predict(rows, kind, interval=True, level=0.9)
    several = isinstance(made.columns, pd.MultiIndex)
    error = (made.xs("std_error", axis=1, level=1) if several else made[["std_error"]]).to_numpy()
    estimate = (made.xs("estimate", axis=1, level=1) if several else made[["estimate"]]).to_numpy()
    np.testing.assert_allclose(estimate, np.asarray(result.predict(rows, kind)).reshape(2, -1))
    assert result.predictor is not None
    gradient = []
    for j, value in enumerate(result.params):
        h = 1e-5 * max(abs(value), 1.0)
        sides = []
        for sign in (1, -1):
            moved = result.params.to_numpy().copy()
            moved[j] += sign * h
            sides.append(result.predictor.predict(moved, rows, kind).values)
        gradient.append((sides[0] - sides[1]) / (2 * h))
    G = np.stack(gradient, axis=-1)
    by_hand = np.sqrt(np.einsum("noa,ab,nob->no", G, result.cov.to_numpy(), G))
    np.testing.assert_allclose(error, by_hand, rtol=1e-4, atol=1e-9)
    low, high = (
        (made.xs(side, axis=1, level=1) if several else made[[side]]).to_numpy()
        for side in ("conf_low", "conf_high")
    )
    np.testing.assert_allclose((low + high) / 2, estimate)
    half = (result.conf_int(0.9)["conf_high"] - result.params) / result.std_errors
    np.testing.assert_allclose((high - low) / 2, half.iloc[0] * error)


def test_a_unit_whose_effect_is_zero() -> None:
    data = panel("probit")
    result = fit("probit", "random", data)
    zero, averaged = result.predict(data, unit_effect="zero"), result.predict(data)
    b = result.params
    from scipy.stats import norm

    eta = b["Intercept"] + b["x1"] * data["x1"] + b["d"] * data["d"]
    np.testing.assert_allclose(zero, norm.cdf(eta), rtol=1e-10)
    np.testing.assert_allclose(averaged, norm.cdf(eta / np.sqrt(1 + b["sigma_u"] ** 2)), rtol=1e-6)
    with pytest.raises(ModelError, match="unit_effect='none' is not known"):
        result.predict(unit_effect="none")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="level=95"):
        result.predict(interval=True, level=95)


def test_predict_has_a_typed_signature() -> None:
    parameters = inspect.signature(Results.predict).parameters
    assert list(parameters) == ["self", "data", "kind", "outcomes", "interval", "level", "unit_effect"]
    assert all(
        parameter.annotation is not inspect.Parameter.empty for parameter in [*parameters.values()][1:]
    )


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_residuals_are_outcomes_less_fitted_values(name: str, effects: str) -> None:
    data = panel(name)
    result = fit(name, effects, data)
    if kind_of(result) == "index":
        with pytest.raises(ModelError, match="gives no probabilities"):
            _ = result.residuals
        return
    fitted, left = result.fitted_values, result.residuals
    assert left.index.equals(fitted.index)
    if isinstance(fitted, pd.DataFrame):
        np.testing.assert_allclose(left.sum(axis=1), 0, atol=1e-10)
        assert (((left + fitted).round(12) == 1).sum(axis=1) == 1).all()
        if name != "joint_probit":
            observed = data.loc[fitted.index, "y"].to_numpy()
            own = np.array([left.iloc[i][category] for i, category in enumerate(observed)])
            assert (own > 0).all()
    else:
        # Beyond its limit an outcome of a tobit is the limit.
        y = data.loc[fitted.index, "y"].clip(lower=0.0 if name == "tobit" else None)
        np.testing.assert_allclose(left + fitted, y, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "right", ["x1 + d | unit", "x1 + d | g + year", "x1 + d | unit^g + year", "x1 | g + year + flag"]
)
@pytest.mark.parametrize("name", ABSORBING)
def test_rows_whose_absorbed_effects_were_seen_are_predicted(name: str, right: str) -> None:
    data = panel(name, units=40)
    result = fit(name, "pooled", data, right)
    fitted = result.fitted_values
    again = data.loc[fitted.index].reset_index(drop=True)
    np.testing.assert_allclose(result.predict(again), fitted, rtol=1e-7)
    index = result.predict(kind="index")
    np.testing.assert_allclose(result.predict(again, kind="index"), index, atol=1e-7)
    effects = result.fixed_effects()
    assert effects["identified"].all()
    # By hand: the index less its regressors is the sum of a row's effects.
    total = np.zeros(len(fitted))
    for effect, part in effects.groupby("effect"):
        columns = str(effect).split("^")
        values = dict(zip(part["level"], part["estimate"], strict=True))
        keys = data.loc[fitted.index, columns].itertuples(index=False, name=None)
        total += np.array([values[key[0] if len(columns) == 1 else key] for key in keys])
    regressors = data.loc[fitted.index, list(result.params.index)].to_numpy() @ result.params.to_numpy()
    np.testing.assert_allclose(total + regressors, index, atol=1e-7)
    moved = again.head(2).assign(x1=again["x1"].head(2) + 1)
    change = result.predict(moved, kind="index") - result.predict(again.head(2), kind="index")
    np.testing.assert_allclose(change, result.params["x1"], atol=1e-7)
    unseen = again.head(2).assign(unit=[again["unit"][0], 999], year=[again["year"][0], 1900])
    with pytest.warns(EstimationWarning, match="1 rows are not predicted: no row of the estimates has their"):
        made = result.predict(unseen)
    assert made.isna().tolist() == [False, True]


def test_effects_that_no_chain_connects_are_not_added() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"a": np.repeat([0, 1, 2, 3], 20), "x": rng.normal(size=80)})
    data["b"] = np.where(data["a"] < 2, rng.integers(0, 2, 80), rng.integers(2, 4, 80))
    data["y"] = data["x"] + data["a"] - data["b"] + rng.normal(size=80)
    result = gvc.ols("y ~ x | a + b", data)
    effects = result.fixed_effects()
    assert effects.groupby("effect")["component"].apply(list).to_dict() == {
        "a": [1, 1, 2, 2],
        "b": [1, 1, 2, 2],
    }
    # With all but the first of mean zero over the rows of a set, by dummies:
    for low in (0, 2):
        part = data[data["a"].between(low, low + 1)]
        of_b = effects[effects["effect"] == "b"].set_index("level")["estimate"]
        assert of_b[part["b"]].mean() == pytest.approx(0, abs=1e-10)
    dummies = gvc.ols(
        "y ~ x + C(a) + C(b)",
        data[data["a"] < 2].assign(
            y=lambda d: d["y"] - result.params["x"] * d["x"], x=lambda d: rng.normal(size=len(d))
        ),
    )
    difference = effects.set_index(["effect", "level"])["estimate"]
    alone = gvc.ols(
        "z ~ C(a) + C(b)", data[data["a"] < 2].assign(z=lambda d: d["y"] - result.params["x"] * d["x"])
    )
    assert difference["a", 1] - difference["a", 0] == pytest.approx(alone.params["C(a)[T.1]"], abs=1e-9)
    assert len(dummies.params) == 4
    new = pd.DataFrame({"x": [0.0, 0.0], "a": [0, 0], "b": [1, 2]})
    with pytest.warns(EstimationWarning, match="1 rows join levels of absorbed effects that no chain"):
        assert result.predict(new).isna().tolist() == [False, True]


def test_of_three_effects_a_level_that_moves_with_others_is_missing() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {"a": rng.integers(0, 4, 200), "b": rng.integers(0, 4, 200), "x": rng.normal(size=200)}
    )
    data["c"] = data["a"] // 2  # nested in a: what is a's and what is c's is not known
    data["y"] = data["x"] + data["a"] + data["b"] + rng.normal(size=200)
    result = gvc.ols("y ~ x | a + b + c", data)
    effects = result.fixed_effects().set_index("effect")
    assert effects.loc["b", "identified"].all()
    assert not effects.loc["c", "identified"].any()
    assert effects.loc["c", "estimate"].isna().all()
    np.testing.assert_allclose(result.predict(data), result.fitted_values, rtol=1e-7)
    with pytest.warns(EstimationWarning, match="no chain"):
        assert np.isnan(result.predict(pd.DataFrame({"x": [0.0], "a": [0], "b": [0], "c": [1]}))[0])


def test_the_effects_of_a_conditional_logit_solve_its_first_order_conditions() -> None:
    data = panel("logit")
    result = fit("logit", "fixed", data)
    effects = result.fixed_effects().set_index("level")["estimate"]
    used = data[data["unit"].isin(effects.index)]
    index = (
        used["x1"] * result.params["x1"] + used["d"] * result.params["d"] + effects[used["unit"]].to_numpy()
    )
    gap = (used["y"] - 1 / (1 + np.exp(-index))).groupby(used["unit"]).sum()
    np.testing.assert_allclose(gap, 0, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "effects"),
    [cell for cell in CELLS if cell[1] != "fixed" or "absorbed" not in responses()[cell[0]].treatments],
)
def test_a_model_without_absorbed_effects_says_so(name: str, effects: str) -> None:
    result = fit(name, effects, panel(name))
    if (name, effects) == ("logit", "fixed"):
        pytest.skip("has them")
    with pytest.raises(ModelError, match="no absorbed effects"):
        result.fixed_effects()


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_linear_combinations_agree_with_the_wald_test(name: str, effects: str) -> None:
    result = fit(name, effects, panel(name))
    first, second = [term for term in result.params.index if term.endswith(("x1", "d"))][:2]
    made = result.lincom([f"`{first}` - 2*`{second}` + 1", f"`{first}`"])
    test = result.test(f"`{first}` - 2*`{second}` = -1")
    assert made["estimate"][0] == pytest.approx(result.params[first] - 2 * result.params[second] + 1)
    assert made["statistic"][0] ** 2 == pytest.approx(test.statistic, rel=1e-8)
    assert made["p_value"][0] == pytest.approx(test.pvalue, rel=1e-8)
    row = result.tidy().set_index("term").loc[first]
    for key in ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"):
        assert made[key][1] == pytest.approx(row[key], rel=1e-10), key
    with pytest.raises(ModelError, match="is not linear"):
        result.lincom(f"`{first}` * `{second}`")
