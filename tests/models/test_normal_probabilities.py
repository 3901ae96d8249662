"""Normal distribution functions of two to four variables, against other programs and in other ways."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_ndtr, logsumexp

from gvcmetrics.models.families.kernels.bivariate_normal import bivariate_cdf, log_bivariate_cdf
from gvcmetrics.models.families.kernels.correlations import bend_of_correlations, correlations
from gvcmetrics.models.families.kernels.multivariate_normal import log_quadrivariate_cdf, log_trivariate_cdf

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"


def log_cdf(b: np.ndarray, R: np.ndarray, panels: int = 1) -> float:
    if len(b) == 2:
        return log_bivariate_cdf(*b, R[1, 0])
    if len(b) == 3:
        return log_trivariate_cdf(*b, R[1, 0], R[2, 0], R[2, 1], 0.0, panels)
    return log_quadrivariate_cdf(b, R, 0.0, panels)


def of_one_factor(b: np.ndarray, loadings: np.ndarray) -> float:
    """log P(X <= b) with correlations that are products of loadings: an integral over one factor, by the
    trapezoidal rule, which converges faster than any power of the step."""
    x, step = np.linspace(-50.0, 50.0, 50_001, retstep=True)
    given = [log_ndtr((h - a * x) / np.sqrt(1.0 - a * a)) for h, a in zip(b, loadings, strict=True)]
    return float(logsumexp(np.sum(given, axis=0) - 0.5 * x * x) + np.log(step / np.sqrt(2.0 * np.pi)))


def test_three_and_four_against_tvpack() -> None:
    for row in pd.read_csv(REFERENCE / "multivariate_normal.csv", skipinitialspace=True).itertuples(
        index=False
    ):
        d = int(row[0])
        R = np.eye(d)
        R[np.tril_indices(d, -1)] = row[5 : 5 + d * (d - 1) // 2]
        R += np.tril(R, -1).T
        assert np.exp(log_cdf(np.array(row[1 : 1 + d]), R)) == pytest.approx(
            row[-1], abs=1e-13 if d == 3 else 1e-11
        )


@pytest.mark.parametrize("d", [2, 3, 4])
@pytest.mark.parametrize(("spread", "tilt"), [(0.5, 0.5), (1.5, 1.0), (4.0, 1.0), (8.0, 0.6), (0.0, 0.4)])
def test_against_one_factor(d: int, spread: float, tilt: float) -> None:
    # Spread widens the limits into tails below 1e-100, both ways; tilt brings correlations of either sign.
    rng = np.random.default_rng(int(10 * spread) + d)
    for _ in range(12):
        b, a = rng.normal(size=d) * spread, np.clip(np.tanh(rng.normal(size=d) * tilt), -0.95, 0.95)
        R = np.outer(a, a)
        np.fill_diagonal(R, 1.0)
        expected = of_one_factor(b, a)
        assert log_cdf(b, R) == pytest.approx(expected, rel=1e-9, abs=1e-10)
        assert log_cdf(b, R, panels=3) == pytest.approx(expected, rel=1e-9, abs=1e-10)


def test_order_of_variables_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    for d in (3, 4):
        z = rng.normal(size=d * (d - 1) // 2)
        R = np.eye(d)
        R[np.tril_indices(d, -1)] = correlations(z, d)[0]
        R += np.tril(R, -1).T
        b = rng.normal(size=d)
        once = log_cdf(b, R)
        for _ in range(5):
            turned = rng.permutation(d)
            assert log_cdf(b[turned], R[np.ix_(turned, turned)]) == pytest.approx(once, rel=1e-10)


def test_orthants_have_a_closed_form() -> None:
    # Sheppard (1899), and its extension to three.
    angles = np.arcsin([0.3, -0.5, 0.6])
    eighth = 0.125 + angles.sum() / (4.0 * np.pi)
    assert np.exp(log_trivariate_cdf(0.0, 0.0, 0.0, 0.3, -0.5, 0.6, 0.0, 1)) == pytest.approx(
        eighth, rel=1e-14
    )
    assert bivariate_cdf(0.0, 0.0, 0.95) == pytest.approx(0.25 + np.arcsin(0.95) / (2 * np.pi), rel=1e-14)


@pytest.mark.parametrize("rho", [-0.999, -0.95, -0.3, 0.0, 0.3, 0.95, 0.999])
@pytest.mark.parametrize(
    ("h", "k"), [(-3.0, 2.9), (-8.0, 8.0001), (5.0, -4.999), (80.0, -46.0), (-20.0, -20.0), (-0.4, -1.2)]
)
def test_pair_and_its_complement_add_up(h: float, k: float, rho: float) -> None:
    # Phi2(h, k; r) + Phi2(h, -k; -r) = Phi(h), and the same in k.
    both, one = log_bivariate_cdf(h, k, rho), log_bivariate_cdf(h, -k, -rho)
    other = log_bivariate_cdf(-h, k, -rho)
    assert np.logaddexp(both, one) == pytest.approx(log_ndtr(h), rel=1e-12, abs=1e-13)
    assert np.logaddexp(both, other) == pytest.approx(log_ndtr(k), rel=1e-12, abs=1e-13)


def test_bend_of_correlations() -> None:
    rng = np.random.default_rng(3)
    for d in (2, 3, 4):
        z = rng.normal(size=d * (d - 1) // 2)
        bend = bend_of_correlations(z, d)
        for j in range(len(z)):
            step = 1e-5 * np.eye(len(z))[j]
            change = (correlations(z + step, d)[1] - correlations(z - step, d)[1]) / 2e-5
            np.testing.assert_allclose(bend[:, :, j], change, atol=1e-9)
