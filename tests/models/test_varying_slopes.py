"""Slopes by group that are absorbed are dummies times the variable, whatever is asked of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.engine.response import WITH_SLOPES
from gvcmetrics.models.registry import responses

pytestmark = pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
DUMMIES = {
    "z | id[x]": "z + C(id)*x",
    "z | id[[x]]": "z + C(id):x",
    "z | id[x, q] + year": "z + C(id)*x + C(id)*q + C(year)",
    "z | g[[x]] + year": "z + C(g):x + C(year)",
    "z | id[x] + g[q]": "z + C(id)*x + C(g)*q",
    "z | id^g[[x]]": "z + C(idg):x",
}


def panel() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    units, periods = 12, 15
    n = units * periods
    data = pd.DataFrame(
        {"id": np.repeat(np.arange(units), periods), "year": np.tile(np.arange(periods), units)}
    )
    data["g"] = rng.choice(list("abc"), n)
    data["idg"] = data["id"].astype(str) + data["g"]
    data["x"], data["z"], data["q"] = rng.normal(size=(3, n)) + np.array([[30], [0], [0]])
    data["w"] = rng.uniform(0.5, 2, n)
    data["y"] = data["z"] + 0.3 * (data["id"] % 3) * data["x"] + rng.normal(size=n)
    data["p"] = rng.poisson(np.exp(0.3 * data["z"] + 0.1 * (data["x"] - 30)))
    # In one unit the variable does not vary, so that its slope is not known.
    data.loc[data["id"] == 4, "x"] = 31.0
    return data.sample(frac=1, random_state=1)


DATA = panel()


@pytest.mark.parametrize("right", list(DUMMIES))
def test_slopes_are_dummies_times_the_variable(right: str) -> None:
    ours = gvc.ols(f"y ~ {right}", DATA)
    theirs = smf.ols(f"y ~ {DUMMIES[right]}", DATA).fit()
    assert ours.params["z"] == pytest.approx(theirs.params["z"], rel=1e-9)
    assert ours.std_errors["z"] == pytest.approx(theirs.bse["z"], rel=1e-9)
    assert ours.df_resid == theirs.df_resid
    assert ours.loglik == pytest.approx(theirs.llf, abs=1e-6)
    assert ours.fitted_values.to_numpy() == pytest.approx(theirs.fittedvalues.to_numpy(), abs=1e-7)
    rows = DATA.sample(20, random_state=3).assign(z=1.0, q=0.5)
    assert ours.predict(rows).to_numpy() == pytest.approx(theirs.predict(rows).to_numpy(), abs=1e-6)


@pytest.mark.parametrize("right", list(DUMMIES))
def test_weights_and_robust_errors(right: str) -> None:
    ours = gvc.ols(f"y ~ {right}", DATA, weights="w", vcov="hetero")
    theirs = smf.wls(f"y ~ {DUMMIES[right]}", DATA, weights=DATA["w"]).fit(cov_type="HC1")
    assert ours.params["z"] == pytest.approx(theirs.params["z"], rel=1e-9)
    assert ours.std_errors["z"] == pytest.approx(theirs.bse["z"], rel=1e-8)


@pytest.mark.parametrize("right", ["z | id[x]", "z | g[[x]] + year", "z | id[x] + g[q]"])
def test_poisson_has_them_too(right: str) -> None:
    ours = gvc.poisson(f"p ~ {right}", DATA)
    theirs = smf.glm(f"p ~ {DUMMIES[right]}", DATA, family=sm.families.Poisson()).fit(tol=1e-13)
    assert ours.params["z"] == pytest.approx(theirs.params["z"], rel=1e-7)
    assert ours.std_errors["z"] == pytest.approx(theirs.bse["z"], rel=1e-6)
    assert ours.loglik == pytest.approx(theirs.llf, abs=1e-6)
    assert ours.predict(DATA).to_numpy() == pytest.approx(theirs.predict(DATA).to_numpy(), rel=1e-5)
    h = 1e-4
    up, down = (ours.predict(DATA.assign(z=DATA["z"] + step)) for step in (h, -h))
    assert ours.margins("z").tidy()["estimate"][0] == pytest.approx(((up - down) / (2 * h)).mean(), rel=1e-5)


def test_the_slopes_are_found_again() -> None:
    found = gvc.ols("y ~ z | id[x]", DATA).fixed_effects().set_index(["effect", "level"])["estimate"]
    theirs = smf.ols("y ~ 0 + z + C(id) + C(id):x", DATA[DATA["id"] != 4]).fit().params
    pooled = gvc.ols("y ~ z | id[x]", DATA)
    for unit in (0, 1, 11):
        own = DATA[DATA["id"] == unit]
        by_hand = np.polyfit(own["x"], own["y"] - pooled.params["z"] * own["z"], 1)
        assert found["id[[x]]", unit] == pytest.approx(by_hand[0], rel=1e-6)
        assert found["id", unit] == pytest.approx(by_hand[1], rel=1e-6)
    assert np.isnan(found["id[[x]]", 4])
    assert len(theirs) > 20


def test_the_jackknife_leaves_slopes_out_with_their_clusters() -> None:
    """With the groups whole and with groups that the clusters cut."""
    for cluster in ("id", "year"):
        ours = gvc.ols("y ~ z | id[x]", DATA, vcov={"CRV3": cluster})
        values = DATA[cluster].unique()
        each = [
            smf.ols("y ~ z + C(id)*x", DATA[DATA[cluster] != value]).fit().params["z"] for value in values
        ]
        count = len(values)
        variance = (count - 1) / count * ((np.array(each) - ours.params["z"]) ** 2).sum()
        assert ours.std_errors["z"] == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_slopes_nested_in_clusters_cost_no_degrees_of_freedom() -> None:
    by_unit = gvc.ols("y ~ z | id[x]", DATA, vcov={"CRV1": "id"})
    assert by_unit.inference is not None
    B, s = by_unit.inference.bread, by_unit.inference.scores
    sums = pd.DataFrame(s).groupby(by_unit.sample.codes("id")).sum().to_numpy()
    n, g = len(DATA), DATA["id"].nunique()
    expected = np.sqrt(g / (g - 1) * (n - 1) / (n - 2) * B @ sums.T @ sums @ B)
    assert by_unit.std_errors["z"] == pytest.approx(expected[0, 0], rel=1e-12)


def test_parts_and_names() -> None:
    formula = Formula.parse("y ~ z | id^g[x, `a b`] + year + f[[q]]")
    assert formula.absorbed == (("id", "g"), ("year",))
    assert formula.slopes == ((("id", "g"), "x"), (("id", "g"), "a b"), (("f",), "q"))
    result = gvc.ols("y ~ z | id[x]", DATA)
    assert result.absorbed == ("id", "id[[x]]")
    assert "Id: slopes of x" in str(gvc.table(result))
    alone = gvc.ols("y ~ z | id[[x]]", DATA)
    assert [*alone.params.index] == ["Intercept", "z"]


def test_a_nesting_model_is_told_from_another() -> None:
    large = gvc.ols("y ~ z | id[x]", DATA)
    test = large.lr_test(gvc.ols("y ~ z | id", DATA))
    assert test.df == DATA["id"].nunique() - 1
    with pytest.raises(ModelError, match="neither nests"):
        gvc.ols("y ~ z + q | id", DATA).lr_test(gvc.ols("y ~ 1 + z | g[x]", DATA))


@pytest.mark.parametrize(
    ("name", "formula", "options", "message"),
    [
        ("logit", "d ~ z | id[x]", {}, "offered for ols and poisson"),
        ("ordered_logit", "d ~ z | id[x]", {}, "offered for ols and poisson"),
        ("ols", "y ~ z | id[x]", {"effects": "random", "unit": "id"}, "effects='pooled' or 'fixed'"),
        ("ols", "y ~ z | id[log(x)]", {}, "make what is computed a column first"),
        ("ols", "y ~ z | id[xx]", {}, "Did you mean 'x'"),
        ("ols", "y ~ z | id[g]", {}, "numbers are needed"),
        ("ols", "y ~ z | id[]", {}, "not a column name"),
    ],
)
def test_what_has_no_slopes_says_who_has(name: str, formula: str, options: Any, message: str) -> None:
    data = DATA.assign(d=(DATA["y"] > DATA["y"].mean()).astype(int))
    with pytest.raises((ModelError, DataError), match=message):
        getattr(gvc, name)(formula, data, **options)


def test_the_message_names_the_responses_that_have_slopes() -> None:
    assert " and ".join(name for name, response in responses().items() if response.slopes) == WITH_SLOPES


def test_effects_of_a_variable_with_varying_slopes_are_refused() -> None:
    result = gvc.ols("y ~ z + x:q | id[x]", DATA)
    with pytest.raises(ModelError, match=r"'x' has a slope of its own in each 'id'.*fixed_effects\(\)"):
        result.margins("x")


def test_new_groups_are_missing_and_named() -> None:
    result = gvc.ols("y ~ z | id[[x]]", DATA)
    still = gvc.ols("y ~ z | id[x]", DATA)
    known = still.predict(DATA[DATA["id"] == 4].head(2).assign(x=[31.0, 32.0]))
    assert known.isna().tolist() == [False, True]
    with pytest.warns(EstimationWarning, match=r"1 rows are not predicted: .* id\[\[x\]\], as 99"):
        assert result.predict(DATA.head(1).assign(id=99)).isna().all()
