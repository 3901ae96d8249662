"""Related and unrelated variety by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures as m
from gvcmetrics.errors import DataError


def test_variety_by_hand() -> None:
    """r: a half in 10, split evenly, and a half in 20, all in one industry: UV 1 bit, RV half a bit."""
    jobs = pd.DataFrame(
        {
            "region": ["r", "r", "r", "s"],
            "industry": ["1011", "1012", "2011", "2011"],
            "employment": [1.0, 1.0, 2.0, 5.0],
        }
    )
    found = m.related_variety(jobs).set_index("region")
    assert found.loc["r"].tolist() == pytest.approx([0.5, 1.0, 1.5])
    assert found.loc["s"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    three = m.related_variety(jobs, digits=3).set_index("region")
    np.testing.assert_allclose(three.loc["r"], found.loc["r"])
    with pytest.raises(DataError, match="no industry has more than 4 characters"):
        m.related_variety(jobs, digits=4)
