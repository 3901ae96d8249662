"""Environmental upgrading and sectoral patterns, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures as m
from gvcmetrics.errors import DataError

NAN = np.nan


def test_intensity_decoupling_and_certificates_by_hand():
    frame = pd.DataFrame(
        {
            "firm_id": list("aabbccddee"),
            "year": [2000, 2001] * 5,
            "value_added_usd": [10.0, 20, 10, 20, 10, 5, 10, 20, -1, 10],
            "energy": [4.0, 2, 4, 6, 4, 1, 4, 16, 4, 4],
            "iso": [0.0, 0, 0, 0, 0, 0, 0, 1, 0, NAN],
        }
    )
    got = m.environmental_upgrading(frame).iloc[1::2]
    np.testing.assert_allclose(got["environmental_intensity"], [0.1, 0.3, 0.2, 0.8, 0.4])
    np.testing.assert_allclose(np.exp(got["intensity_change"]), [0.25, 0.75, 0.5, 2.0, NAN])
    # c spends less because it makes less: that is no absolute decoupling.
    assert got["decoupling"].astype(object).tolist()[:4] == ["absolute", "relative", "relative", "none"]
    np.testing.assert_array_equal(got["upgrade_environmental"], [1, 1, 1, 0, NAN])
    barred = m.environmental_upgrading(frame, least=0.5, certified="iso").iloc[1::2]
    np.testing.assert_array_equal(barred["upgrade_environmental"], [1, 0, 1, 1, NAN])
    assert m.environmental_upgrading(frame).iloc[::2]["upgrade_environmental"].isna().all()
    lineage = m.environmental_upgrading(frame, certified="iso").attrs["lineage"]
    assert lineage["upgrade_environmental"] == ["energy", "iso", "value_added_usd"]
    assert lineage["decoupling"] == ["energy", "value_added_usd"]
    with pytest.raises(DataError, match="least fall"):
        m.environmental_upgrading(frame, least=-1)


def test_the_longest_code_decides_the_pattern():
    frame = pd.DataFrame({"industry": ["15", "1520", "2910", "62", "01", "20", "2011", None]})
    got = m.sectoral_pattern(frame).astype(object).where(lambda s: s.notna(), None).tolist()
    expected = ["traditional", "traditional", "complex_products", "specialised_suppliers", "natural_resource"]
    assert got == [*expected, None, None, None]
    own = m.sectoral_pattern(frame, patterns={"20": "scale", "2011": "natural_resource", "15": "scale"})
    assert own.tolist()[:2] == ["scale", "scale"]
    assert own.tolist()[5:7] == ["scale", "natural_resource"]
    with pytest.raises(DataError, match=r"row 3, column 'industry'.*'C' is no code of an industry"):
        m.sectoral_pattern(pd.DataFrame({"industry": ["15", "C"]}))
