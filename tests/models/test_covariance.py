"""Covariances by hand on small numbers, their words, and their refusals; R's numbers are in test_linear."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.models.inference.covariance import Covariance, Inference, Vcov, covariance, cross, parse_vcov

RNG = np.random.default_rng(5)
N, K = 120, 3
X = RNG.normal(size=(N, K))
ERRORS = RNG.normal(size=N)
CODES = {
    "a": np.repeat(np.arange(40), 3),
    "b": np.tile(np.arange(30), 4),
    "c": RNG.integers(0, 35, N),
    "few": np.repeat(np.arange(4), 30),
    "one": np.zeros(N, dtype=int),
    "t": np.tile(np.arange(12), 10),
}
BREAD = np.linalg.inv(X.T @ X)


def inference(linear: bool = True, **changes: object) -> Inference:
    fields = {
        "scores": X * ERRORS[:, None],
        "bread": BREAD,
        "nobs": N,
        "parameters": K,
        "linear": linear,
        "sigma2": 2.0 if linear else None,
    }
    return Inference(**{**fields, **changes})  # type: ignore[arg-type]


def make(vcov: object, **changes: object) -> Covariance:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return covariance(vcov, inference(**changes), CODES.__getitem__)  # type: ignore[arg-type]


def meat(codes: np.ndarray) -> np.ndarray:
    scores = X * ERRORS[:, None]
    sums = np.array([scores[codes == code].sum(axis=0) for code in np.unique(codes)])
    return sums.T @ sums


@pytest.mark.parametrize(
    ("text", "kind"),
    [("iid", "iid"), ("robust", "hetero"), ("HC1", "hetero"), ("HC3", "HC3"), ("classical", "iid")],
)
def test_words(text: str, kind: str) -> None:
    assert parse_vcov(text) == Vcov(kind)


def test_mappings() -> None:
    assert parse_vcov({"CRV1": "a^b + c"}).columns == ("a^b", "c")
    assert parse_vcov({"DK": "year", "lags": 2}) == Vcov("DK", ("year",), 2)
    assert parse_vcov({"survey": {"psu": "p", "strata": "s"}}).columns == ("p", "s")
    assert parse_vcov({"survey": {"strata": "s"}}).columns == ("s",)


@pytest.mark.parametrize(
    "vcov",
    [
        "HC7",
        {"CRV9": "a"},
        {"CRV3": "a + b"},
        {"CRV1": ["a"]},
        {"CRV1": "a", "lags": 1},
        {"survey": {"fpc": "x"}},
        {},
        3,
    ],
)
def test_unknown_kinds_are_refused(vcov: object) -> None:
    with pytest.raises(ModelError):
        parse_vcov(vcov)  # type: ignore[arg-type]


@pytest.mark.parametrize("ways", [("a",), ("a", "b"), ("a", "b", "c"), ("a", "b", "c", "t")])
def test_inclusion_and_exclusion(ways: tuple[str, ...]) -> None:
    expected = np.zeros((K, K))
    for size in range(1, len(ways) + 1):
        for chosen in itertools.combinations(ways, size):
            labels = np.array(
                ["|".join(map(str, row)) for row in zip(*(CODES[way] for way in chosen), strict=True)]
            )
            expected += (-1) ** (size + 1) * meat(labels)
    smallest = min(len(np.unique(CODES[way])) for way in ways)
    expected = smallest / (smallest - 1) * (N - 1) / (N - K) * BREAD @ expected @ BREAD
    values, vectors = np.linalg.eigh(expected)
    if values[0] < 0:
        expected = (vectors * np.maximum(values, 0)) @ vectors.T
    made = make({"CRV1": " + ".join(ways)})
    np.testing.assert_allclose(made.matrix, expected, rtol=1e-9, atol=1e-12)
    assert made.df == smallest - 1
    assert made.n_clusters == {way: len(np.unique(CODES[way])) for way in ways}


@pytest.mark.filterwarnings("ignore:only 2 clusters")
def test_repair_warns_and_leaves_no_negative_variance() -> None:
    # Scores that cancel within a and within b but not in their crossing.
    scores = np.array([[1.0], [-1.0], [-1.0], [1.0]])
    codes = {"a": np.array([0, 0, 1, 1]), "b": np.array([0, 1, 0, 1])}
    facts = Inference(scores=scores, bread=np.eye(1), nobs=4, parameters=1, linear=True)
    with pytest.warns(EstimationWarning, match="not positive semi-definite"):
        made = covariance({"CRV1": "a + b"}, facts, codes.__getitem__)
    assert made.matrix[0, 0] == 0.0


def test_likelihood_models_use_the_normal_distribution() -> None:
    assert make("iid", linear=False).df == np.inf
    np.testing.assert_array_equal(make("iid", linear=False).matrix, BREAD)
    assert make({"CRV1": "a"}, linear=False).df == np.inf
    assert make({"survey": {"psu": "a"}}, linear=False).df == 39
    np.testing.assert_allclose(make({"CRV1": "a"}, linear=False).matrix, make({"CRV1": "a"}).matrix)


def test_a_group_for_each_row_is_hetero() -> None:
    each = covariance({"CRV1": "row"}, inference(), lambda _: np.arange(N))
    np.testing.assert_allclose(each.matrix, make("hetero").matrix, rtol=1e-12)


def test_nested_effects_are_not_counted() -> None:
    nested = make({"CRV1": "few"}, absorbed=(CODES["a"],)).matrix
    np.testing.assert_allclose(nested, make({"CRV1": "few"}).matrix * (N - K) / (N - K - 1), rtol=1e-12)
    crossing = make({"CRV1": "few"}, absorbed=(CODES["t"],)).matrix
    np.testing.assert_allclose(crossing, make({"CRV1": "few"}).matrix * (N - K) / (N - K - 12), rtol=1e-12)


def test_driscoll_kraay_by_hand() -> None:
    scores = X * ERRORS[:, None]
    sums = np.array([scores[CODES["t"] == period].sum(axis=0) for period in range(12)])
    total = sums.T @ sums
    for lag in (1, 2):
        total = total + (1 - lag / 3) * (sums[lag:].T @ sums[:-lag] + sums[:-lag].T @ sums[lag:])
    expected = 12 / 11 * (N - 1) / (N - K) * BREAD @ total @ BREAD
    np.testing.assert_allclose(make({"DK": "t", "lags": 2}).matrix, expected, rtol=1e-12)
    assert make({"DK": "t"}).label == "Driscoll–Kraay by t, 1 lags"


def test_survey_without_strata_is_clustered_around_the_mean() -> None:
    scores = X * ERRORS[:, None]
    sums = np.array([scores[CODES["a"] == code].sum(axis=0) for code in range(40)])
    expected = 40 * BREAD @ np.cov(sums.T, bias=False) @ BREAD
    np.testing.assert_allclose(make({"survey": {"psu": "a"}}).matrix, expected, rtol=1e-12)


def test_survey_numbers_units_within_strata() -> None:
    restarting = {"strata": CODES["few"], "psu": CODES["t"]}
    unique = {"strata": CODES["few"], "psu": cross([CODES["few"], CODES["t"]])}
    asked = {"survey": {"psu": "psu", "strata": "strata"}}
    first = covariance(asked, inference(), restarting.__getitem__)
    np.testing.assert_allclose(
        first.matrix, covariance(asked, inference(), unique.__getitem__).matrix, rtol=1e-12
    )
    assert first.df == 48 - 4


def test_jackknife_uses_the_models_own_refits() -> None:
    without = RNG.normal(size=(4, K))
    made = make({"CRV3": "few"}, jackknife=lambda _: without, estimates=np.ones(K))
    np.testing.assert_allclose(made.matrix, 3 / 4 * (without - 1).T @ (without - 1))
    without[2] = np.nan
    with pytest.raises(ModelError, match="without 1 of the 4 clusters of 'few'"):
        make({"CRV3": "few"}, jackknife=lambda _: without, estimates=np.ones(K))


@pytest.mark.parametrize(
    ("vcov", "changes", "message"),
    [
        ({"CRV1": "one"}, {}, "'one' has one group only"),
        ({"CRV1": "a + one"}, {}, "'one' has one group only"),
        ({"DK": "t", "lags": 12}, {}, "from 0 to 11"),
        ({"DK": "t"}, {"linear": False}, "for linear models"),
        ({"CRV3": "a"}, {}, "CRV3 is not defined"),
        ("HC2", {}, "needs hat values"),
        ("HC3", {"leverage": lambda: np.r_[np.ones(2), np.zeros(N - 2)]}, "2 observations have leverage 1"),
        ({"survey": {"strata": "lonely"}}, {}, "1 strata of 'lonely' have one primary sampling unit"),
        ({"survey": {"psu": "one"}}, {}, "'one' has one group only"),
        ("iid", {"parameters": N}, "do not identify"),
        ({"CRV1": "a"}, {"parameters": N}, "do not identify"),
        ({"CRV1": "short"}, {}, "varies within the groups"),
    ],
)
def test_refusals(vcov: object, changes: dict, message: str) -> None:
    codes = {**CODES, "lonely": np.r_[np.zeros(N - 1, dtype=int), 1], "short": np.arange(3)}
    with pytest.raises(ModelError, match=message):
        covariance(vcov, inference(**changes), codes.__getitem__)  # type: ignore[arg-type]


def test_few_clusters_are_warned_of() -> None:
    with pytest.warns(EstimationWarning, match=r"only 4 clusters in 'few'.*CRV3.*wild"):
        covariance({"CRV1": "a + few"}, inference(), CODES.__getitem__)
