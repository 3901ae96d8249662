"""Joint probits."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.models.families.kernels.bivariate_probit import bivariate_probit
from gvcmetrics.models.families.kernels.correlations import correlations, partial_correlations
from gvcmetrics.models.families.kernels.multivariate_probit import multivariate_probit

REFERENCE = Path(__file__).parents[1] / "reference" / "engine"
CASES = json.loads((REFERENCE / "joint.json").read_text())


def sample(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("name", ["balanced", "unbalanced", "unbalanced:weighted"])
def test_bivariate_against_r_and_gretl(name: str) -> None:
    case = CASES[f"joint_probit2:same:{name}"]
    weighted = name.endswith("weighted")
    data = sample(case["data"]).dropna(subset="third")
    estimate = gvc.joint_probit("first + second ~ x1 + x2 + d", data, weights="weight" if weighted else None)
    np.testing.assert_allclose(estimate.params.iloc[:-1], case["coef"][:-1], rtol=1e-6)
    assert estimate.params.iloc[-1] == pytest.approx(case["rho"], rel=1e-6)
    assert estimate.loglik == pytest.approx(case["loglik"], rel=1e-10)
    assert estimate.statistics["lr_independence"] == pytest.approx(case["lr_independence"], rel=1e-6)
    for way, vcov in (("CRV1:unit", {"CRV1": "unit"}), ("CRV1:region", {"CRV1": "region"})):
        made = estimate.with_vcov(vcov).std_errors
        np.testing.assert_allclose(made.iloc[:-1], case["se"][way][:-1], rtol=1e-6)
        assert made.iloc[-1] == pytest.approx(case["se_rho"][way], rel=1e-6)


def test_one_equation_may_have_fewer_regressors() -> None:
    case = CASES["joint_probit2:own:balanced"]
    estimate = gvc.joint_probit("first + second ~ x1 + x2 + d", sample("balanced"), fix={"second: d": 0})
    np.testing.assert_allclose(estimate.params.drop("second: d").iloc[:-1], case["coef"][:-1], rtol=1e-6)
    assert estimate.loglik == pytest.approx(case["loglik"], rel=1e-10)


def test_trivariate_against_exact_maximum_likelihood() -> None:
    case = CASES["joint_probit3:unbalanced"]
    estimate = gvc.joint_probit("first + second + third ~ x1 + x2 + d", sample("unbalanced"))
    assert estimate.nobs == case["nobs"]
    assert estimate.loglik == pytest.approx(case["loglik"], rel=1e-6)
    np.testing.assert_allclose(estimate.params, case["coef"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(estimate.std_errors, case["se"]["classical"], rtol=1e-4)
    matrix = estimate.extra["Correlations of the errors"]
    assert matrix.loc["third", "first"] == pytest.approx(estimate.params["rho(third, first)"])
    np.testing.assert_allclose(estimate.predict().sum(axis=1), 1.0, rtol=1e-6)
    by_first = [column for column in estimate.predict().columns if column.startswith("first=1")]
    assert estimate.predict()[by_first].sum(axis=1).mean() == pytest.approx(
        sample("unbalanced").dropna(subset=["third", "x1"])["first"].mean(), abs=0.01
    )


def test_four_outcomes_against_exact_probabilities() -> None:
    case = CASES["joint_probit4:at_given:balanced_first_300_rows"]
    data = sample("balanced").head(300)
    X = np.column_stack([np.ones(300), data[["x1", "x2", "d"]]])
    parameters = np.array(case["coef"])
    eta = X @ parameters[:16].reshape(4, 4).T
    y = data[["first", "second", "third", "fourth"]].to_numpy() @ [1.0, 2.0, 4.0, 8.0]
    z = partial_correlations(parameters[16:], 4)
    loglik, _, _ = multivariate_probit(4).evaluate(y, eta, z)
    assert loglik.sum() == pytest.approx(case["loglik"], rel=1e-5)
    np.testing.assert_allclose(loglik[:10], case["first_ten_rows"], rtol=2e-4)


@pytest.mark.parametrize("d", [3, 4])
def test_derivatives_of_three_and_four_against_differences(d: int) -> None:
    rng = np.random.default_rng(d)
    family, m = multivariate_probit(d), d * (d + 1) // 2
    for y in (0.0, 1.0, 2.0**d - 1):
        at = rng.normal(size=m) * 0.8

        def value(a: np.ndarray, y: float = y) -> tuple[float, np.ndarray]:
            loglik, gradient, _ = family.evaluate(np.array([y]), a[None, :d], a[d:])
            return loglik[0], gradient[0]

        _, gradient, packed = family.evaluate(np.array([y]), at[None, :d], at[d:])
        hessian = np.zeros((m, m))
        hessian[np.tril_indices(m)] = packed[0]
        hessian += np.tril(hessian, -1).T
        for j in range(m):
            near = [value(at + 5e-4 * k * np.eye(m)[j]) for k in (-2, -1, 1, 2)]
            first, second = (
                sum(w * v[part] for w, v in zip((1, -8, 8, -1), near, strict=True)) / 6e-3 for part in (0, 1)
            )
            assert gradient[0, j] == pytest.approx(first, rel=1e-6, abs=1e-8)
            np.testing.assert_allclose(hessian[j], second, rtol=1e-6, atol=1e-7)


def test_two_outcomes_are_the_pair_inside_three() -> None:
    # An outcome that is certain to be one adds nothing: three with it are the two without.
    rng = np.random.default_rng(8)
    eta, y = rng.normal(size=(40, 2)), rng.integers(0, 4, 40).astype(float)
    exact, _, _ = bivariate_probit.evaluate(y, eta, np.array([0.4]))
    three, _, _ = multivariate_probit(3).evaluate(
        y + 4, np.column_stack([eta, np.full(40, 30.0)]), np.array([0.4, 0.0, 0.0])
    )
    np.testing.assert_allclose(three, exact, rtol=1e-12)


def test_correlations_and_back() -> None:
    rng = np.random.default_rng(4)
    for d in (2, 3, 4):
        z = rng.normal(size=d * (d - 1) // 2)
        rho, jacobian = correlations(z, d)
        np.testing.assert_allclose(partial_correlations(rho, d), z, rtol=1e-10)
        for j in range(len(z)):
            step = 1e-6 * np.eye(len(z))[j]
            change = (correlations(z + step, d)[0] - correlations(z - step, d)[0]) / 2e-6
            np.testing.assert_allclose(jacobian[:, j], change, atol=1e-8)


def test_outcomes_of_the_wrong_kind() -> None:
    data = sample("balanced")
    with pytest.raises(DataError, match="'count'"):
        gvc.joint_probit("first + count ~ x1", data)
    with pytest.raises(ModelError, match="two to four outcomes"):
        gvc.joint_probit("first ~ x1", data)
    with pytest.raises(ModelError, match="does not exist"):
        gvc.joint_probit("first + second ~ x1", data, unit="unit", effects="random")


def test_outcomes_that_say_the_same() -> None:
    data = sample("balanced").assign(again=lambda d: d["first"])
    with pytest.raises(ModelError, match="'again' is equal to 'first'"):
        gvc.joint_probit("first + second + again ~ x1", data)
    with pytest.raises(ModelError, match="'again' is the opposite of 'first'"):
        gvc.joint_probit("first + again ~ x1", data.assign(again=1 - data["first"]))


def test_probabilities_draw_nothing() -> None:
    # The points are fixed and the same for every row: no state of a generator and no order of rows matters.
    data = sample("balanced").iloc[:300]
    np.random.seed(1)
    once = gvc.joint_probit("first + second + third ~ x1", data)
    np.random.seed(2)
    again = gvc.joint_probit("first + second + third ~ x1", data)
    assert np.array_equal(once.params, again.params)
    assert once.loglik == again.loglik
    assert np.array_equal(once.cov, again.cov)
    turned = gvc.joint_probit("first + second + third ~ x1", data.iloc[::-1])
    np.testing.assert_allclose(turned.params, once.params, rtol=1e-8)
