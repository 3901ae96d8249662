"""Cronbach's α and z-scores: base R, identities, items off their scale."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.items import checked_items, cronbach_alpha, mean_z_score, z_scores

REFERENCE = Path(__file__).parents[1] / "reference" / "clusters"
ITEMS = ["design", "quality", "process", "research", "visits"]


@pytest.fixture
def firms() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "items.csv")


def test_alpha_agrees_with_r(firms):
    theirs = json.loads((REFERENCE / "items_R.json").read_text())
    assert cronbach_alpha(firms, ITEMS) == pytest.approx(theirs["alpha"], rel=1e-10)
    standardised = cronbach_alpha(firms, ITEMS, standardised=True)
    assert standardised == pytest.approx(theirs["alpha_standardised"], rel=1e-10)


def test_alpha_of_known_items():
    x = np.array([1.0, 2.0, 4.0, 7.0])
    twice = pd.DataFrame({"a": x, "b": x})
    assert cronbach_alpha(twice, ["a", "b"]) == pytest.approx(1)
    assert cronbach_alpha(twice.assign(b=2 * x), ["a", "b"], standardised=True) == pytest.approx(1)
    # Parallel items: α is the Spearman–Brown formula of their correlation.
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50))
    items = pd.DataFrame({"a": a, "b": 0.5 * a + b})
    r = items.corr().iloc[0, 1]
    assert cronbach_alpha(items, ["a", "b"], standardised=True) == pytest.approx(2 * r / (1 + r))
    assert np.isnan(cronbach_alpha(pd.DataFrame({"a": x, "b": 5 - x}), ["a", "b"]))
    assert np.isnan(cronbach_alpha(twice.assign(b=1.0), ["a", "b"], standardised=True))
    assert np.isnan(cronbach_alpha(twice.head(1), ["a", "b"]))
    with pytest.raises(DataError, match="at least two items"):
        cronbach_alpha(twice, ["a"])


def test_z_scores(firms):
    scores = z_scores(firms, ITEMS)
    np.testing.assert_allclose(scores.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(scores.std(ddof=1), 1)
    assert mean_z_score(firms, ITEMS).isna().equals(firms[ITEMS].isna().any(axis=1))
    with pytest.raises(DataError, match=r"column 'visits': .* cannot be standardised"):
        z_scores(firms.assign(visits=0.1), ITEMS)


@pytest.mark.parametrize(("value", "ok"), [(0, True), (3, True), (-1, False), (4, False), (1.5, False)])
def test_the_declared_scale(value, ok):
    frame = pd.DataFrame({"score": [0.0, value, np.nan]})
    if ok:
        assert checked_items(frame, ["score"], scale=(0, 3))["score"].iloc[1] == value
    else:
        with pytest.raises(DataError, match=rf"row 3, column 'score': {value:g} is not on the declared"):
            checked_items(frame, ["score"], scale=(0, 3))
    with pytest.raises(DataError, match="no items are declared"):
        checked_items(frame, [])


def test_booleans_are_items():
    frame = pd.DataFrame({"flag": pd.array([True, False, None], dtype="boolean")})
    np.testing.assert_array_equal(checked_items(frame, ["flag"])["flag"], [1.0, 0.0, np.nan])
