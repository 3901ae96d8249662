"""Latent classes against a direct maximisation of the likelihood in R, and on simulated classes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import ConvergenceWarning, DataError
from gvcmetrics.measures.governance.latent_classes import latent_classes

REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"
ITEMS = ["design", "quality", "process", "research", "visits"]


@pytest.fixture
def firms() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "items.csv")


@pytest.mark.parametrize(("weight", "key"), [(None, "latent_classes"), ("weight", "latent_classes_weighted")])
def test_estimates_agree_with_r(firms, weight, key):
    theirs = json.loads((REFERENCE / "items_R.json").read_text())[key]
    ours = latent_classes(firms, ITEMS, 2, weights=weight)
    assert ours.log_likelihood == pytest.approx(theirs["log_likelihood"], rel=1e-10)
    # R's quasi-Newton stops about 1e-6 from the peak in the parameters.
    assert ours.shares["class_1"] == pytest.approx(theirs["share_low"], rel=1e-5)
    yes = ours.response_probabilities.xs(1.0, level="answer")
    np.testing.assert_allclose(yes["class_1"], theirs["low"], rtol=2e-5)
    np.testing.assert_allclose(yes["class_2"], theirs["high"], rtol=2e-5)
    assert ours.n_parameters == 11
    assert ours.bic == pytest.approx(-2 * ours.log_likelihood + 11 * np.log(400))
    assert ours.aic == pytest.approx(-2 * ours.log_likelihood + 22)


def test_simulated_classes_are_found(firms):
    fit = latent_classes(firms, ITEMS, 2)
    found = (fit.most_likely() == "class_2").astype(int)
    assert (found == firms["tight"]).mean() > 0.9
    sure = fit.most_likely(minimum=0.95)
    assert set(sure.unique()) == {"class_1", "class_2", "unclassified"}
    known = sure != "unclassified"
    assert ((sure[known] == "class_2").astype(int) == firms["tight"][known]).mean() > 0.97
    assert 0 < fit.relative_entropy < 1


def test_three_classes_of_four_answers_are_recovered():
    rng = np.random.default_rng(3)
    truth = rng.choice(3, 4000, p=[0.5, 0.3, 0.2])
    by_class = np.array([[0.7, 0.2, 0.08, 0.02], [0.1, 0.6, 0.2, 0.1], [0.05, 0.05, 0.2, 0.7]])
    answers = np.stack([[rng.choice(4, p=by_class[c]) for c in truth] for _ in range(6)], axis=1)
    names = [f"item{j}" for j in range(6)]
    fit = latent_classes(pd.DataFrame(answers, columns=names), names, 3, scale=(0, 3), starts=5)
    assert fit.shares.tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.03)
    for j in names:
        np.testing.assert_allclose(fit.response_probabilities.loc[j].T, by_class, atol=0.06)
    worse = latent_classes(pd.DataFrame(answers, columns=names), names, 2, scale=(0, 3), starts=5)
    assert fit.bic < worse.bic


def test_the_seed_repeats_and_unanswered_rows_are_unknown(firms):
    holes = firms.copy()
    holes.loc[0, ITEMS] = np.nan
    first, second = latent_classes(holes, ITEMS, 2, seed=4), latent_classes(holes, ITEMS, 2, seed=4)
    assert first.log_likelihood == second.log_likelihood
    pd.testing.assert_frame_equal(first.posterior, second.posterior)
    assert first.posterior.iloc[0].isna().all()
    assert first.most_likely().iloc[0] == "unclassified"
    assert first.n_rows == 399
    dropped = latent_classes(holes.iloc[1:], ITEMS, 2, seed=4)
    assert first.log_likelihood == pytest.approx(dropped.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(first.posterior.dropna().sum(axis=1), 1)


def test_bad_input(firms):
    with pytest.raises(DataError, match="3 classes need 11 parameters and the items' patterns carry 7"):
        latent_classes(firms, ITEMS[:3], 3)
    with pytest.raises(DataError, match="1 classes"):
        latent_classes(firms, ITEMS, 1)
    with pytest.raises(DataError, match="not on the declared scale"):
        latent_classes(firms.assign(design=-8), ITEMS, 2)
    with pytest.raises(DataError, match="no row answers"):
        latent_classes(firms.assign(**dict.fromkeys(ITEMS, np.nan)), ITEMS, 2)
    with pytest.warns(ConvergenceWarning, match="stopped at 2 iterations"):
        latent_classes(firms, ITEMS, 2, max_iterations=2)
