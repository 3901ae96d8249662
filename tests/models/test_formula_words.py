"""fixest's words of formulas: each is what the same columns made by hand are, in every model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.formulas.bases import poly
from gvcmetrics.models.data.formulas.several import formulas
from gvcmetrics.models.registry import responses
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList
from gvcmetrics.report.tables.terms import term_label
from gvcmetrics.simulate.panels import RESPONSES, simulate_panel

CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if effects != "absorbed"
]


def panel(name: str, effects: str = "pooled") -> pd.DataFrame:
    """Four periods of each unit, the columns by hand beside those that formulas are to make."""
    data = simulate_panel(name if name in RESPONSES else "ols", effects, units=45, periods=4, seed=4)
    rng = np.random.default_rng(2)
    data["time"] = data.groupby("unit").cumcount() + 2001
    data["g"] = rng.choice(list("abc"), len(data))
    data["s"] = rng.choice(["north", "south"], len(data))
    data["z"] = rng.normal(size=len(data))
    ordered = data.sort_values(["unit", "time"])
    data["z_before"] = ordered.groupby("unit")["z"].shift(1)
    data["z_after"] = ordered.groupby("unit")["z"].shift(-1)
    for level in "abc":
        data[f"is_{level}"] = (data["g"] == level).astype(float)
        data[f"z_{level}"] = data["z"] * data[f"is_{level}"]
    for year in (2002, 2003, 2004):
        data[f"t_{year}"] = (data["time"] == year).astype(float)
    return data.sample(frac=1.0, random_state=1)


def fit(name: str, data: pd.DataFrame, right: str, left: str = "", **options: Any) -> Results | ResultsList:
    left = left or data.attrs["formula"].split("~")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return getattr(gvc, name)(f"{left} ~ {right}", data, unit="unit", time="time", **options)


BY_HAND = {
    "x1 + i(g, z, ref='b')": "x1 + z_a + z_c",
    "x1 + i(g, ref='c')": "x1 + is_a + is_b",
    "x1 + L(z, 0:1)": "x1 + z + z_before",
    "x1 + L(z, -1:0)": "x1 + z_after + z",
    "poly(x1, 2, raw=True) + z": "x1 + I(x1**2) + z",
    "x1 + i(time, ref=2001)": "x1 + t_2002 + t_2003 + t_2004",
    "x1 + i(g, i.s, ref='a', ref2='north')": "x1 + I(is_b * (s == 'south')) + I(is_c * (s == 'south'))",
}
# Every second of the cells in which a model takes its time.
CASES = [
    (*cell, [*BY_HAND][number % len(BY_HAND)])
    for number, cell in enumerate(CELLS)
    if cell[1] in ("pooled", "fixed") or number % 2
]


@pytest.mark.parametrize(("name", "effects", "word"), CASES)
def test_a_word_is_what_its_columns_by_hand_are(name: str, effects: str, word: str) -> None:
    data = panel(name, effects)
    one, other = (fit(name, data, right, effects=effects) for right in (word, BY_HAND[word]))
    assert one.params.to_numpy() == pytest.approx(other.params.to_numpy(), rel=1e-6, abs=1e-8)
    assert one.cov.to_numpy() == pytest.approx(other.cov.to_numpy(), rel=1e-5, abs=1e-9)
    kind = "index" if one.predictor is not None and one.predictor.conditional else "mean"
    # The first rows alone have another spread, mean and set of levels than those of the estimates.
    rows = data[data["unit"].isin(data["unit"].unique()[:3])]
    assert np.asarray(one.predict(rows, kind)) == pytest.approx(
        np.asarray(other.predict(rows, kind)), rel=1e-6, abs=1e-9, nan_ok=True
    )


@pytest.mark.parametrize("word", list(BY_HAND))
def test_every_word_in_one_model(word: str) -> None:
    data = panel("logit")
    one, other = fit("logit", data, word), fit("logit", data, BY_HAND[word])
    assert one.loglik == pytest.approx(other.loglik, abs=1e-9)
    assert one.params.to_numpy() == pytest.approx(other.params.to_numpy(), rel=1e-6)


@pytest.mark.parametrize(
    "formula", ["y ~ i(g, z)", "y ~ i(g)", "y ~ i(g, z, ref='b')", "y ~ i(time, z, ref=2001) + i(g) | unit"]
)
def test_i_is_pyfixests(formula: str) -> None:
    import pyfixest

    data = panel("ols")
    theirs = pyfixest.feols(formula, data.assign(y=data["y"]), vcov="hetero").tidy()
    ours = gvc.ols(formula, data, vcov="hetero")
    assert ours.params.loc[theirs.index].to_numpy() == pytest.approx(theirs["Estimate"].to_numpy(), rel=1e-6)
    assert ours.std_errors.loc[theirs.index].to_numpy() == pytest.approx(
        theirs["Std. Error"].to_numpy(), rel=1e-6
    )


def test_margins_of_levels_and_of_slopes_by_level() -> None:
    data = panel("logit")
    one, other = (
        fit("logit", data, "x1 + i(g, ref='b') + i(g, z)"),
        fit("logit", data, "x1 + C(g, Treatment('b')) + C(g):z"),
    )
    for variable in ("g", "z"):
        found, known = one.margins(variable).tidy(), other.margins(variable).tidy()
        assert found["estimate"].to_numpy() == pytest.approx(known["estimate"].to_numpy(), rel=1e-9)
        assert found["std_error"].to_numpy() == pytest.approx(known["std_error"].to_numpy(), rel=1e-6)


@pytest.mark.parametrize("word", ["poly(x1, 3)", "poly(x1, 3, raw=True)"])
def test_the_slope_of_a_polynomial_is_its_derivative(word: str) -> None:
    data = panel("probit").assign(x1=lambda frame: frame["x1"] + 40)
    result = fit("probit", data, f"{word} + z")
    h = 1e-5
    up, down = (result.predict(data.assign(x1=data["x1"] + step)) for step in (h, -h))
    assert result.margins("x1").tidy()["estimate"][0] == pytest.approx(
        ((up - down) / (2 * h)).mean(), rel=1e-5
    )


def test_orthogonal_polynomials_are_orthonormal_and_span_the_powers() -> None:
    x = np.random.default_rng(0).gamma(2.0, size=80) * 30 + 4000
    P = np.asarray(poly(x, 4))
    assert pytest.approx(np.eye(4), abs=1e-9) == P.T @ P
    assert P.sum(axis=0) == pytest.approx(np.zeros(4), abs=1e-9)
    powers = np.vander((x - x.mean()) / x.std(), 5)
    assert powers @ np.linalg.lstsq(powers, P, rcond=None)[0] == pytest.approx(P, abs=1e-9)


def test_i_without_a_reference() -> None:
    data = panel("ols")
    assert [*fit("ols", data, "i(g)").params.index] == ["Intercept", "g::b", "g::c"]
    assert [*fit("ols", data, "0 + i(g)").params.index] == ["g::a", "g::b", "g::c"]
    assert [*fit("ols", data, "i(g) | unit").params.index] == ["g::b", "g::c"]
    assert [*fit("ols", data, "i(g, z)").params.index] == ["Intercept", "g::a:z", "g::b:z", "g::c:z"]
    assert [*fit("ols", data, "i(g, z, ref=True)").params.index] == ["Intercept", "g::b:z", "g::c:z"]
    assert [*fit("ols", data, "i(time, z, c(2001, 2003))").params.index] == [
        "Intercept", "time::2002:z", "time::2004:z",
    ]  # fmt: skip
    assert [*fit("ols", data, "i(s, keep='sou')").params.index] == ["Intercept", "s::south"]
    assert [*fit("ols", data, "i(s, ref='@^n')").params.index] == ["Intercept", "s::south"]
    holes = data.assign(time=data["time"].astype(float).where(data.index != data.index[0]))
    assert "time::2002" in gvc.ols("y ~ i(time, ref=2001)", holes).params


def test_labels_of_levels() -> None:
    assert term_label("g::b:z", {"g": "Group"}) == "Group = b × z"
    assert term_label("x:g::b") == "x × g = b"


@pytest.mark.parametrize(
    ("right", "message"),
    [
        ("i(g, ref='bb')", "ref='bb' is no level of 'g' in the rows of the estimates. Did you mean 'b'"),
        ("i(g, keep='q')", "keep='q' is no level of 'g' in the rows of the estimates. Levels are a, b, c"),
        ("i(g, reff='b')", "'reff' .* is not known. Did you mean ref"),
        ("i(g, bin='b')", "Make the bins a column first"),
        ("i(g, z, x1)", r"Write i\(f\)"),
        ("i(g, z, ref2='a')", r"Write i\(g, i.z\)"),
        ("i(g, ref2='a')", "no second variable"),
        ("D(z, 0:1)", "over 0 periods"),
        ("splines(z)", r"Write cr\(x, df=4\)"),
        ("..('^q')", "no column is found"),
        ("..(z)", "a pattern in quotes"),
        ("..('(')", "no regular expression"),
        ("sw(x1, sw(z))", "several stepwise functions"),
        ("sw(x1) + csw(z)", "several stepwise functions"),
        ("z*sw0(x1)", "leave nothing to multiply"),
        ("sw()", r"Write sw\(x1, x2\)"),
        ("csw(x1, zz)", "no such column"),
    ],
)
def test_mistakes_are_one_sentence_and_a_remedy(right: str, message: str) -> None:
    with pytest.raises((ModelError, DataError), match=message):
        fit("ols", panel("ols"), right)


def test_a_formula_that_is_not_trusted_has_the_same_words_and_no_patterns() -> None:
    formula = Formula.parse("y ~ i(g, z, ref=['a', 'b']) + L(z, 0:2)", trusted=False)
    assert set(formula.variables) == {"y", "g", "z"}
    data = panel("ols")
    assert len(fit("ols", data, "csw(x1, z)", split="s == 'north'", trusted=False)) == 4
    for options in ({"subset": "z.values"}, {"split": "z.values"}):
        with pytest.raises(ModelError, match="reads an attribute"):
            fit("ols", data, "x1", trusted=False, **options)
    with pytest.raises(ModelError, match="names its columns"):
        fit("ols", data, "..('^x')", trusted=False)


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("y ~ x + sw(a, b)", ["y ~ x + a", "y ~ x + b"]),
        ("y ~ x + sw0(a, b)", ["y ~ x", "y ~ x + a", "y ~ x + b"]),
        ("y ~ x + csw(a, b)", ["y ~ x + a", "y ~ x + a + b"]),
        ("y ~ csw0(a, b)", ["y ~ 1", "y ~ a", "y ~ a + b"]),
        (
            "y ~ mvsw(a, b, c) | f",
            [f"y ~ {x} | f" for x in ("1", "a", "b", "c", "a + b", "a + c", "b + c", "a + b + c")],
        ),
        ("y ~ x | csw0(f, f^g)", ["y ~ x", "y ~ x | f", "y ~ x | f + f^g"]),
        ("c(y, log(z)) ~ sw(a, b) | sw(f, g)", [
            f"{y} ~ {x} | {f}" for y in ("y", "log(z)") for f in "fg" for x in "ab"
        ]),
        ("y ~ x*sw(a, b + d)", ["y ~ x*(a)", "y ~ x*(b + d)"]),
        ("..('^y') ~ ..('^x')", ["y1 ~ (x1 + `x 2`)", "y2 ~ (x1 + `x 2`)"]),
        ("y ~ sw(a, b) | f | d ~ z", ["y ~ a | f | d ~ z", "y ~ b | f | d ~ z"]),
        ("y ~ sw(a, b) | d ~ z", ["y ~ a | d ~ z", "y ~ b | d ~ z"]),
        ("y ~ sw0(a) [d ~ z]", ["y ~ 1 [d ~ z]", "y ~ a [d ~ z]"]),
        ("y ~ csw(`sw(q)`, i(g, ref=c(1, 2)))", ["y ~ `sw(q)`", "y ~ `sw(q)` + i(g, ref=c(1, 2))"]),
    ],
)  # fmt: skip
def test_the_formulas_that_one_stands_for(text: str, each: list[str]) -> None:
    made = formulas(text, ["x1", "x 2", "y1", "y2", "z"])
    assert made is not None
    assert [one.text for one in made] == each


def test_a_formula_without_steps_is_left_alone() -> None:
    for text in ("y ~ x", "y ~ `sw(a)`", "y ~ i(g, ref=c(1, 2)) | f^g", "y ~ sword + c"):
        assert formulas(text, ["x"]) is None


@pytest.mark.parametrize("name", list(responses()))
def test_each_of_several_is_the_formula_alone_on_its_rows(name: str) -> None:
    data = panel(name)
    left = data.attrs["formula"].split("~")[0].strip()
    found = fit(name, data, "x1 + csw0(i(g))", fsplit="s", left=f"c({left})" if "+" not in left else left)
    assert isinstance(found, ResultsList)
    assert len(found) == 6
    expected = [
        fit(name, rows, right)
        for rows in (data, data[data["s"] == "north"], data[data["s"] == "south"])
        for right in ("x1", "x1 + i(g)")
    ]
    for one, alone in zip(found, expected, strict=True):
        assert one.params.to_numpy() == pytest.approx(alone.params.to_numpy(), rel=1e-9, abs=1e-9)
        assert one.cov.to_numpy() == pytest.approx(alone.cov.to_numpy(), rel=1e-7, abs=1e-10)
        assert one.nobs == alone.nobs


@pytest.fixture(scope="module")
def grid() -> ResultsList:
    data = panel("ols").assign(y2=lambda frame: frame["y"] ** 2)
    return gvc.ols("c(y, y2) ~ x1 + sw0(z) | csw0(g, s)", data, split="time", vcov={"CRV1": "unit"})


def test_the_order_is_sample_outcome_effects_regressors(grid: ResultsList) -> None:
    assert len(grid) == 4 * 2 * 3 * 2
    assert grid.keys.iloc[0].tolist() == ["2001", "y", "x1", ""]
    assert grid.keys.iloc[1].tolist() == ["2001", "y", "x1 + z", ""]
    assert grid.keys.iloc[2].tolist() == ["2001", "y", "x1", "g"]
    assert grid.keys.iloc[4].tolist() == ["2001", "y", "x1", "g + s"]
    assert grid.keys.iloc[6].tolist() == ["2001", "y2", "x1", ""]
    assert grid.keys.iloc[12].tolist() == ["2002", "y", "x1", ""]
    for result, key in zip(grid, grid.keys.itertuples(), strict=True):
        assert result.outcome == key.outcome
        assert " + ".join(result.absorbed) == key.absorbed
        assert f"time == {key.sample}" in result.call


def test_results_are_filtered_by_what_sets_them_apart(grid: ResultsList) -> None:
    some = grid.filter(outcome="y2", sample=[0, -1], regressors="z", absorbed=1)
    assert some.keys.to_numpy().tolist() == [[year, "y2", "x1 + z", "g"] for year in ("2001", "2004")]
    assert some[0] is grid[9]
    assert len(grid.filter(outcome="^y$")) == 24
    assert len(grid[:5]) == 5
    with pytest.raises(ModelError, match=r"no outcome is found by 'y3'\. Did you mean 'y"):
        grid.filter(outcome="y3")
    with pytest.raises(ModelError, match="4 kinds of sample"):
        grid.filter(sample=4)


def test_results_become_frames_and_tables(grid: ResultsList) -> None:
    some = grid.filter(absorbed=0, outcome=0, sample=[0, 1])
    tidy = some.tidy()
    assert tidy.loc[tidy["number"] == 2, "estimate"].tolist() == some[1].params.tolist()
    assert some.glance()["nobs"].tolist() == [result.nobs for result in some]
    frame = some.to_frame()
    assert frame["x1"].tolist() == [result.params["x1"] for result in some]
    assert np.isnan(frame["z"][0])
    text = str(some)
    assert "4 models, OLS; outcome: y. Errors: clustered (CRV1) by unit." in text
    assert max(map(len, text.splitlines())) <= 92
    assert "<table" in some._repr_html_()
    printed = str(gvc.table(some))
    assert printed.index("2001") < printed.index("2002")
    errors = some.with_vcov("hetero")
    assert errors[1].std_errors.to_numpy() == pytest.approx(some[1].with_vcov("hetero").std_errors.to_numpy())


def test_a_subset_is_its_rows_but_lags_see_the_others() -> None:
    data = panel("ols")
    inside = data["time"] > 2001
    for subset in ("time > 2001", inside, inside.to_numpy(), inside.tolist()):
        one = fit("ols", data, "x1 + L(z)", subset=subset)
        assert one.nobs == int(inside.sum())
        assert one.params.tolist() == pytest.approx(fit("ols", data[inside], "x1 + z_before").params.tolist())
    assert one.call.endswith("subset=mask)")
    assert fit("ols", data, "x1", subset="time > 2001").dropped == {"outside the subset time > 2001": 45}
    both = fit("ols", data, "x1", subset="g == 'a'", split="s")
    assert [r.nobs for r in both] == [
        int(((data["g"] == "a") & (data["s"] == s)).sum()) for s in ("north", "south")
    ]
    assert eval(both[1].call, {"gvc": gvc, "data": data}).params.tolist() == both[1].params.tolist()
    masked = fit("ols", data, "x1", subset=data["g"] == "a", split="s")
    assert [r.params.tolist() for r in masked] == [r.params.tolist() for r in both]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "g"}, "numbers are needed"),
        ({"subset": "z"}, "is true or false"),
        ({"subset": "times > 2001"}, "Did you mean 'time'"),
        ({"subset": [True]}, "1 entries for 180 rows"),
        ({"subset": "z > 99"}, "no row is in the subset"),
        ({"split": "ss"}, "Did you mean 's'"),
        ({"split": "s", "fsplit": "s"}, "at once"),
        ({"split": "when"}, "text or numbers, not Timestamp"),
    ],
)
def test_what_no_sample_is(options: dict[str, Any], message: str) -> None:
    data = panel("ols").assign(when=pd.Timestamp("2001-01-01"))
    with pytest.raises((ModelError, DataError), match=message):
        fit("ols", data, "x1", **options)


def test_a_sample_that_cannot_be_estimated_is_left_out_and_named() -> None:
    data = panel("logit")
    data.loc[data["s"] == "south", "y"] = 1
    with pytest.warns(EstimationWarning, match="not estimated: y ~ x1, sample south: .* is 1 in all"):
        found = gvc.logit("y ~ x1", data, fsplit="s")
    assert found.keys["sample"].tolist() == ["Full sample", "north"]
    with pytest.raises(ModelError, match="is 1 in all"):
        gvc.logit("y ~ csw(x1, z)", data[data["s"] == "south"])


def test_files_are_split_too(tmp_path: Any) -> None:
    data = panel("logit")
    path = tmp_path / "panel.parquet"
    data.to_parquet(path)
    found = gvc.logit("y ~ x1 + csw0(i(g, z, ref='b'))", path, split="s", subset="time > 2001")
    known = gvc.logit("y ~ x1 + csw0(i(g, z, ref='b'))", data, split="s", subset="time > 2001")
    assert found.keys.equals(known.keys)
    for one, other in zip(found, known, strict=True):
        assert one.params.to_numpy() == pytest.approx(other.params.to_numpy(), rel=1e-6)
    with pytest.raises(ModelError, match="chosen by a condition"):
        gvc.logit("y ~ x1", path, subset=[True])
