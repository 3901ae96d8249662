"""Models under strain: units of measurement, what is not identified, few movers, what separation leaves.

Every property runs over the responses and treatments of the registry, so that a new model is born with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.ground.numerics import demean as demeaning
from gvcmetrics.models.registry import responses

OUTCOMES = {
    "ols": "number", "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung",
    "ordered_probit": "rung", "multinomial_logit": "rung", "fractional_logit": "share", "poisson": "count",
    "negative_binomial": "count", "joint_probit": "yes + also", "tobit": "number",
}  # fmt: skip
CELLS = [(name, effects) for name, response in responses().items() for effects in response.treatments]
DISCRETE = ("logit", "probit", "cloglog", "ordered_logit", "ordered_probit", "multinomial_logit")


def panel(units: int = 50, periods: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = units * periods
    unit = np.repeat(np.arange(units), periods)
    x, z = rng.normal(size=n), rng.normal(size=n)
    latent = 0.6 * x + 0.3 * z + 0.5 * rng.normal(size=units)[unit] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "unit": unit,
            "time": np.tile(np.arange(periods), units),
            "year": 2001 + np.tile(np.arange(periods), units),
            "region": unit % 9,
            "x": x,
            "z": z,
            "number": latent,
            "yes": (latent > 0).astype(int),
            "also": (latent + rng.normal(size=n) > 0).astype(int),
            "rung": np.digitize(latent, [-0.5, 0.8]),
            "share": 1 / (1 + np.exp(-latent)),
            "count": rng.poisson(np.exp(0.4 * latent)),
        }
    )


DATA = panel()


def fit(name: str, effects: str, data: pd.DataFrame, terms: str = "x + z", **options: Any) -> Any:
    formula = f"{OUTCOMES[name]} ~ {terms}" + (" | unit" if effects == "absorbed" else "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return getattr(gvc, name)(
            formula, data, unit="unit", effects="pooled" if effects == "absorbed" else effects, **options
        )


def slopes(results: Any, *words: str) -> np.ndarray:
    return np.array(
        [any(term.endswith(word) or word in term for word in words) for term in results.params.index]
    )


def same(one: Any, other: Any, rtol: float = 1e-6) -> None:
    """Nothing that has no units differs, the constants apart, whose tests depend on where zero is."""
    tested = slopes(one, "x", "z")
    for covariance in (None, "hetero", {"CRV1": "region"}):
        a, b = (r if covariance is None else quiet(r.with_vcov, covariance) for r in (one, other))
        np.testing.assert_allclose(a.tstats[tested], b.tstats[tested], rtol=rtol)
        np.testing.assert_allclose(a.pvalues[tested], b.pvalues[tested], rtol=10 * rtol, atol=1e-12)
    if one.loglik is not None:
        assert other.loglik == pytest.approx(one.loglik, rel=rtol)
        assert other.statistic("aic") == pytest.approx(one.statistic("aic"), rel=rtol)
    for key, value in one.statistics.items():
        if key not in ("iterations", "penalised_loglik") and np.isfinite(value):
            assert other.statistics[key] == pytest.approx(value, rel=10 * rtol, abs=1e-7), key
    prefix = one.params.index[0].rpartition(": ")[0]
    names = [f"`{prefix}: {name}`" if prefix else name for name in ("x", "z")]
    assert other.test(names).statistic == pytest.approx(one.test(names).statistic, rel=rtol)


def quiet(call: Callable[..., Any], *arguments: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return call(*arguments)


# --- A. Units of measurement -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "effects"), CELLS)
@pytest.mark.parametrize(("of_x", "of_z"), [(1e12, 1e-12), (1e-12, 1e12)])
def test_units_of_regressors_do_not_matter(name: str, effects: str, of_x: float, of_z: float) -> None:
    one = fit(name, effects, DATA)
    other = fit(name, effects, DATA.assign(x=DATA["x"] * of_x, z=DATA["z"] * of_z))
    same(one, other)
    if one.predictor is not None:
        before, after = one.margins().frame(), other.margins().frame()
        scale = before["variable"].map({"x": of_x, "z": of_z})
        np.testing.assert_allclose(after["estimate"] * scale, before["estimate"], rtol=1e-6)
        np.testing.assert_allclose(after["statistic"], before["statistic"], rtol=1e-5)


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_where_a_regressor_begins_does_not_matter(name: str, effects: str) -> None:
    """A year is x + 2001; its square beside it leaves almost nothing of either."""
    one = fit(name, effects, DATA.assign(t=DATA["time"] - 1.5), "x + z + t + I(t**2)")
    other = fit(name, effects, DATA, "x + z + year + I(year**2)")
    tested = slopes(one, "x", "z", "t ** 2", "t**2")
    np.testing.assert_allclose(other.tstats[tested], one.tstats[tested], rtol=2e-5)
    if one.loglik is not None:
        assert other.loglik == pytest.approx(one.loglik, rel=1e-7)


@pytest.mark.parametrize("effects", list(responses()["ols"].treatments))
@pytest.mark.parametrize("scale", [1e12, 1e-12])
def test_units_of_the_outcome_of_linear_models_do_not_matter(effects: str, scale: float) -> None:
    one = fit("ols", effects, DATA)
    other = fit("ols", effects, DATA.assign(number=DATA["number"] * scale))
    tested = slopes(one, "x", "z")
    np.testing.assert_allclose(other.tstats[tested], one.tstats[tested], rtol=1e-6)
    np.testing.assert_allclose(other.params / scale, one.params, rtol=1e-6)


@pytest.mark.parametrize("name", [n for n in DISCRETE if "absorbed" in responses()[n].treatments])
@pytest.mark.parametrize("scale", [1e9, 1e12, 1e14])
def test_the_error_of_one_regressor_does_not_hang_on_the_units_of_another(name: str, scale: float) -> None:
    rng = np.random.default_rng(2)
    data = DATA.assign(sales=np.exp(2 * rng.normal(size=len(DATA))))
    one = fit(name, "absorbed", data, "x + sales")
    other = fit(name, "absorbed", data.assign(sales=data["sales"] * scale), "x + sales")
    assert other.std_errors["x"] == pytest.approx(one.std_errors["x"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "other"),
    [("ols", "random"), ("logit", "random"), ("logit", "pooled"), ("multinomial_logit", "pooled")],
)
@pytest.mark.parametrize("vcov", [None, {"CRV1": "unit"}])
def test_hausman_has_no_units(name: str, other: str, vcov: Any) -> None:
    found = [
        quiet(lambda d: gvc.hausman(fit(name, "fixed", d), fit(name, other, d), vcov=vcov), data)
        for data in (DATA, DATA.assign(x=DATA["x"] * 1e9), DATA.assign(x=DATA["x"] * 1e-9))
    ]
    for each in found[1:]:
        assert each.statistic == pytest.approx(found[0].statistic, rel=1e-5)


@pytest.mark.parametrize("name", ["logit", "poisson", "ols", "negative_binomial"])
def test_likelihood_ratios_have_no_units(name: str) -> None:
    one, other = (
        fit(name, "pooled", data).lr_test(fit(name, "pooled", data, "z")).statistic
        for data in (DATA, DATA.assign(x=DATA["x"] * 1e12))
    )
    assert other == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "effects"), [("ols", "pooled"), ("ols", "absorbed"), ("logit", "pooled"), ("poisson", "pooled")]
)
def test_the_wild_bootstrap_has_no_units(name: str, effects: str) -> None:
    one, other = (
        quiet(
            lambda made: gvc.wild_bootstrap(made, "z", "region", draws=199, seed=1), fit(name, effects, data)
        )
        for data in (DATA, DATA.assign(x=DATA["x"] * 1e12))
    )
    assert other.pvalue == pytest.approx(one.pvalue, abs=1e-9)


def test_firths_penalty_is_that_of_the_units_given() -> None:
    """Half the log determinant of the information: it moves by the logarithm of the scale, b does not."""
    data = DATA.head(60)
    one = gvc.logit("yes ~ x + z", data, firth=True)
    other = gvc.logit("yes ~ x + z", data.assign(x=data["x"] * 1e12), firth=True)
    assert other.params["x"] * 1e12 == pytest.approx(one.params["x"], rel=1e-8)
    shift = other.statistics["penalised_loglik"] - one.statistics["penalised_loglik"]
    assert shift == pytest.approx(np.log(1e12), rel=1e-9)


@pytest.mark.parametrize("name", DISCRETE)
def test_a_year_is_not_perfect_prediction(name: str) -> None:
    fit(name, "pooled", DATA, "x + year + I(year**2)")
    two = DATA[DATA["year"] < 2003]
    fit(name, "pooled", two, "x + year")


@pytest.mark.parametrize("name", DISCRETE)
def test_perfect_prediction_is_still_found_beside_a_year(name: str) -> None:
    data = DATA.assign(sign=DATA["rung" if name.startswith(("ordered", "multi")) else "yes"] * 1e3)
    data["sign"] += 1e-3 * data["x"]
    with pytest.raises(ModelError, match=r"sign.* predicts the outcome perfectly"):
        fit(name, "pooled", data, "sign + year + I(year**2)")


def test_a_parameter_may_be_held_at_a_value_whatever_its_units() -> None:
    one = gvc.logit("yes ~ x + z", DATA, fix={"x": 0.5})
    other = gvc.logit("yes ~ x + z", DATA.assign(x=DATA["x"] * 1e9), fix={"x": 0.5e-9})
    assert other.params["z"] == pytest.approx(one.params["z"], rel=1e-9)
    assert other.params["x"] == 0.5e-9
    held = gvc.logit("yes ~ year + z", DATA, fix={"Intercept": 0.0})
    assert held.params["Intercept"] == 0.0


@pytest.mark.parametrize(
    ("name", "vcov"),
    [("logit", {"CRV1": "region"}), ("ordered_logit", "hetero"), ("multinomial_logit", "iid")],
)
def test_units_do_not_matter_in_a_file(name: str, vcov: Any, tmp_path: Any) -> None:
    data = DATA.assign(x=DATA["x"] * 1e12)
    data.to_parquet(tmp_path / "firms.parquet")
    formula = f"{OUTCOMES[name]} ~ x + z + year + I(year**2)"
    memory, file = (
        quiet(lambda source: getattr(gvc, name)(formula, source, vcov=vcov), source)
        for source in (data, tmp_path / "firms.parquet")
    )
    tested = slopes(memory, "x", "z")
    np.testing.assert_allclose(file.params[tested], memory.params[tested], rtol=1e-6)
    np.testing.assert_allclose(file.std_errors[tested], memory.std_errors[tested], rtol=1e-6)
    np.testing.assert_allclose(file.margins("x").values, memory.margins("x").values, rtol=1e-6)


# --- B. What is not identified ---------------------------------------------------------------------------


def cells(base: str = "b1") -> pd.DataFrame:
    """Nobody is certified in b3."""
    rng = np.random.default_rng(4)
    means = {("no", "b1"): (0, 80), ("yes", "b1"): (2, 80), ("no", "b2"): (2, 80), ("yes", "b2"): (0, 80),
             ("no", "b3"): (1, 160)}  # fmt: skip
    rows = [(a, b, m + rng.normal()) for (a, b), (m, count) in means.items() for _ in range(count)]
    data = pd.DataFrame(rows, columns=["cert", "b", "number"])
    levels = [base, *(level for level in ("b1", "b2", "b3") if level != base)]
    y = data["number"]
    return data.assign(
        b=pd.Categorical(data["b"], levels),
        unit=np.arange(len(data)) % 40,
        yes=(y > 1).astype(int),
        also=(y + rng.normal(size=len(y)) > 1).astype(int),
        rung=np.digitize(y, [0.3, 1.7]),
        share=1 / (1 + np.exp(-y)),
        count=rng.poisson(np.exp(0.3 * y)),
    )


@pytest.mark.parametrize("name", responses())
def test_an_average_over_an_empty_cell_is_not_estimable_with_either_base(name: str) -> None:
    found = {}
    for base in ("b1", "b2"):
        made = fit(name, "pooled", cells(base), "cert*b")
        average, by = made.margins("cert"), made.margins("cert", by="b").frame().set_index(["outcome", "b"])
        assert np.isnan(average.values).all()
        assert np.isnan(average.std_errors).all()
        assert "not estimable" in str(average)
        assert "cert[T.yes]:b[T.b3]" in str(average)
        assert by.xs("b3", level="b")["estimate"].isna().all()
        assert by.drop("b3", level="b")["estimate"].notna().all()
        found[base] = by.sort_index()["estimate"]
    a, b = (found[base].rename(index=str).sort_index() for base in found)
    np.testing.assert_allclose(a, b.reindex(a.index), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", responses())
def test_predictions_are_missing_in_an_empty_cell_with_either_base(name: str) -> None:
    new = pd.DataFrame({"cert": ["no", "yes", "yes"], "b": ["b3", "b3", "b1"]})
    found = []
    for base in ("b1", "b2"):
        made = fit(name, "pooled", cells(base), "cert*b")
        with pytest.warns(EstimationWarning, match=r"1 predictions are not estimable.*b\[T.b3\]"):
            found.append(np.asarray(made.predict(new)).reshape(3, -1))
    np.testing.assert_array_equal(np.isnan(found[0]).any(axis=1), [False, True, False])
    np.testing.assert_allclose(*found, rtol=1e-5)


WITHIN = [cell for cell in CELLS if cell[1] in ("absorbed", "fixed") and cell[0] in OUTCOMES]


@pytest.mark.parametrize(("name", "effects"), WITHIN)
def test_new_rows_keep_what_effects_take_up_of_a_regressor(name: str, effects: str) -> None:
    """One that is constant in its unit, and one that moves with x within it, leave no coefficient."""
    data = DATA.assign(origin=DATA["unit"] % 3, also_x=2 * DATA["x"] + DATA["unit"] % 5)
    made = fit(name, effects, data, "x + z + origin + also_x")
    assert not any("origin" in term or "also_x" in term for term in made.params.index)
    used = made.sample.source.iloc[made.sample.rows]
    with warnings.catch_warnings():
        warnings.simplefilter("error", EstimationWarning)
        again = np.asarray(made.predict(used, kind="index"))
    np.testing.assert_allclose(again, np.asarray(made.predict(kind="index")), rtol=1e-6, atol=1e-8)
    half = (used["z"] > 0).to_numpy()
    for column in ("origin", "also_x"):
        said = rf"{half.sum()} predictions are not estimable.*{column}"
        with pytest.warns(EstimationWarning, match=said):
            other = made.predict(used.assign(**{column: used[column] + half}), kind="index")
        missing = np.isnan(np.asarray(other).reshape(len(used), -1)).any(axis=1)
        np.testing.assert_array_equal(missing, half)


@pytest.mark.parametrize("name", ["logit", "ordered_logit", "multinomial_logit"])
def test_of_unknown_units_a_conditional_model_asks_that_their_rows_agree(name: str) -> None:
    data = DATA.assign(also_x=2 * DATA["x"] + DATA["unit"] % 5, tied=3 * DATA["z"] + 1)
    made = fit(name, "fixed", data, "x + z + also_x + tied")
    new = data.iloc[:4].assign(unit=999)
    assert np.isfinite(np.asarray(made.predict(new, kind="index"))).all()
    # Within every unit known, also_x moves with x; of a new one it may be anything at the level.
    assert np.isfinite(np.asarray(made.predict(new.assign(also_x=new["also_x"] + 7), kind="index"))).all()
    for broken in (new.assign(also_x=[1.0, 5.0, 2.0, 9.0]), new.assign(tied=0.0)):
        with pytest.warns(EstimationWarning, match="4 predictions are not estimable"):
            assert np.isnan(np.asarray(made.predict(broken, kind="index"))).all()
    with pytest.warns(EstimationWarning, match="4 predictions are not estimable.*tied"):
        made.predict(new.drop(columns="unit").assign(tied=0.0), kind="index")


@pytest.mark.parametrize("name", ["logit", "ordered_logit"])
def test_a_file_knows_what_was_left_out_as_memory_does(name: str, tmp_path: Any) -> None:
    data = cells().assign(b=lambda d: d["b"].astype(str))
    data.to_parquet(tmp_path / "cells.parquet")
    one, other = (
        quiet(lambda source: getattr(gvc, name)(f"{OUTCOMES[name]} ~ cert*b", source), source)
        .margins("cert", by="b")
        .frame()
        for source in (data, tmp_path / "cells.parquet")
    )
    assert other["estimate"].isna().sum() > 0
    np.testing.assert_allclose(other["estimate"], one["estimate"], rtol=1e-5)


def moving() -> pd.DataFrame:
    """Nobody moves to or from region z."""
    rng = np.random.default_rng(5)
    units, periods = 80, 6
    n = units * periods
    home = np.repeat(rng.choice(["a", "b", "z"], units), periods)
    moves = rng.random(n) < 0.3
    place = np.where((home != "z") & moves, rng.choice(["a", "b"], n), home)
    x = rng.normal(size=n)
    y = 0.5 * x + 0.6 * (place == "b") + 2 * (place == "z") + np.repeat(rng.normal(size=units), periods)
    latent = y + rng.logistic(size=n)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(units), periods), "reg": place, "x": x, "number": latent,
            "yes": (latent > 0.5).astype(int), "rung": np.digitize(latent, [0, 1.5]),
            "count": rng.poisson(np.exp(0.3 * y)),
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "effects"), [cell for cell in CELLS if cell[1] in ("absorbed", "fixed") and cell[0] in OUTCOMES]
)
def test_a_level_that_the_unit_effects_take_up_has_no_effect_of_zero(name: str, effects: str) -> None:
    made = fit(name, effects, moving(), "x + reg")
    assert not any("reg[T.z]" in term for term in made.params.index)
    # On the scale of probabilities and means the level of every row counts, and that of z is not known.
    scale = None if name == "ols" or made.predictor.conditional else "index"
    found = made.margins("reg", contrasts="pairwise", scale=scale).frame()
    known = found["contrast"] == "b - a"
    assert found.loc[known, "estimate"].notna().all()
    assert known.sum() * 3 == len(found)
    assert found.loc[~known, ["estimate", "std_error"]].isna().all(axis=None)
    assert made.margins("x").frame()["estimate"].notna().all()


@pytest.mark.parametrize("name", ["logit", "probit", "cloglog"])
def test_a_category_that_is_always_one_is_not_predicted_as_the_base(name: str) -> None:
    data = DATA.assign(g=np.where(DATA["region"] == 0, "c", np.where(DATA["x"] > 0, "a", "b")))
    data.loc[data["g"] == "c", "yes"] = 1
    made = fit(name, "pooled", data, "z + g")
    assert any("g[T.c]" in reason for reason in made.dropped)
    found = made.margins("g").frame()
    assert found["estimate"].notna().tolist() == [True, False]
    levels = made.margins("g", kind="predictions").frame()
    assert levels["estimate"].notna().tolist() == [True, True, False]
    new = pd.DataFrame({"z": [0.0, 0.0], "g": ["a", "c"]})
    assert quiet(made.predict, new).notna().tolist() == [True, False]


def test_a_sum_that_is_broken_cannot_be_predicted() -> None:
    data = DATA.assign(total=DATA["x"] + 2 * DATA["z"] - 3)
    made = fit("ols", "pooled", data, "x + z + total")
    whole = quiet(made.predict, data.head(3))
    np.testing.assert_allclose(whole, made.predict().head(3))
    assert quiet(made.predict, data.head(3).assign(total=0.0)).isna().all()
    assert np.isnan(made.margins("x").values).all()


def test_a_jump_has_no_derivative() -> None:
    made = fit("logit", "pooled", DATA, "I(x > 0) + z")
    with pytest.raises(ModelError, match="jumps as 'x' grows"):
        made.margins("x")
    assert np.isfinite(made.margins("x", contrasts={"x": [(1, -1)]}).values).all()


# --- G. Poisson and absorbed effects ---------------------------------------------------------------------


def few_movers(units: int, regions: int, periods: int, share: float, level: float) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    region = np.empty((units, periods), dtype=int)
    region[:, 0] = rng.integers(0, regions, units)
    for t in range(1, periods):
        region[:, t] = (region[:, t - 1] + (rng.random(units) < share)) % regions
    unit = np.repeat(np.arange(units), periods)
    x = rng.normal(size=units * periods)
    count = rng.poisson(np.exp(level + 0.3 * x + 0.5 * rng.normal(size=units)[unit]))
    return pd.DataFrame({"unit": unit, "region": region.ravel(), "x": x, "count": count})


@pytest.mark.parametrize("fails", [False, "raises", "says so"])
def test_few_movers_are_estimated_as_by_dummies(fails: bool | str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the fast solver does: its releases give up in different ways."""
    data = few_movers(24, 3, 5, 0.03, 3.0)

    def gives_up(columns: np.ndarray, *_: Any, **__: Any) -> Any:
        if fails == "raises":
            raise ValueError("Demeaning failed after 10000 iterations")
        return columns, False, None

    if fails:
        monkeypatch.setattr(demeaning, "demean_within", gives_up)
    made = gvc.poisson("count ~ x | unit + region", data)
    D = pd.get_dummies(data[["unit", "region"]].astype(str)).to_numpy(dtype=float)
    Z, y = np.column_stack([data["x"], D]), data["count"].to_numpy(dtype=float)
    eta = np.log(y + 0.5)
    for _ in range(12):
        mean = np.exp(eta)
        root = np.sqrt(mean)
        b = np.linalg.lstsq(Z * root[:, None], root * (eta + (y - mean) / mean), rcond=None)[0]
        eta = Z @ b
    assert made.params["x"] == pytest.approx(b[0], rel=1e-8)


