"""Backshoring and the reversal of outward processing, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures as m
from gvcmetrics.errors import DataError

NAN = np.nan


def test_backshoring_by_hand():
    frame = pd.DataFrame(
        {
            "firm_id": ["a", "a", "a", "b", "b", "c", "c", "d"],
            "year": [2000, 2001, 2003, 2001, 2000, 2000, 2001, 2000],
            "abroad_share": [0.3, 0.25, 0.0, 0.2, 0.0, 0.0, 0.0, 0.5],
        },
        index=list("stuvwxyz"),
    )
    got = m.backshoring(frame)
    # a loses exactly the least change; its next row is two years on; b has nothing to bring back, and goes.
    np.testing.assert_allclose(got["abroad_change"], [NAN, -0.05, NAN, 0.2, NAN, NAN, 0.0, NAN])
    np.testing.assert_array_equal(got["backshoring"], [NAN, 1, NAN, NAN, NAN, NAN, NAN, NAN])
    np.testing.assert_array_equal(got["offshoring"], [NAN, 0, NAN, 1, NAN, NAN, 0, NAN])
    wide = m.backshoring(frame, window=2, least=0.2)
    assert wide["backshoring"].tolist()[2] == 1
    assert wide["backshoring"].notna().sum() == 1
    item = m.backshoring(frame.assign(abroad_share=[1, 0, 1, 1, 1, 0, 0, 1]), least=1)
    np.testing.assert_array_equal(item["backshoring"], [NAN, 1, NAN, 0, NAN, NAN, NAN, NAN])
    assert got.attrs["lineage"]["backshoring"] == ["abroad_share"]
    for wrong in ({"least": 0.0}, {"window": 0}):
        with pytest.raises(DataError):
            m.backshoring(frame, **wrong)


def test_outward_processing_is_held_against_its_earlier_peak():
    years = range(2000, 2006)
    frame = pd.DataFrame(
        {
            "exporter": ["ITA"] * 6 + ["DEU"] * 6,
            "product": "64",
            "year": [*years, *years],
            "value_usd": [100.0, 100, 0, 100, 200, 100] + [100.0] * 6,
            "outward_value_usd": [10.0, 40, 0, 21, 40, 45, 0.5, 0.2, 0, 0, 0, 0],
        }
    ).sample(frac=1, random_state=2)
    got = m.outward_processing_reversal(frame).join(frame[["exporter", "year"]]).sort_values("year")
    italy, germany = (got[got["exporter"] == country] for country in ("ITA", "DEU"))
    np.testing.assert_allclose(italy["outward_share"], [0.1, 0.4, NAN, 0.21, 0.2, 0.45])
    np.testing.assert_allclose(italy["outward_peak"], [NAN, 0.1, 0.4, 0.4, 0.4, 0.4])
    # 0.21 is above half of 0.4; 0.2 is half; 0.45 is a new peak, which is none before its year.
    np.testing.assert_array_equal(italy["outward_reversal"], [NAN, 0, NAN, 0, 1, 0])
    assert germany["outward_reversal"].isna().all()
    assert m.outward_processing_reversal(frame, least=0.004)["outward_reversal"].sum() == 6
    with pytest.raises(DataError, match="more outward processing than trade"):
        m.outward_processing_reversal(frame.assign(outward_value_usd=300.0))
    with pytest.raises(DataError, match="fall is 0"):
        m.outward_processing_reversal(frame, fall=0)
