"""Results as ratios, in other dress, copied, and in a file; errors as other packages spell them."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.registry import responses
from gvcmetrics.models.results.results import Results
from gvcmetrics.simulate.panels import RESPONSES, simulate_panel

pytestmark = pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if effects in ("pooled", "fixed")
]
WITH_RATIO = [name for name, response in responses().items() if response.ratio]


def panel(name: str, effects: str = "pooled") -> pd.DataFrame:
    return simulate_panel(name if name in RESPONSES else "ols", effects, units=40, periods=4, seed=4)


def fit(name: str, effects: str = "pooled", **options: Any) -> Results:
    data = panel(name, effects)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        formula = f"{data.attrs['formula'].split('~')[0]} ~ x1 + d"
        return getattr(gvc, name)(formula, data, unit="unit", effects=effects, **options)


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_a_result_comes_back_from_a_file(name: str, effects: str) -> None:
    one = fit(name, effects)
    other = pickle.loads(pickle.dumps(one))
    assert str(other) == str(one)
    # Printing needs nothing that is estimated again.
    assert "inference" not in other.__dict__
    assert other.with_vcov({"CRV1": "unit"}).std_errors.tolist() == pytest.approx(
        one.with_vcov({"CRV1": "unit"}).std_errors.tolist(), rel=1e-9
    )
    kind = "index" if one.predictor is not None and one.predictor.conditional else "mean"
    assert np.asarray(other.predict(kind=kind)) == pytest.approx(np.asarray(one.predict(kind=kind)))


def test_lists_and_other_errors_come_back_too() -> None:
    data = panel("logit")
    one = gvc.logit("y ~ x1 + csw0(d)", data, fsplit="x1 > 0")
    other = pickle.loads(pickle.dumps(one))
    assert other.keys.equals(one.keys)
    assert other[3].with_vcov("hetero").cov.equals(one[3].with_vcov("hetero").cov)
    changed = one[1].with_vcov({"CRV1": "unit"})
    assert pickle.loads(pickle.dumps(changed)).cov.equals(changed.cov)
    with pytest.raises(AttributeError, match="'Results' object has no attribute 'nothing'"):
        _ = one[0].nothing


def test_copies_are_apart() -> None:
    one = fit("ols")
    for made in (one.copy(), copy.copy(one), copy.deepcopy(one)):
        made.params.iloc[0] = 99.0
        assert one.params.iloc[0] != 99.0
        assert made.predict().shape == one.predict().shape


@pytest.mark.parametrize("name", WITH_RATIO)
def test_ratios_have_the_errors_of_the_delta_method(name: str) -> None:
    result = fit(name)
    plain, ratios = result.tidy(), result.tidy(exponentiate=True)
    other = [term for title in result.ancillary for term in result.blocks[title]]
    rows = ~plain["term"].isin(other).to_numpy()
    assert rows.any()
    b, se, h = (plain.loc[rows, c].to_numpy() for c in ("estimate", "std_error", "std_error"))
    slope = (np.exp(b + 1e-6 * h) - np.exp(b - 1e-6 * h)) / (2e-6 * h)
    assert ratios.loc[rows, "estimate"].to_numpy() == pytest.approx(np.exp(b))
    assert ratios.loc[rows, "std_error"].to_numpy() == pytest.approx(slope * se, rel=1e-6)
    assert ratios.loc[rows, "conf_low"].to_numpy() == pytest.approx(np.exp(plain.loc[rows, "conf_low"]))
    assert ratios["p_value"].equals(plain["p_value"])
    assert ratios[~rows].equals(plain[~rows])
    assert f"{result.response.ratio.split()[0].capitalize()} r." in result.summary(exponentiate=True)


@pytest.mark.parametrize("name", [name for name in responses() if name not in WITH_RATIO])
def test_what_is_no_ratio_says_so(name: str) -> None:
    with pytest.raises(ModelError, match=r"is no ratio\. It is one of logit, "):
        fit(name).tidy(exponentiate=True)


def test_the_message_names_every_ratio() -> None:
    with pytest.raises(ModelError) as raised:
        fit("ols").tidy(exponentiate=True)
    assert all(name in str(raised.value) for name in WITH_RATIO)


def test_hc0_is_statsmodels() -> None:
    data = panel("logit")
    X = sm.add_constant(data[["x1", "d"]])
    theirs = sm.Logit(data["y"], X).fit(cov_type="HC0", disp=0, tol=1e-12)
    assert gvc.logit("y ~ x1 + d", data, vcov="HC0").std_errors.to_numpy() == pytest.approx(
        theirs.bse.to_numpy(), rel=1e-6
    )
    linear = panel("ols")
    theirs = sm.OLS(linear["y"], sm.add_constant(linear[["x1", "d"]])).fit(cov_type="HC0")
    assert gvc.ols("y ~ x1 + d", linear, vcov="HC0").std_errors.to_numpy() == pytest.approx(
        theirs.bse.to_numpy(), rel=1e-8
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("~ unit", {"CRV1": "unit"}),
        ("~unit + g", {"CRV1": "unit + g"}),
        (["unit", "g"], {"CRV1": "unit + g"}),
        ("~ unit^g", {"CRV1": "unit^g"}),
        ("cluster ~ unit", {"CRV1": "unit"}),
        ("CRV3 ~ unit", {"CRV3": "unit"}),
        ("DK ~ time", {"DK": "time"}),
    ],
)
def test_clusters_as_a_formula_or_a_list(written: Any, meant: Any) -> None:
    data = panel("ols")
    data["g"] = np.arange(len(data)) % 7
    data["time"] = data.groupby("unit").cumcount()
    one, other = gvc.ols("y ~ x1", data, vcov=written), gvc.ols("y ~ x1", data, vcov=meant)
    assert one.cov.equals(other.cov)
    assert one.with_vcov("iid").with_vcov(written).cov.equals(other.cov)


def test_a_model_with_robust_errors_of_its_own_has_no_hc0() -> None:
    data = panel("ols")
    data["time"] = data.groupby("unit").cumcount()
    with pytest.raises(ModelError, match="robust errors of its own"):
        gvc.dynamic_gmm("y ~ L(y)", data, unit="unit", time="time", vcov="HC0")


def test_errors_that_are_not_known() -> None:
    for vcov in ("HC9", "~", "CRV9 ~ unit", [], [1], {"CRV1": 1}):
        with pytest.raises(ModelError, match='Use "iid", "hetero", "HC0"'):
            gvc.ols("y ~ x1", panel("ols"), vcov=vcov)
    with pytest.raises(DataError, match="no such column"):
        gvc.ols("y ~ x1", panel("ols"), vcov="~ units")


@pytest.mark.parametrize("name", ["ols", "ordered_logit", "multinomial_logit"])
def test_other_dress(name: str) -> None:
    result = fit(name, vcov={"CRV1": "unit"})
    told = json.loads(json.dumps(result.to_dict()))
    assert [told["parameters"][term]["estimate"] for term in result.params.index] == result.params.tolist()
    assert told["n_clusters"] == {"unit": 40}
    assert result.to_html() == result._repr_html_()
    latex = result.to_latex()
    assert latex.count("\\begin{tabular}") == latex.count("\\end{tabular}") == 1
    assert "95 \\% conf." in latex
    widths = {line.count("&") for line in latex.splitlines() if line.startswith("x1")}
    assert widths == {6}


def test_latex_escapes_names() -> None:
    data = panel("ols").rename(columns={"x1": "share_%"})
    latex = gvc.ols("y ~ `share_%`", data).to_latex()
    assert r"share\_\%" in latex


def test_rows_with_what_is_expected_of_them() -> None:
    data = panel("ordered_logit")
    data.loc[data.index[0], "x1"] = np.nan
    result = gvc.ordered_logit("y ~ x1 + d", data)
    rows = result.augment()
    assert len(rows) == result.nobs == len(data) - 1
    assert rows.filter(like="fitted_").sum(axis=1).to_numpy() == pytest.approx(np.ones(len(rows)))
    linear = gvc.ols("y ~ x1 + d", panel("ols"))
    rows = linear.augment()
    assert (rows["fitted"] + rows["residual"]).to_numpy() == pytest.approx(rows["y"].to_numpy())
    assert linear.augment(panel("ols").head(3)).columns[-1] == "fitted"


def test_profile_intervals_by_their_other_name() -> None:
    result = fit("logit")
    assert result.confint(profile=True).equals(result.conf_int(method="profile"))
    assert result.confint(0.9).equals(result.conf_int(0.9))
