"""What docs/conventions.md says, from formulas written out here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.errors import DataError
from gvcmetrics.ground.numerics.corrections import absorbed_parameters, small_sample

PAGE = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    n = 240
    unit = np.arange(n) // 6
    x = rng.normal(size=n)
    latent = 0.5 * x + 0.7 * rng.normal(size=40)[unit] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x, "unit": unit, "year": np.arange(n) % 6, "g": unit % 8, "y": latent,
            "d": (latent > 0).astype(int), "k": rng.poisson(np.exp(0.3 * latent)),
        }
    )  # fmt: skip


def test_classical_and_robust_errors_of_likelihoods_and_the_information_of_probit(data: pd.DataFrame) -> None:
    X, y = np.column_stack([np.ones(len(data)), data["x"]]), data["d"].to_numpy()
    made = gvc.logit("d ~ x", data)
    p = 1 / (1 + np.exp(-X @ made.params.to_numpy()))
    bread = np.linalg.inv((X * (p * (1 - p))[:, None]).T @ X)
    np.testing.assert_allclose(made.cov, bread, rtol=1e-6)
    scores = X * (y - p)[:, None]
    n, k = X.shape
    np.testing.assert_allclose(
        made.with_vcov("hetero").cov, n / (n - k) * bread @ scores.T @ scores @ bread, rtol=1e-6
    )
    probit = gvc.probit("d ~ x", data)
    q = 2 * y - 1
    eta = X @ probit.params.to_numpy()
    m = q * stats.norm.pdf(eta) / stats.norm.cdf(q * eta)
    observed = np.linalg.inv((X * (m * (m + eta))[:, None]).T @ X)
    np.testing.assert_allclose(probit.cov, observed, rtol=1e-6)


def test_two_ways_take_the_smallest_number_of_groups(data: pd.DataFrame) -> None:
    two = gvc.ols("y ~ x", data, vcov={"CRV1": "unit + year"})
    assert two.df == 5
    ways = [data["unit"].to_numpy(), data["year"].to_numpy()]
    n = len(data)
    assert small_sample(n, 2, (), ways)[0] == pytest.approx(6 / 5 * (n - 1) / (n - 2))


def test_redundant_levels_of_crossed_effects_are_their_components(data: pd.DataFrame) -> None:
    year = data["year"].to_numpy()
    first, second = (data["g"].to_numpy() * 6 + year), ((data["unit"].to_numpy() % 3) * 6 + year)
    assert absorbed_parameters([first, second]) == 48 + 18 - 6


def test_singletons_are_left_out(data: pd.DataFrame) -> None:
    more = pd.concat([data, data.head(1).assign(unit=99)])
    assert gvc.ols("y ~ x | unit", more).nobs == len(data)


def test_firth_takes_the_information_without_the_penalty(data: pd.DataFrame) -> None:
    made = gvc.logit("d ~ x", data, firth=True)
    X = np.column_stack([np.ones(len(data)), data["x"]])
    p = 1 / (1 + np.exp(-X @ made.params.to_numpy()))
    np.testing.assert_allclose(made.cov, np.linalg.inv((X * (p * (1 - p))[:, None]).T @ X), rtol=1e-5)


def test_random_effects_of_counts_are_normal_and_weights_whole(data: pd.DataFrame) -> None:
    made = gvc.poisson("k ~ x", data, unit="unit", effects="random")
    assert "sigma_u" in made.params.index
    assert made.statistics["nquad"] == 12
    assert made.statistics["lr_pooled_p"] == pytest.approx(
        0.5 * stats.chi2.sf(made.statistics["lr_pooled"], 1)
    )
    with pytest.raises(DataError, match="not whole"):
        gvc.poisson("k ~ x", data.assign(w=1.5), weights="w", frequency=True)


def test_every_line_that_is_marked_has_a_test() -> None:
    """The others are tested where their subject is: nested, fix, absorbed, node_count."""
    assert PAGE.count("| ✓ ") == 13
