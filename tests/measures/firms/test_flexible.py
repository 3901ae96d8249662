"""Gandhi, Navarro and Rivers: R written out plainly, known elasticities, resampling, bad requests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.measures.firms.production.firm_years import Inputs, build_sample
from gvcmetrics.measures.firms.production.flexible import pose_share
from gvcmetrics.measures.firms.productivity import markups, production_function
from tests.reference.productivity.flexible import flexible_firms

REFERENCE = Path(__file__).parents[2] / "reference" / "productivity"
STATE = ("employment", "capital_usd")
GNR = {
    "method": "gandhi_navarro_rivers",
    "output": "sales_usd",
    "free": ("materials_usd",),
    "state": STATE,
}


@pytest.fixture(scope="module")
def firms() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "flexible_firms.csv")


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    return flexible_firms(1000, 8, seed=1)


@pytest.mark.parametrize("degree", [2, 3])
def test_against_r(firms, degree):
    table = pd.read_csv(REFERENCE / "flexible.csv").query("degree == @degree")
    result = production_function(firms.sample(frac=1, random_state=1), **GNR, degree=degree)
    expected = table.pivot(index="row", columns="input", values="elasticity")
    got = result.coefficients.set_index("input")["estimate"]
    np.testing.assert_allclose(got[expected.columns], expected.loc["mean"], rtol=1e-6)
    rows = result.elasticities.loc[[0, 1, 2], expected.columns]
    np.testing.assert_allclose(rows, expected.loc[["0", "1", "2"]], rtol=3e-6)


def test_known_elasticities_productivity_and_noise_are_recovered(many):
    result = production_function(many, **GNR, bootstrap=20)
    got = result.coefficients.set_index("input")
    truth = many[["true_materials", "true_employment", "true_capital"]].set_axis(got.index, axis=1)
    distance = (got["estimate"] - truth.mean()) / got["std_error"]
    assert (distance.abs() < 2.5).all(), distance
    assert (got["std_error"] < 0.02).all()
    assert result.groups.at[0, "bootstrap_draws"] == 20
    for name in got.index:
        assert np.corrcoef(result.elasticities[name], truth[name])[0, 1] > 0.75
    noise = result.productivity["first_stage_residual"]
    assert np.corrcoef(noise, many["true_noise"])[0, 1] > 0.999
    assert np.corrcoef(result.productivity["log_tfp"] - noise, many["true_omega"])[0, 1] > 0.995


def test_the_share_may_come_from_money_of_the_year(firms):
    """Prices that move output and materials apart change the share, and nothing else."""
    share = firms["materials_usd"] / firms["sales_usd"]
    deflated = firms.assign(materials_usd=firms["materials_usd"] * 2, cost=share)
    got = production_function(deflated, **GNR, share="cost")
    plain = production_function(firms, **GNR)
    np.testing.assert_allclose(got.coefficients["estimate"], plain.coefficients["estimate"], rtol=1e-7)
    apart = production_function(deflated, **GNR).coefficients.set_index("input")["estimate"]
    assert apart["materials_usd"] == pytest.approx(2 * plain.coefficients["estimate"].iloc[0], rel=1e-6)
    # θ / (share e^ε) of a firm that takes prices is 1 but for the noise that E[e^ε] leaves.
    markup = markups(
        firms,
        elasticity=plain.elasticities["materials_usd"],
        first_stage_residual=plain.productivity["first_stage_residual"],
    )
    assert np.log(markup).std() < 1e-10
    assert got.productivity.attrs["lineage"]["log_tfp"] == sorted(
        {"sales_usd", "materials_usd", *STATE, "cost"}
    )


def test_elasticities_are_the_slopes_of_the_function(firms):
    inputs = Inputs("sales_usd", ("materials_usd",), STATE)
    sample = build_sample(firms, inputs, "firm_id", "year")
    surface = pose_share(sample, degree=3, markov_degree=3).estimate(np.ones(len(sample.y))).surface
    slopes = surface.elasticities(sample.base)
    for k in range(3):
        step = 1e-6 * np.eye(3)[k]
        numeric = (surface.value(sample.base + step) - surface.value(sample.base - step)) / 2e-6
        np.testing.assert_allclose(slopes[:, k], numeric, rtol=1e-6, atol=1e-8)


def test_a_draw_equals_estimation_on_the_drawn_firms(firms):
    result = production_function(firms, **GNR, bootstrap=2, seed=5)
    ids = np.sort(firms["firm_id"].unique())
    counts = np.random.default_rng(5).multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=2)[1]
    copies = [
        firms[firms["firm_id"] == firm].assign(firm_id=firm + 1000 * copy)
        for firm, count in zip(ids, counts, strict=True)
        for copy in range(count)
    ]
    drawn = production_function(pd.concat(copies), **GNR).coefficients["estimate"]
    np.testing.assert_allclose(result.draws.iloc[1, 1:].astype(float), drawn, rtol=1e-5)


def test_bad_requests_are_refused(firms):
    for wrong in ({"free": STATE}, {"state": ()}, {"form": "translog"}):
        with pytest.raises(ModelError, match="takes one free input"):
            production_function(firms, **{**GNR, **wrong})
    with pytest.raises(ModelError, match="no year effects"):
        production_function(firms, **GNR, year_effects=True)
    with pytest.raises(ModelError, match="takes no proxy"):
        production_function(firms, **GNR, proxy="materials_usd")
    with pytest.raises(ModelError, match="ols takes no share"):
        production_function(firms, **{**GNR, "method": "ols"}, share="cost")
    with pytest.raises(DataError, match="column 'cost'"):
        production_function(firms, **GNR, share="cost")
    with pytest.raises(ModelError, match=r"no group could be estimated.*preceding year"):
        production_function(firms[firms["firm_id"] < 4], **GNR)
