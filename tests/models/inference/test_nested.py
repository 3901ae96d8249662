"""The likelihood-ratio test compares models of the same rows that have a likelihood and are nested, and no
others; over every response and treatment of unit effects."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.models.registry import responses

REFERENCE = Path(__file__).parents[2] / "reference" / "firth"
OUTCOMES = {
    "ols": "number", "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung",
    "ordered_probit": "rung", "multinomial_logit": "rung", "fractional_logit": "share", "poisson": "count",
    "negative_binomial": "count", "joint_probit": "yes + also",
}  # fmt: skip
CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if effects != "absorbed"
]
NO_LIKELIHOOD = {
    ("ols", "random"), ("ols", "correlated"), ("ordered_logit", "fixed"), ("fractional_logit", "pooled"),
    ("fractional_logit", "correlated_pooled"),
}  # fmt: skip


def panel(units: int = 80, periods: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = units * periods
    unit = np.repeat(np.arange(units), periods)
    x, z = rng.normal(size=n), rng.normal(size=n)
    latent = 0.6 * x + 0.6 * rng.normal(size=units)[unit] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "unit": unit,
            "x": x,
            "z": z,
            "v": rng.normal(size=n),
            "number": latent,
            "yes": (latent > 0).astype(int),
            "also": (latent + rng.normal(size=n) > 0).astype(int),
            "rung": np.digitize(latent, [-0.5, 0.8]),
            "share": 1 / (1 + np.exp(-latent)),
            "count": rng.poisson(np.exp(0.4 * latent)),
        }
    )


def fit(name: str, effects: str, right: str, data: pd.DataFrame, **options: object) -> gvc.models.Results:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        options = {"vcov": "iid", **options}
        call = getattr(gvc, name)
        return call(f"{OUTCOMES[name]} ~ {right}", data, unit="unit", effects=effects, **options)


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_only_the_same_rows_are_compared(name: str, effects: str) -> None:
    data = panel()
    if (name, effects) in NO_LIKELIHOOD:
        with pytest.raises(ModelError, match="likelihood"):
            fit(name, effects, "x", data).lr_test(fit(name, effects, "x + z", data))
        return
    small, large = fit(name, effects, "x", data), fit(name, effects, "x + z", data)
    test = small.lr_test(large)
    assert test.statistic == pytest.approx(2 * (large.loglik - small.loglik), abs=1e-9)
    assert test.pvalue == pytest.approx(stats.chi2.sf(test.statistic, test.df))
    shuffled = fit(name, effects, "x", data.sample(frac=1, random_state=1))
    assert shuffled.lr_test(large).statistic == pytest.approx(test.statistic, abs=1e-6)
    one = data.assign(x=data["x"].where(data["unit"] != 3))
    other = data.assign(z=data["z"].where(data["unit"] != 4))
    halves = data[data["unit"] < 40], data[data["unit"] >= 40]
    for a, b in ((one, other), halves, [half.reset_index(drop=True) for half in halves]):
        first, second = fit(name, effects, "x", a), fit(name, effects, "x + z", b)
        with pytest.raises(ModelError, match="differ in their observations"):
            first.lr_test(second)


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_models_that_do_not_nest_and_errors_that_deny_the_likelihood_are_refused(
    name: str, effects: str
) -> None:
    if (name, effects) in NO_LIKELIHOOD:
        pytest.skip("refused whatever is asked")
    data = panel()
    small, large = fit(name, effects, "x", data), fit(name, effects, "z + v", data)
    with pytest.raises(ModelError, match="nests the other"):
        small.lr_test(large)
    nested = fit(name, effects, "x + z", data)
    with pytest.raises(ModelError, match="clustered"):
        small.lr_test(nested.with_vcov({"CRV1": "unit"}))
    data["w"] = 1.0 + data["unit"] % 2
    small, large = (fit(name, effects, right, data, weights="w") for right in ("x", "x + z"))
    with pytest.raises(ModelError, match="likelihood"):
        small.lr_test(large)


@pytest.mark.parametrize("name", [name for name, effects in CELLS if effects == "random" and name != "ols"])
def test_a_variance_of_zero_is_on_the_boundary(name: str) -> None:
    data = panel()
    pooled, random = fit(name, "pooled", "x", data), fit(name, "random", "x", data)
    test = pooled.lr_test(random)
    assert test.statistic == pytest.approx(random.statistics["lr_pooled"], rel=1e-6)
    assert test.pvalue == pytest.approx(random.statistics["lr_pooled_p"], rel=1e-4)
    more = pooled.lr_test(fit(name, "random", "x + z", data))
    assert more.df == 1 + test.df if name != "multinomial_logit" else True
    expected = 0.5 * (stats.chi2.sf(more.statistic, more.df - 1) + stats.chi2.sf(more.statistic, more.df))
    assert more.pvalue == pytest.approx(expected)


def test_no_dispersion_is_on_the_boundary() -> None:
    data = panel()
    test = fit("poisson", "pooled", "x", data).lr_test(fit("negative_binomial", "pooled", "x", data))
    assert test.pvalue == pytest.approx(0.5 * stats.chi2.sf(test.statistic, 1))
    with pytest.raises(ModelError, match="no known distribution"):
        fit("poisson", "pooled", "x", data).lr_test(fit("negative_binomial", "random", "x", data))
    with pytest.raises(ModelError, match="different distributions"):
        fit("logit", "pooled", "x", data).lr_test(fit("probit", "pooled", "x + z", data))


def test_what_is_no_likelihood_is_refused() -> None:
    data = panel().assign(amount=lambda d: d["count"] + 0.5)
    with pytest.raises(ModelError, match="quasi"):
        gvc.poisson("amount ~ x", data).lr_test(gvc.poisson("amount ~ x + z", data))
    small, large = (
        gvc.logit(f"yes ~ {x} | unit", data, unit="unit", bias_correction="analytical")
        for x in ("x", "x + z")
    )
    with pytest.raises(ModelError, match="corrected for bias"):
        small.lr_test(large)
    used = data[data.groupby("unit")["yes"].transform("nunique") > 1]
    small, large = (
        gvc.logit("yes ~ x", used),
        gvc.logit("yes ~ x + z + v", used, unit="unit", effects="fixed"),
    )
    with pytest.raises(ModelError, match="different kinds"):
        small.lr_test(large)


def test_other_words_for_the_same_columns_nest() -> None:
    data = panel().assign(g=lambda d: d["unit"] % 4)
    for small, large in [
        ("yes ~ I(x + z)", "yes ~ x + z"),
        ("yes ~ x + g", "yes ~ x + C(g)"),
        ("yes ~ I(1000 * x)", "yes ~ x + z"),
    ]:
        assert gvc.logit(small, data).lr_test(gvc.logit(large, data)).df >= 1
    plain = gvc.ols("number ~ x + C(g)", data)
    assert plain.lr_test(gvc.ols("number ~ x | unit", data)).df == 80 - 4
    absorbed = gvc.ols("number ~ x | g", data)
    assert absorbed.lr_test(gvc.ols("number ~ x | unit", data)).df == 80 - 4
    shifted = gvc.logit("yes ~ z", data, offset="0.6 * x").lr_test(gvc.logit("yes ~ x + z", data))
    held = gvc.logit("yes ~ x + z", data, fix={"x": 0.6}).lr_test(gvc.logit("yes ~ x + z", data))
    assert shifted.statistic == pytest.approx(held.statistic, rel=1e-6)


def test_penalised_ratios_are_those_of_logistf() -> None:
    data = pd.read_csv(REFERENCE / "sex2.csv")
    expected = pd.read_csv(REFERENCE / "sex2_logistf.csv", index_col=0)
    names = list(expected.index[1:])
    full = gvc.logit(f"case ~ {' + '.join(names)}", data, firth=True)
    for name in names:
        without = " + ".join(other for other in names if other != name)
        small = gvc.logit(f"case ~ {without}", data, firth=True)
        test = small.lr_test(full)
        assert test.statistic == pytest.approx(expected.loc[name, "chi2"], rel=1e-5)
        assert test.pvalue == pytest.approx(expected.loc[name, "p"], rel=1e-3)
    # The two penalised likelihoods of logistf, -157.08470093 and -132.53937953.
    test = full.lr_test(gvc.logit("case ~ 1", data, firth=True))
    assert test.statistic == pytest.approx(2 * (157.08470093 - 132.53937953), rel=1e-7)
    with pytest.raises(ModelError, match="penalised"):
        gvc.logit("case ~ age", data).lr_test(full)
