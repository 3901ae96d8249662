"""Parts of the production-function estimators: lags, polynomial bases, the probit, the one-pass moments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.least_squares import least_squares
from gvcmetrics.measures.firms.production.firm_years import Inputs, build_sample
from gvcmetrics.measures.firms.production.polynomials import polynomial
from gvcmetrics.measures.firms.production.proxy import _probit
from gvcmetrics.measures.firms.production.reweighted import Reweighted
from gvcmetrics.measures.firms.production.second_stage import build


def test_lags_follow_firm_and_calendar_year():
    rng = np.random.default_rng(0)
    rows = [(f, y) for f in "abcdefgh" for y in range(2000, 2012) if rng.random() < 0.6]
    frame = pd.DataFrame(rows, columns=["firm_id", "year"]).sample(frac=1, random_state=1)
    frame[["y", "l", "k"]] = rng.lognormal(size=(len(frame), 3))
    sample = build_sample(frame, Inputs("y", ("l",), ("k",)), "firm_id", "year", False)
    known = {(r.firm_id, r.year): np.log(r.y) for r in frame.itertuples()}
    ordered = frame.sort_values(["firm_id", "year"])
    for lag, by in ((sample.lag, 1), (sample.lag2, 2)):
        got = [sample.y[position] if position >= 0 else None for position in lag]
        expected = [known.get((r.firm_id, r.year - by)) for r in ordered.itertuples()]
        assert got == pytest.approx(expected)
    last = ordered.groupby("firm_id")["year"].transform("max")
    leaves = (ordered["year"] == last) & (ordered["year"] < frame["year"].max())
    np.testing.assert_array_equal(sample.survives, ~leaves)


def test_polynomial_spans_all_monomials_and_drops_what_is_collinear():
    rng = np.random.default_rng(1)
    x = rng.normal(8, 2, (200, 2))
    basis = polynomial(x, 3)
    assert basis.shape == (200, 10)
    np.testing.assert_allclose(basis.T @ basis / 200, np.eye(10), atol=1e-10)
    monomial = x[:, 0] * x[:, 1] ** 2
    fitted = basis @ least_squares(monomial, basis)[0]
    np.testing.assert_allclose(fitted, monomial, rtol=1e-9)
    assert polynomial(np.hstack([x, x.sum(axis=1, keepdims=True)]), 1).shape == (200, 3)


def test_weighted_probit_against_statsmodels():
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(400), rng.normal(size=(400, 2))])
    stays = x @ [0.8, 0.5, -0.3] + rng.normal(size=400) > 0
    weight = rng.integers(1, 4, 400)
    fit = sm.Probit(np.repeat(stays, weight).astype(float), np.repeat(x, weight, axis=0)).fit(
        disp=0, method="newton", tol=1e-12
    )
    np.testing.assert_allclose(_probit(x, stays, weight.astype(float)), fit.predict(x), rtol=1e-8)


@pytest.mark.parametrize("with_survival", [False, True])
def test_one_pass_moments_against_least_squares(with_survival):
    rng = np.random.default_rng(3)
    x, x_lag, z = rng.normal(size=(3, 300, 2))
    phi, phi_lag, survival = rng.normal(size=(3, 300))
    survival = 1 / (1 + np.exp(-survival))
    weight = rng.integers(0, 3, 300).astype(float)
    stage = build(x, x_lag, z, 3, with_survival)
    theta = np.array([0.3, -0.2])
    omega, before = phi - stage.x @ theta, phi_lag - stage.x_lag @ theta
    basis = np.column_stack(
        [before**i * survival**j for i in range(4) for j in range(4 if with_survival else 1) if i + j <= 3]
    )
    root = np.sqrt(weight)
    news = omega - basis @ np.linalg.lstsq(basis * root[:, None], omega * root, rcond=None)[0]
    expected = (stage.instruments * (weight * news)[:, None]).sum(axis=0) / weight.sum()
    got = stage.moments(theta, phi, phi_lag, survival, weight)
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("with_survival", [False, True])
def test_errors_against_least_squares_and_their_slopes_against_differences(with_survival):
    rng = np.random.default_rng(4)
    x, x_lag, z = rng.normal(size=(3, 80, 2))
    phi, phi_lag, noise, survival = rng.normal(size=(4, 80))
    weight = rng.integers(0, 3, 80).astype(float)
    given = (phi, phi_lag, noise, 1 / (1 + np.exp(-survival)), weight)
    stage, theta = build(x, x_lag, z, 3, with_survival), np.array([0.3, -0.2])
    omega, before = phi - stage.x @ theta, phi_lag - stage.x_lag @ theta
    basis = np.column_stack([before**i * given[3] ** j for i, j in stage.powers])
    root = np.sqrt(weight)
    fitted = basis @ np.linalg.lstsq(basis * root[:, None], omega * root, rcond=None)[0]
    errors, slopes = stage.errors(theta, *given)
    np.testing.assert_allclose(errors, root * (omega + noise - fitted), rtol=1e-8, atol=1e-12)
    for k in range(2):
        step = np.eye(2)[k] * 1e-6
        up, down = stage.errors(theta + step, *given)[0], stage.errors(theta - step, *given)[0]
        np.testing.assert_allclose(slopes[:, k], (up - down) / 2e-6, rtol=1e-6, atol=1e-8)


def test_one_factoring_serves_all_weights():
    rng = np.random.default_rng(5)
    X, y = np.column_stack([np.ones(60), rng.normal(8, 1, (60, 3))]), rng.normal(size=60)
    weight = rng.integers(0, 4, 60).astype(float)
    found, residuals = Reweighted.of(X).solve(y, weight)
    expected, _, left = least_squares(y, X, weight)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    np.testing.assert_allclose(residuals, left, atol=1e-10)
    with pytest.raises(np.linalg.LinAlgError):
        Reweighted.of(X).solve(y, (np.arange(60) < 3).astype(float))
    with pytest.raises(ModelError, match="3 observations"):
        Reweighted.of(X[:3])
