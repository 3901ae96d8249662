"""Joint probits."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
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
    assert estimate.loglik == pytest.approx(case["loglik"], abs=1e-8)
    np.testing.assert_allclose(estimate.params, case["coef"], rtol=1e-7)
    np.testing.assert_allclose(estimate.std_errors, case["se"]["classical"], rtol=1e-7)
    matrix = estimate.extra["Correlations of the errors"]
    assert matrix.loc["third", "first"] == pytest.approx(estimate.params["rho(third, first)"])
    np.testing.assert_allclose(estimate.predict().sum(axis=1), 1.0, rtol=1e-11)
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
    assert loglik.sum() == pytest.approx(case["loglik"], abs=1e-5)
    np.testing.assert_allclose(loglik[:10], case["first_ten_rows"], rtol=1e-7)


@pytest.mark.parametrize("d", [3, 4])
def test_derivatives_of_three_and_four_against_differences(d: int) -> None:
    rng = np.random.default_rng(d)
    family, m = multivariate_probit(d), d * (d + 1) // 2
    for y, tilt in product((0.0, 1.0, 2.0**d - 1), (0.8, 0.4)):
        at = rng.normal(size=m) * tilt

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


def test_a_correlation_at_its_edge_is_said_with_what_to_do() -> None:
    """Opposite errors; and no such word where the correlation lies inside."""
    rng = np.random.default_rng(3)
    x, e = rng.normal(size=(2, 150))
    data = pd.DataFrame({"x": x, "a": (0.5 * x + e > 0) * 1, "b": (0.4 + 0.5 * x - e > 0) * 1})
    with pytest.warns(EstimationWarning, match=r"edge \(-1\.0000 of b and a\).*fix="):
        made = gvc.joint_probit("a + b ~ x", data)
    assert "have run to their edge" in " ".join(made.summary().split())
    inside = gvc.joint_probit("a + b ~ x", data.assign(b=rng.permutation(data["b"])))
    assert not any("edge" in note for note in inside.notes)


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


@pytest.mark.parametrize("d", [3, 4])
def test_the_summary_says_how_good_the_quadrature_is(d: int) -> None:
    data = sample("balanced").head(400)
    outcomes = ["first", "second", "third", "fourth"][:d]
    estimate = gvc.joint_probit(f"{' + '.join(outcomes)} ~ x1", data, fix={"rho(second, first)": 0.4})
    assert 0.0 <= estimate.statistics["quadrature_error"] < 1e-6
    assert "twice the panels" in estimate.summary()
    # A tenth of a percent of an error is asked for.
    assert "Quadrature error" in estimate.summary()


GIVEN = json.loads((REFERENCE / "conditional_probabilities.json").read_text())


@pytest.mark.parametrize("name", [name for name, case in GIVEN.items() if "se" in case])
def test_conditional_and_joint_probabilities_against_r(name: str) -> None:
    case = GIVEN[name]
    data = sample("balanced").dropna(subset="third")
    estimate = gvc.joint_probit("first + second ~ x1 + x2 + d", data)
    scale = "conditional" if "|" in name else "joint"
    label = name if "|" in name else "first=1, second=0"
    rows = estimate.predict(kind=scale, outcomes=[label])[label]
    np.testing.assert_allclose(rows.iloc[:10], case["first_ten_rows"], rtol=1e-6)
    level = estimate.margins(kind="predictions", scale=scale, outcomes=[label])
    effects = estimate.margins(["x1", "d"], scale=scale, outcomes=[label])
    values = np.concatenate([level.values, effects.values])
    errors = np.concatenate([level.std_errors, effects.std_errors])
    np.testing.assert_allclose(values, case["estimate"], rtol=1e-6)
    np.testing.assert_allclose(errors, case["se"], rtol=1e-6)


def test_conditional_probabilities_of_three_outcomes() -> None:
    estimate = gvc.joint_probit("first + second + third ~ x1 + x2 + d", sample("balanced"))
    named = [name for name, case in GIVEN.items() if "se" not in case]
    made = estimate.predict(kind="conditional", outcomes=named)
    for name in named:
        np.testing.assert_allclose(made[name].iloc[:10], GIVEN[name]["first_ten_rows"], rtol=1e-7)
    by_default = estimate.predict(kind="conditional")
    assert list(by_default) == [
        "first=1 | second=1, third=1", "second=1 | first=1, third=1", "third=1 | first=1, second=1",
    ]  # fmt: skip


@pytest.mark.parametrize("outcomes", ["first + second", "first + second + third"])
def test_probabilities_of_every_kind_go_together(outcomes: str) -> None:
    estimate = gvc.joint_probit(f"{outcomes} ~ x1 + d", sample("balanced").head(150))
    names = outcomes.split(" + ")
    joint, marginal = estimate.predict(kind="joint"), estimate.predict(kind="marginal")
    pd.testing.assert_frame_equal(joint, estimate.predict())
    assert list(marginal) == names
    given = estimate.predict(kind="conditional", outcomes=[f"{names[0]}=1 | {names[1]}={v}" for v in (1, 0)])
    other = marginal[names[1]]
    total = given.iloc[:, 0] * other + given.iloc[:, 1] * (1.0 - other)
    np.testing.assert_allclose(total, marginal[names[0]], rtol=1e-10)
    pair = joint[[c for c in joint if f"{names[0]}=1" in c and f"{names[1]}=1" in c]].sum(axis=1)
    np.testing.assert_allclose(given.iloc[:, 0], pair / other, rtol=1e-10)


@pytest.mark.parametrize("scale", ["marginal", "joint", "conditional"])
@pytest.mark.parametrize("outcomes", ["first + second", "first + second + third"])
def test_errors_of_every_kind_against_differences(outcomes: str, scale: str) -> None:
    # The gradient of each average, by moving one parameter at a time.
    estimate = gvc.joint_probit(f"{outcomes} ~ x1 + d", sample("balanced").head(60))
    made = estimate.margins(["x1", "d"], scale=scale)
    rows = estimate.predict(kind=scale, interval=True)
    columns, h = [], 1e-5
    for j in range(len(estimate.params)):
        step = np.zeros(len(estimate.params))
        step[j] = h
        moved = [replace(estimate, params=estimate.params + sign * step) for sign in (1, -1)]
        up, down = (m.margins(["x1", "d"], scale=scale).values for m in moved)
        first, last = (m.predict(kind=scale).to_numpy()[:5] for m in moved)
        columns.append(np.concatenate([up - down, (first - last).ravel()]) / (2 * h))
    gradient = np.array(columns).T
    errors = np.sqrt(np.einsum("ia,ab,ib->i", gradient, estimate.cov.to_numpy(), gradient))
    of_rows = rows.xs("std_error", axis=1, level=1).to_numpy()[:5].ravel()
    np.testing.assert_allclose(np.concatenate([made.std_errors, of_rows]), errors, rtol=1e-6)


def test_unknown_probabilities_are_named() -> None:
    estimate = gvc.joint_probit("first + second ~ x1", sample("balanced").head(200))
    with pytest.raises(ModelError, match=r"'first=1 \| second=2' is not known") as error:
        estimate.predict(kind="conditional", outcomes=["first=1 | second=2"])
    assert "first=1 | second=1" in str(error.value)
    with pytest.raises(ModelError, match="is not known for this model"):
        estimate.predict(kind="condition")