def test_singletons_that_separation_leaves_go_too() -> None:
    rng = np.random.default_rng(17)
    data = pd.DataFrame([(f, t) for f in range(30) for t in range(4)], columns=["f", "t"])
    data["x"] = rng.normal(size=len(data))
    data["count"] = rng.poisson(np.exp(0.5 * data["x"] + 0.5))
    data["p"] = rng.integers(0, 4, len(data)).astype(str)
    separated = (data["f"] < 10) & (data["t"] > 0)
    data.loc[separated, ["p", "count"]] = ["z", 0]
    data.loc[(data["f"] < 10) & (data["t"] == 0), "count"] = 2
    with pytest.warns(EstimationWarning, match="only 20 clusters"):
        made = gvc.poisson("count ~ x | f + p", data, vcov={"CRV1": "f"})
    left = data[data["f"] >= 10]
    by_hand = quiet(lambda: gvc.poisson("count ~ x | f + p", left, vcov={"CRV1": "f"}))
    assert (made.nobs, dict(made.n_clusters)) == (80, {"f": 20})
    np.testing.assert_allclose(
        [*made.params, *made.std_errors], [*by_hand.params, *by_hand.std_errors], rtol=1e-8
    )


# Correia, Guimarães & Zylkin (2020), the test data of their ppmlhdfe: y, regressors or effects, separated.
PUBLISHED = {
    "x1 + x2 + x3 + x4": "0,5,11,2,2,0 0,5,2,11,2,0 0,5,2,2,11,0 0,0,-1,-1,-1,1 1,5,5,5,5,0 2,4,4,4,4,0 "
    "3,3,3,3,3,0 4,2,2,2,2,0 5,1,1,1,1,0",
    "x1 + x2 | id1 + id2": "0,0,0,1,1,0 0,0,0,1,1,0 0,0,0,1,2,0 0,0,0,1,3,0 0,2,0,1,3,0 0,0,1,2,2,1 "
    "0,0,0,2,2,0 0,0,0,2,2,0 0,1,0,2,2,0 0,1,2,2,3,1 0,0,1,2,4,1 0,0,0,4,2,0 0,0,1,5,2,1 1,0,0,1,1,0 "
    "1,1,0,4,3,0 1,0,0,5,4,0 2,0,0,1,2,0 2,0,0,2,1,0",
    "x1 + x2 + x3": "0,0,0,1,0 0,0,0,2,0 0,0,0,1,0 0.9788354,3,2,1,0 2.2596662,1,1,2,0 2.4177196,2,2,2,0 "
    "2.6114680,4,2,1,0",
}  # fmt: skip


@pytest.mark.parametrize("terms", PUBLISHED)
def test_published_examples_of_separation(terms: str) -> None:
    columns = ["y", *terms.replace("|", "+").replace(" ", "").split("+"), "separated"]
    data = pd.DataFrame(
        [[float(v) for v in row.split(",")] for row in PUBLISHED[terms].split()], columns=columns
    )
    made = quiet(gvc.poisson, f"y ~ {terms}", data)
    found = {reason: count for reason, count in made.dropped.items() if reason.startswith("separated")}
    assert sum(found.values()) == data["separated"].sum()
    assert made.converged


def test_an_absorbed_logit_counts_what_it_left_out_once() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": rng.normal(size=600), "industry": rng.integers(0, 80, 600)})
    data["yes"] = (data["x"] + rng.logistic(size=600) > 0).astype(int)
    alone = pd.DataFrame({"x": [0.1, 0.2], "industry": [91, 92], "yes": [1, 0]})
    made = gvc.logit("yes ~ x | industry", pd.concat([data, alone], ignore_index=True))
    assert made.dropped["singleton of an absorbed effect"] == 2
    assert made.statistics["rows_left_out"] == sum(made.dropped.values()) == 602 - made.nobs
