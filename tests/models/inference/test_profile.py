"""Profile-likelihood intervals against logistf, and against the test that they invert."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError

REFERENCE = Path(__file__).parents[2] / "reference" / "firth"


def test_firth_intervals_are_those_of_logistf() -> None:
    data = pd.read_csv(REFERENCE / "sex2.csv")
    expected = pd.read_csv(REFERENCE / "sex2_logistf.csv", index_col=0)
    made = gvc.logit(f"case ~ {' + '.join(expected.index[1:])}", data, firth=True)
    intervals = made.conf_int(method="profile")
    np.testing.assert_allclose(intervals["conf_low"], expected["lower"], atol=2e-5)
    np.testing.assert_allclose(intervals["conf_high"], expected["upper"], atol=2e-5)


def test_at_a_bound_the_ratio_is_the_quantile() -> None:
    data = pd.read_csv(REFERENCE / "sex2.csv")
    free = gvc.logit("case ~ age + oc + vic", data)
    bounds = free.conf_int(0.9, method="profile").loc["age"]
    for value in bounds:
        held = gvc.logit("case ~ age + oc + vic", data, fix={"age": value})
        assert held.lr_test(free).pvalue == pytest.approx(0.1, abs=1e-6)
    with pytest.raises(ModelError, match="classical"):
        free.with_vcov("hetero").conf_int(method="profile")
    with pytest.raises(ModelError, match="method="):
        free.conf_int(method="exact")
