"""Cohen's κ: statsmodels, values by hand, silence, cases in another order."""

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures
from gvcmetrics.errors import DataError


def test_kappa_is_that_of_statsmodels():
    from statsmodels.stats.inter_rater import cohens_kappa

    rng = np.random.default_rng(5)
    first = rng.integers(0, 3, 60)
    second = np.where(rng.uniform(size=60) < 0.6, first, rng.integers(0, 3, 60))
    frame = pd.DataFrame({"one": first, "two": second})
    counts = pd.crosstab(frame["one"], frame["two"]).to_numpy()
    assert measures.cohen_kappa(frame, "one", "two") == pytest.approx(
        cohens_kappa(counts, return_results=False)
    )


def test_kappa_by_hand_with_and_without_silence():
    frame = pd.DataFrame({"one": ["a", "a", "b", None, None], "two": ["a", "b", "b", None, "b"]})
    # Three categories: p_o = 3/5, p_e = (2·1 + 1·3 + 2·1)/25.
    assert measures.cohen_kappa(frame, "one", "two") == pytest.approx((0.6 - 7 / 25) / (1 - 7 / 25))
    # Three cases are left: p_o = 2/3, p_e = (2·1 + 1·2)/9.
    assert measures.cohen_kappa(frame, "one", "two", silence=False) == pytest.approx(
        (2 / 3 - 4 / 9) / (5 / 9)
    )


def test_kappa_of_one_category_is_missing_and_opposite_codings_are_below_chance():
    same = pd.DataFrame({"one": ["a"] * 3, "two": ["a"] * 3})
    assert np.isnan(measures.cohen_kappa(same, "one", "two"))
    assert np.isnan(measures.cohen_kappa(same.assign(two=None), "one", "two", silence=False))
    opposite = pd.DataFrame({"one": ["a", "b"], "two": ["b", "a"]})
    assert measures.cohen_kappa(opposite, "one", "two") == -1


def test_codings_are_compared_by_case_whatever_their_order():
    one = pd.DataFrame({"case": list("pqrs"), "x": [1.0, 1.0, 0.0, None], "z": list("uuvv")})
    other = one.iloc[::-1].assign(x=[None, 0.0, 0.0, 1.0])
    found = measures.coding_agreement(one, other, "case", ["x", "z"])
    assert found.loc["z"].to_list() == [4, 0, 1.0, 1.0]
    assert found.loc["x", ["cases", "differ", "agreement"]].to_list() == [4, 1, 0.75]
    paired = pd.DataFrame({"one": one["x"], "two": [1.0, 0.0, 0.0, None]})
    assert found.loc["x", "kappa"] == pytest.approx(measures.cohen_kappa(paired, "one", "two"))


def test_cases_of_one_coding_only_and_repeated_ones_are_refused():
    one = pd.DataFrame({"case": ["p", "q"], "x": [1, 0]})
    with pytest.raises(DataError, match="key 'q': 1 cases are in one coding only"):
        measures.coding_agreement(one, one.iloc[:1], "case", ["x"])
    with pytest.raises(DataError, match="repeat a key"):
        measures.coding_agreement(one, pd.concat([one, one]), "case", ["x"])
