"""Predictions for the sample and for new rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"


def sample(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


def new_rows() -> pd.DataFrame:
    return pd.DataFrame({"unit": [1, 2, 3], "x1": [0.5, np.nan, -1.0], "x2": [0.0, 1.0, 2.0], "d": [1, 0, 1]})


def test_joint_probabilities_of_new_rows() -> None:
    res = gvc.joint_probit("first + second ~ x1 + d", sample("balanced"))
    made = res.predict(new_rows())
    b, rho = res.params, res.params.iloc[-1]
    eta = [b[f"{y}: Intercept"] + 0.5 * b[f"{y}: x1"] + b[f"{y}: d"] for y in ("first", "second")]
    both = stats.multivariate_normal(cov=[[1, rho], [rho, 1]]).cdf(eta)
    assert made.loc[0, "first=1, second=1"] == pytest.approx(both, rel=1e-8)
    assert made.loc[0].sum() == pytest.approx(1.0, rel=1e-10)
    assert made.loc[1].isna().all()
    index = res.predict(new_rows(), kind="index")
    np.testing.assert_allclose(index.loc[0, ["first", "second"]], eta, rtol=1e-12)


def test_ordered_and_multinomial_probabilities_of_new_rows() -> None:
    res = gvc.ordered_logit("ordered ~ x1 + d", sample("balanced"))
    b = res.params
    below = stats.logistic.cdf(b[["cut1", "cut2", "cut3"]] - 0.5 * b["x1"] - b["d"])
    np.testing.assert_allclose(res.predict(new_rows()).loc[0], np.diff([0, *below, 1]), rtol=1e-10)
    choice = gvc.multinomial_logit("choice ~ x1", sample("balanced"))
    index = choice.predict(new_rows(), kind="index")
    assert list(index.columns) == ["1", "2"]
    odds = np.exp([0.0, *index.loc[2]])
    np.testing.assert_allclose(choice.predict(new_rows()).loc[2], odds / odds.sum(), rtol=1e-12)


def test_counts_of_new_rows_with_their_offset() -> None:
    data = sample("balanced").assign(size=lambda d: np.exp(d["x2"]))
    new = new_rows().assign(size=2.0)
    for function, outcome in ((gvc.poisson, "count"), (gvc.negative_binomial, "overdispersed")):
        res = function(f"{outcome} ~ x1", data, offset="log(size)")
        expected = 2.0 * np.exp(res.params["Intercept"] + 0.5 * res.params["x1"])
        assert res.predict(new)[0] == pytest.approx(expected, rel=1e-10)


def test_random_effects_are_averaged_over() -> None:
    res = gvc.probit("binary ~ x1", sample("balanced"), unit="unit", effects="random")
    b = res.params
    exact = stats.norm.cdf((b["Intercept"] + 0.5 * b["x1"]) / np.sqrt(1 + b["sigma_u"] ** 2))
    assert res.predict(new_rows())[0] == pytest.approx(exact, rel=1e-9)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
def test_new_rows_that_cannot_be_predicted() -> None:
    data = sample("balanced")
    res = gvc.logit("binary ~ x1 + g", data)
    with pytest.raises(DataError, match="column 'g': no such column"):
        res.predict(new_rows())
    with pytest.raises(DataError, match="category 'z' was not in the estimation sample"):
        res.predict(new_rows().assign(g="z"))
    with pytest.raises(ModelError, match="kind='odds' is not known"):
        res.predict(kind="odds")
    correlated = gvc.logit("binary ~ x1", data, unit="unit", effects="correlated")
    with pytest.raises(DataError, match="column 'unit'"):
        correlated.predict(new_rows().drop(columns="unit"))
    for absorbed, lost in (
        (gvc.logit("binary ~ x1 | time", data), "time"),
        (gvc.poisson("count ~ x1 | unit", data), "unit"),
        (gvc.ols("continuous ~ x1 | unit", data), "unit"),
    ):
        with pytest.raises(DataError, match=f"column '{lost}': no such column"):
            absorbed.predict(new_rows().drop(columns=lost, errors="ignore"))
        with pytest.warns(EstimationWarning, match="3 rows are not predicted"):
            assert absorbed.predict(new_rows().assign(**{lost: 999})).isna().all()
    fixed = gvc.logit("binary ~ x1", data, unit="unit", effects="fixed")
    with pytest.raises(ModelError, match="gives no probabilities"):
        fixed.predict(new_rows())
    assert fixed.predict(new_rows(), kind="index")[0] == pytest.approx(0.5 * fixed.params["x1"])
