"""Every covariance for every kind of model: leaving clusters out by hand, identities, warnings, refusals.

Their values against R are in test_cells.
"""

import itertools
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.models import Results

ENGINE = Path(__file__).parents[1] / "reference" / "engine"
BALANCED = pd.read_csv(ENGINE / "data" / "balanced.csv").assign(
    sector=lambda d: d["unit"] % 9, cohort=lambda d: d["unit"] % 7, fold=lambda d: d["unit"] % 5
)
MODELS = {
    "ols": ("ols", "continuous ~ x1 + d", "pooled"),
    "ols fixed": ("ols", "continuous ~ x1 + d | time", "fixed"),
    "gls": ("ols", "continuous ~ x1 + d", "random"),
    "logit": ("logit", "binary ~ x1 + d", "pooled"),
    "logit absorbed": ("logit", "binary ~ x1 + d | region", "pooled"),
    "logit fixed": ("logit", "binary ~ x1 + d", "fixed"),
    "probit random": ("probit", "binary ~ x1 + d", "random"),
    "cloglog correlated": ("cloglog", "event ~ x1 + d", "correlated"),
    "ordered probit": ("ordered_probit", "ordered ~ x1 + d", "pooled"),
    "ordered logit fixed": ("ordered_logit", "ordered ~ x1 + d", "fixed"),
    "ordered logit random": ("ordered_logit", "ordered ~ x1 + d", "random"),
    "multinomial": ("multinomial_logit", "choice ~ x1 + d", "pooled"),
    "multinomial fixed": ("multinomial_logit", "choice ~ x1 + d", "fixed"),
    "negative binomial": ("negative_binomial", "overdispersed ~ x1 + d", "pooled"),
    "fractional": ("fractional_logit", "fraction ~ x1 + d", "pooled"),
    "poisson fixed": ("poisson", "count ~ x1 + d", "fixed"),
    "tobit": ("tobit", "continuous ~ x1 + d", "pooled"),
    "tobit random": ("tobit", "continuous ~ x1 + d", "random"),
    "joint": ("joint_probit", "first + second ~ x1 + d", "pooled"),
}


def fitted(name: str, data: pd.DataFrame = BALANCED) -> Results:
    function, formula, effects = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(gvc, function)(formula, data, unit="unit", effects=effects)


RESULTS = {name: fitted(name) for name in MODELS}


def quiet(result: Results, vcov: object) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return result.with_vcov(vcov).cov.to_numpy()


@pytest.mark.parametrize("name", MODELS)
def test_three_ways(name: str) -> None:
    result, ways = RESULTS[name], ["sector", "cohort", "fold"]
    codes = {way: (result.codes or result.sample.codes)(way) for way in ways}
    scores, bread = pd.DataFrame(result.inference.scores), result.inference.bread
    total = np.zeros_like(bread)
    for size in (1, 2, 3):
        for chosen in itertools.combinations(ways, size):
            sums = scores.groupby([codes[way] for way in chosen]).sum().to_numpy()
            total += (-1) ** (size + 1) * bread @ sums.T @ sums @ bread
    values, vectors = np.linalg.eigh(total)
    psd = (vectors * np.maximum(values, 0)) @ vectors.T
    made = quiet(result, {"CRV1": "sector + cohort + fold"})
    ratio = np.diag(made) / np.diag(psd)
    # The factor is the same for all parameters: that of the way with the fewest clusters, five.
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-8)
    assert 5 / 4 <= ratio[0] < 5 / 4 * 1.25


@pytest.mark.parametrize("name", MODELS)
def test_jackknife_is_leaving_clusters_out(name: str) -> None:
    if name == "gls":
        pytest.skip("random effects keep θ when a cluster is left out, as documented")
    result = RESULTS[name]
    left_out = [fitted(name, BALANCED[BALANCED["fold"] != fold]) for fold in range(5)]
    others = np.array([other.params[result.params.index] for other in left_out])
    difference = others - result.params.to_numpy()
    expected = 4 / 5 * difference.T @ difference
    scale = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        quiet(result, {"CRV3": "fold"}) / np.outer(scale, scale), expected / np.outer(scale, scale), atol=2e-5
    )


@pytest.mark.parametrize("name", MODELS)
def test_survey_without_strata_is_clustering(name: str) -> None:
    result = RESULTS[name]
    survey = quiet(result, {"survey": {"psu": "region"}})
    clustered = quiet(result, {"CRV1": "region"})
    ratio = survey / clustered
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=2e-4)
    assert 0.75 < ratio[0, 0] < 1
    assert result.with_vcov({"survey": {"psu": "region"}}).df == 23


@pytest.mark.parametrize("name", MODELS)
def test_few_clusters_are_warned_of(name: str) -> None:
    with pytest.warns(EstimationWarning, match="only 5 clusters in 'fold'.*CRV3.*wild_bootstrap"):
        RESULTS[name].with_vcov({"CRV1": "fold"})


@pytest.mark.parametrize("name", MODELS)
def test_driscoll_kraay_is_for_linear_models(name: str) -> None:
    if name.startswith(("ols", "gls")):
        assert np.isfinite(RESULTS[name].with_vcov({"DK": "time", "lags": 1}).std_errors).all()
        return
    with pytest.raises(ModelError, match=r"linear models|varies within"):
        RESULTS[name].with_vcov({"DK": "time", "lags": 1})


@pytest.mark.parametrize("name", ["logit fixed", "probit random", "multinomial fixed"])
def test_clusters_must_not_cut_units_of_a_joint_likelihood(name: str) -> None:
    with pytest.raises(ModelError, match="'time' varies within"):
        RESULTS[name].with_vcov({"CRV1": "time"})


@pytest.mark.parametrize("name", MODELS)
def test_one_cluster(name: str) -> None:
    data = BALANCED.assign(all=1)
    result = fitted(name, data)
    with pytest.raises(ModelError, match="one group only"):
        result.with_vcov({"CRV1": "all"})
