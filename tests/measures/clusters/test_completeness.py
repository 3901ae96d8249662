"""Completeness by hand, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.clusters.completeness import completeness


def test_completeness_by_hand():
    quotients = pd.DataFrame(
        {
            "region": ["a", "a", "b", "b", "b"],
            "industry": ["15", "20", "15", "20", "28"],
            "location_quotient": [2.0, 0.5, 1.0, 3.0, 0.25],
        }
    )
    coefficients = pd.DataFrame({"15": [0.0, 0.3, 0.1], "20": [0.0, 0.0, 0.0]}, index=["15", "20", "28"])
    out = completeness(quotients, coefficients).set_index(["region", "industry"])
    # a: (0.3·0.5 + 0.1·0)/0.4; b: (0.3·1 + 0.1·0.25)/0.4; industry 20 buys from no stage.
    assert out.loc[("a", "15"), "completeness"] == pytest.approx(0.375)
    assert out.loc[("b", "15"), "completeness"] == pytest.approx(0.8125)
    assert out.xs("20", level="industry")["completeness"].isna().all()
    functions = pd.DataFrame(
        {"region": ["a", "b"], "industry": "15", "design": [1, 1], "machinery": [0, np.nan]}
    )
    both = completeness(quotients, coefficients, functions=functions).set_index(["region", "industry"])
    assert both.loc[("a", "15"), "completeness"] == pytest.approx((0.375 + 0.5) / 2)
    assert np.isnan(both.loc[("b", "15"), "completeness"])
    assert raw_columns(both, "completeness") == ["design", "location_quotient", "machinery"]


def test_completeness_of_bad_tables():
    quotients = pd.DataFrame({"region": "a", "industry": ["15", "20"], "location_quotient": [1.0, 1.0]})
    good = pd.DataFrame({"15": [0.2]}, index=["20"])
    with pytest.raises(DataError, match="negative or missing"):
        completeness(quotients, -good)
    with pytest.raises(DataError, match="repeats an industry"):
        completeness(quotients, pd.concat([good, good]))
    with pytest.raises(DataError, match="no industry of the quotients"):
        completeness(quotients, good.rename(columns={"15": "C15"}))
    with pytest.raises(DataError, match="1 input stages have no firm in any region, the first is 28"):
        completeness(quotients, pd.DataFrame({"15": [0.2, 0.1]}, index=["20", "28"]))
    with pytest.raises(DataError, match="presence exceeds 1"):
        completeness(
            quotients, good, functions=pd.DataFrame({"region": ["a"], "industry": ["15"], "design": [2]})
        )
