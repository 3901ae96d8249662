"""Shares and entropy of sales channels, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures as m
from gvcmetrics.errors import DataError


def test_shares_entropy_and_main_channel_by_hand():
    frame = pd.DataFrame(
        {"shops": [1.0, 50, 0, 5, 0], "traders": [1.0, 25, 9, np.nan, 0], "buyers": [2.0, 25, 0, 5, 0]}
    )
    got = m.sales_channels(frame, ["shops", "traders", "buyers"])
    np.testing.assert_allclose(got.loc[0, ["share_shops", "share_buyers"]].astype(float), [0.25, 0.5])
    # ½ ln 2 + 2 · ¼ ln 4 = 1.5 ln 2
    np.testing.assert_allclose(got["channel_entropy"], [1.5 * np.log(2)] * 2 + [0, np.nan, np.nan])
    np.testing.assert_allclose(got.loc[0, "channel_evenness"], 1.5 * np.log(2) / np.log(3))
    np.testing.assert_allclose(got["channel_hhi"], [0.375, 0.375, 1, np.nan, np.nan])
    np.testing.assert_array_equal(got["n_channels"], [3, 3, 1, np.nan, np.nan])
    assert got["main_channel"].astype(object).tolist()[:3] == ["buyers", "shops", "traders"]
    assert got["main_channel"].isna().tolist() == [False, False, False, True, True]
    tied = m.sales_channels(frame.iloc[:1], ["shops", "traders"])
    assert tied["main_channel"].isna().all()
    assert tied["channel_evenness"].iloc[0] == pytest.approx(1)
    assert got.attrs["lineage"]["channel_entropy"] == ["buyers", "shops", "traders"]
    for wrong in (["shops"], ["shops", "shops"]):
        with pytest.raises(DataError, match="1 channels are named"):
            m.sales_channels(frame, wrong)
