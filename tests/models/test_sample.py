"""The estimation sample: rows, columns, codes, and every kind of bad input."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.ground.numerics.corrections import absorbed_parameters
from gvcmetrics.ground.numerics.demean import demean, singletons
from gvcmetrics.models.data.build import build_sample


@pytest.fixture
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {"firm": np.repeat([f"f{i}" for i in range(10)], 4), "year": np.tile([2000, 2001, 2002, 2004], 10)}
    )
    for name in ("y", "x", "exp2", "a b", "x:1", "país"):
        data[name] = rng.normal(size=40) + 4
    data["sector"] = np.tile(["agro", "textile", "wood", "agro"], 10)
    return data


def test_arrays_names_and_rows(panel: pd.DataFrame) -> None:
    panel.loc[[3, 7], "x"] = np.nan
    panel.loc[5, "sector"] = None
    sample = build_sample("y ~ x + sector + exp2 + `a b`:`x:1` + log(país)", panel, unit="firm", time="year")
    assert sample.names == (
        "Intercept",
        "x",
        "sector[T.textile]",
        "sector[T.wood]",
        "exp2",
        "log(país)",
        "a b:x:1",
    )
    assert sample.dropped == {"missing x": 2, "missing sector": 1}
    assert list(sample.rows) == [i for i in range(40) if i not in (3, 5, 7)]
    used = panel.iloc[sample.rows]
    np.testing.assert_allclose(sample.X[:, 6], used["a b"] * used["x:1"])
    np.testing.assert_allclose(sample.X[:, 5], np.log(used["país"]))
    assert sample.X.flags.c_contiguous
    assert sample.X.dtype == sample.y.dtype == np.float64
    assert list(sample.unit_labels[sample.unit]) == list(used["firm"])
    assert list(sample.time_labels[sample.time]) == list(used["year"])
    assert sample.frame["x"].notna().all()


def test_several_outcomes_are_columns(panel: pd.DataFrame) -> None:
    sample = build_sample("y + log(x) ~ exp2", panel)
    np.testing.assert_allclose(sample.y, np.column_stack([panel["y"], np.log(panel["x"])]))
    assert sample.outcome == ("y", "log(x)")


def test_design_rebuilds_regressors_at_other_values(panel: pd.DataFrame) -> None:
    sample = build_sample(
        "y ~ x * sector + poly(exp2, 2) + bs(`a b`, df=4) + L(x)", panel, unit="firm", time="year"
    )
    np.testing.assert_allclose(sample.design.matrix(sample.frame), sample.X, rtol=1e-12)
    wood = sample.design.matrix(sample.frame.assign(sector="wood", x=2.0))
    column = sample.names.index("x:sector[T.wood]")
    np.testing.assert_array_equal(wood[:, column], 2.0)
    # A lag is a column of its own: setting x today leaves yesterday's x alone.
    lag = sample.names.index("L(x)")
    np.testing.assert_array_equal(wood[:, lag], sample.X[:, lag])
    with pytest.raises(DataError, match="'steel' was not in the estimation sample"):
        sample.design.matrix(sample.frame.assign(sector="steel"))


def test_lags_leave_gaps_in_years_missing(panel: pd.DataFrame) -> None:
    shuffled = panel.sample(frac=1, random_state=3)
    sample = build_sample("y ~ L(x)", shuffled, unit="firm", time="year")
    used = shuffled.iloc[sample.rows]
    assert set(used["year"]) == {2001, 2002}
    wanted = panel.set_index(["firm", "year"])["x"]
    np.testing.assert_array_equal(
        sample.X[:, 1],
        [wanted[firm, year - 1] for firm, year in zip(used["firm"], used["year"], strict=True)],
    )
    assert sample.dropped == {"missing L(x)": 20}


def test_lag_ignores_what_is_missing_today(panel: pd.DataFrame) -> None:
    panel.loc[1, "x"] = np.nan
    sample = build_sample("y ~ L(x)", panel, unit="firm", time="year")
    assert 1 in sample.rows
    assert 2 not in sample.rows


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"unit": "firm"}, "Pass unit= and time="),
        ({"year": "2000"}, {"unit": "firm", "time": "year"}, "has period 2000 twice"),
        (
            {"year": 2000},
            {"unit": "firm", "time": "year"},
            r"row 3, column 'year': unit 'f0' has period 2000 twice",
        ),
    ],
)
def test_lags_need_a_panel(panel: pd.DataFrame, change: dict, options: dict, message: str) -> None:
    with pytest.raises((ModelError, DataError), match=message):
        build_sample("y ~ L(x)", panel.assign(**change), **options)


@pytest.mark.parametrize("back", [1, 2, 3])
def test_a_difference_is_today_less_as_many_periods_ago(panel: pd.DataFrame, back: int) -> None:
    panel = panel.sample(frac=1, random_state=4)
    made = build_sample(f"y ~ D(x, {back}) + L(x, {back})", panel, unit="firm", time="year")
    used = panel.iloc[made.rows]
    before = pd.MultiIndex.from_arrays([used["firm"], used["year"] - back])
    earlier = panel.set_index(["firm", "year"])["x"].reindex(before)
    assert made.nobs > 0
    columns = dict(zip(made.names, made.X.T, strict=True))
    difference, lag = columns[f"D(x, {back})"], columns[f"L(x, {back})"]
    np.testing.assert_allclose(lag, earlier)
    np.testing.assert_allclose(difference, used["x"].to_numpy() - earlier.to_numpy())


def test_a_row_that_counts_twice_is_no_singleton_and_one_that_counts_once_is() -> None:
    frame = pd.DataFrame({"g": [1, 1, 2, 3], "x": [1.0, 3.0, 2.0, 5.0], "y": [1.0, 2.0, 4.0, 3.0]})
    frame["times"] = [1, 1, 2, 1]
    made = build_sample("y ~ x | g", frame, weights="times", frequency=True)
    assert made.rows.tolist() == [0, 1, 2]
    assert made.dropped == {"singleton of an absorbed effect": 1}
    repeated = build_sample("y ~ x | g", frame.loc[frame.index.repeat(frame["times"])])
    assert made.nobs == repeated.nobs == 4
    assert build_sample("y ~ x | g", frame, weights="times").rows.tolist() == [0, 1]


def test_crossed_effects_and_codes(panel: pd.DataFrame) -> None:
    sample = build_sample("y ~ x | firm^sector + year", panel, clusters=["firm^year", "sector"])
    assert list(sample.absorbed) == ["firm^sector", "year"]
    used = panel.iloc[sample.rows]
    groups = used.groupby(["firm", "sector"]).ngroup().to_numpy()
    assert pd.Series(groups).groupby(sample.absorbed["firm^sector"]).nunique().eq(1).all()
    assert sample.absorbed["year"].dtype == np.int32
    assert sample.dropped["singleton of an absorbed effect"] == 20
    assert len(np.unique(sample.codes("firm^year"))) == 20
    assert "Intercept" not in sample.names


def test_codes_of_a_column_with_gaps_are_refused(panel: pd.DataFrame) -> None:
    panel["region"] = "north"
    panel.loc[4, "region"] = None
    with pytest.raises(
        DataError, match=r"row 6, column 'region': 1 rows of the estimation sample have no group"
    ):
        build_sample("y ~ x", panel).codes("region")


@pytest.mark.parametrize(
    ("formula", "lost"),
    [
        ("y ~ x + twice + exp2", "twice"),
        ("y ~ x + one", "one"),
        ("y ~ x + exp2 + both", "both"),
        ("y ~ x + big", None),
    ],
)
def test_collinear_columns_are_named(panel: pd.DataFrame, formula: str, lost: str | None, recwarn) -> None:
    data = panel.assign(
        twice=panel["x"] * 2 + 1e5,
        one=1.0,
        both=panel["x"] - 3 * panel["exp2"],
        big=panel["x"] + 1e-4 * panel["exp2"],
    )
    sample = build_sample(formula, data)
    warned = [str(warning.message) for warning in recwarn if warning.category is EstimationWarning]
    assert warned == ([f"dropped because collinear with other regressors: {lost}"] if lost else [])
    assert (lost in sample.names) is False if lost else "big" in sample.names
    np.testing.assert_allclose(sample.design.matrix(sample.frame), sample.X)


def test_constant_within_absorbed_effects_is_dropped(panel: pd.DataFrame) -> None:
    panel["size"] = panel.groupby("firm")["x"].transform("mean") * 1e6
    with pytest.warns(EstimationWarning, match="absorbed effects: size"):
        sample = build_sample("y ~ x + size | firm + year", panel)
    assert sample.names == ("x",)


def test_weights(panel: pd.DataFrame) -> None:
    panel["w"] = [0.0, np.nan, *([2.0] * 38)]
    sample = build_sample("y ~ x", panel, weights="w")
    assert sample.dropped == {"missing w": 1, "zero weight": 1}
    assert sample.nobs == 38
    assert build_sample("y ~ x", panel, weights="w", frequency=True).nobs == 76
    for bad, message in [
        (-1.0, "row 2, column 'w': weight -1; 1 weights are negative"),
        (np.inf, "weight inf"),
    ]:
        panel.loc[0, "w"] = bad
        with pytest.raises(DataError, match=message):
            build_sample("y ~ x", panel, weights="w")
    with pytest.raises(DataError, match="weights must be numbers"):
        build_sample("y ~ x", panel, weights="sector")


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ expp2", "column 'expp2': no such column in the data. Did you mean 'exp2'"),
        ("y ~ x | frm", "column 'frm'.*Did you mean 'firm'"),
        ("y ~ x.values", r"column 'x.values': no such column"),
        ("sector ~ x", "column 'sector': numbers are needed"),
        ("y ~ log(zero)", r"row 2, column 'log\(zero\)': the regressor is infinite in 1 rows.*asinh"),
        ("log(zero) ~ x", r"column 'log\(zero\)': the outcome is infinite"),
        ("y ~ never", r"no observation is left. Rows were dropped: missing never \(40\)"),
        ("y ~ log(sector)", "cannot be computed"),
        ("y ~ unknown_function(x)", "is not a function of formulas here"),
        ("y ~ when", "column 'when': dates cannot be used as numbers"),
        ("log(y) ~ x + log(y)", r"'log\(y\)' is the outcome and a regressor"),
    ],
)
def test_bad_columns(panel: pd.DataFrame, formula: str, message: str) -> None:
    panel["zero"] = np.arange(40.0)
    panel["never"] = np.nan
    panel["when"] = pd.date_range("2000-01-01", periods=40)
    with pytest.raises((DataError, ModelError), match=message):
        build_sample(formula, panel)


def test_bad_frames(panel: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="must be a frame, not dict"):
        build_sample("y ~ x", panel.to_dict("list"))
    with pytest.raises(DataError, match="two columns of this name"):
        build_sample("y ~ x", pd.concat([panel, panel[["x"]]], axis=1))
    with pytest.raises(ModelError, match="no observation is left"):
        build_sample("y ~ x", panel.head(0))


def test_untrusted_formula_is_refused(panel: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match="calls 'eval'"):
        build_sample("y ~ I(eval('1'))", panel, trusted=False)
    with pytest.raises(ModelError, match="calls 'eval'"):
        build_sample("y ~ x", panel, offset="eval('x')", trusted=False)
    np.testing.assert_allclose(
        build_sample("y ~ x", panel, offset="log(x)", trusted=False).offset, np.log(panel["x"])
    )


def test_undefined_terms_are_counted(panel: pd.DataFrame) -> None:
    panel.loc[[0, 1], "x"] = -1.0
    assert build_sample("y ~ log(x)", panel).dropped == {"undefined value of a computed term": 2}


def test_categorical_outcome(panel: pd.DataFrame) -> None:
    sample = build_sample("sector ~ x", panel, categorical=True)
    assert sample.categories == ("agro", "textile", "wood")
    assert not sample.categories_ordered
    assert [sample.categories[int(code)] for code in sample.y] == list(panel["sector"])
    order = pd.CategoricalDtype(["wood", "steel", "textile", "agro"], ordered=True)
    with pytest.warns(EstimationWarning, match="'steel' of 'sector' has no observation"):
        sample = build_sample("sector ~ x", panel.astype({"sector": order}), categorical=True)
    assert sample.categories == ("wood", "textile", "agro")
    assert sample.categories_ordered
    assert build_sample("year ~ x", panel, categorical=True).categories == (2000, 2001, 2002, 2004)
    with pytest.raises(ModelError, match="one column"):
        build_sample("log(x) ~ y", panel, categorical=True)


def test_lineage_refuses_a_shared_raw_variable(panel: pd.DataFrame) -> None:
    panel.attrs["lineage"] = {"y": ["sales_usd", "employment"], "x": ["employment"], "exp2": ["exports_usd"]}
    with pytest.raises(
        ModelError, match="regressor 'x' and outcome 'y' are made from the same raw variable 'employment'"
    ):
        build_sample("log(y) ~ exp2 + log(x)", panel)
    with pytest.raises(ModelError, match="'x' and outcome 'y'"):
        build_sample("y ~ D(x)", panel, unit="firm", time="year")
    assert build_sample("y ~ exp2 + L(x) + L(y)", panel, unit="firm", time="year").names[1:] == (
        "exp2",
        "L(x)",
        "L(y)",
    )


def test_the_users_frame_is_left_alone(panel: pd.DataFrame) -> None:
    before = panel.copy()
    sample = build_sample("y ~ L(x) + sector", panel, unit="firm", time="year")
    pd.testing.assert_frame_equal(panel, before)
    panel["x"] = 0.0
    panel["sector"] = "x"
    np.testing.assert_allclose(sample.design.matrix(sample.frame), sample.X)


def test_dtypes_do_not_matter(panel: pd.DataFrame) -> None:
    panel["n"], panel["flag"] = np.arange(40), panel["x"] > 3
    plain = build_sample("y ~ n + flag + sector", panel)
    other = panel.astype({"n": "Int32", "y": "Float64", "sector": "category", "flag": "boolean"})
    np.testing.assert_allclose(build_sample("y ~ n + flag + sector", other).X, plain.X)
    strings = panel.astype({"sector": object, "n": object})
    assert build_sample("y ~ n + flag + sector", strings).names == plain.names


def test_memory_stays_near_the_arrays() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(size=(200_000, 7)), columns=["y", *"abcdef"])
    build_sample("y ~ a + b", data.head(100))
    tracemalloc.start()
    sample = build_sample("y ~ a + b + c + d + e + f", data)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    arrays = sample.X.nbytes + sample.y.nbytes + sample.rows.nbytes
    assert kept < 1.2 * arrays
    assert peak < 3.0 * arrays


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.booleans())
def test_demeaned_columns_equal_residuals_on_dummies(seed: int, effects: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    codes = []
    for _ in range(effects):
        codes.append(
            np.unique(rng.integers(0, rng.integers(2, 9), 60), return_inverse=True)[1].astype(np.int32)
        )
    columns = rng.normal(size=(60, 2)) * [1, 1e5] + [0, 1e3]
    weights = rng.uniform(0.1, 3, 60) if weighted else None
    dummies = np.column_stack([np.eye(code.max() + 1)[code] for code in codes])
    root = np.ones(60) if weights is None else np.sqrt(weights)
    coefficients = np.linalg.lstsq(dummies * root[:, None], columns * root[:, None], rcond=None)[0]
    np.testing.assert_allclose(
        demean(columns, codes, weights) / [1, 1e5], (columns - dummies @ coefficients) / [1, 1e5], atol=1e-8
    )
    if effects <= 2:
        assert absorbed_parameters(codes) == np.linalg.matrix_rank(dummies)


def test_singletons_are_found_in_rounds() -> None:
    # Row 4 is alone in its unit; without it row 3 is alone in its year.
    units, years = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1])
    assert list(singletons([units, years])) == [False, False, True, True, True]
    assert absorbed_parameters([units], [np.zeros(5, dtype=int)]) == 1


def test_stored_columns_give_the_matrix_that_formulaic_makes(panel: pd.DataFrame) -> None:
    panel["count"] = np.arange(40, dtype=np.int32)
    panel["short"] = panel["x"].astype("float32")
    columns = "exp2 + `a b` + count + short"
    plain = build_sample(f"y ~ {columns}", panel)
    # A computed term sends all columns through formulaic.
    computed = build_sample(f"y ~ {columns} + log(x)", panel)
    assert computed.names == (*plain.names, "log(x)")
    np.testing.assert_array_equal(plain.X, computed.X[:, :-1])
    np.testing.assert_array_equal(plain.design.matrix(panel.iloc[::-1]), plain.X[::-1])
    without = build_sample("y ~ 0 + count + x", panel)
    assert without.names == ("count", "x")
    np.testing.assert_array_equal(without.X, panel[["count", "x"]])


def test_selecting_rows_keeps_codes_without_gaps(panel: pd.DataFrame) -> None:
    sample = build_sample("y ~ x", panel, unit="firm", time="year")
    keep = ~panel["firm"].isin(["f0", "f4"]).to_numpy()
    fewer = sample.select(keep, "left out")
    assert list(fewer.unit_labels) == ["f1", "f2", "f3", "f5", "f6", "f7", "f8", "f9"]
    assert list(fewer.unit_labels[fewer.unit]) == list(panel.loc[keep, "firm"])
    np.testing.assert_array_equal(fewer.X, sample.X[keep])
