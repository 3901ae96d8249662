"""Upgrading from items and from changes, the export ladder, economic with social: tables written by hand."""

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.firms.upgrading import (
    chain_upgrading,
    economic_social_quadrants,
    export_stage,
    upgrading_from_changes,
    upgrading_from_items,
)

NAN = np.nan


def test_items_by_hand():
    firms = pd.DataFrame(
        {"own_design": [1, 0, 0, NAN], "own_brand": [NAN, 0, NAN, NAN], "h1": [0, 1, 1, NAN]}
    )
    out = upgrading_from_items(firms, {"functional": ["own_design", "own_brand"], "product": ["h1"]})
    np.testing.assert_array_equal(out["upgrade_functional"], [1, 0, NAN, NAN])
    np.testing.assert_array_equal(out["upgrade_product"], [0, 1, 1, NAN])
    assert raw_columns(out, "upgrade_functional") == ["own_brand", "own_design"]
    with pytest.raises(DataError, match="'social' is no type"):
        upgrading_from_items(firms, {"social": ["h1"]})
    with pytest.raises(DataError, match="no type of upgrading is declared"):
        upgrading_from_items(firms, {})
    with pytest.raises(DataError, match="-7 is not on the declared scale"):
        upgrading_from_items(firms.assign(h1=-7), {"product": ["h1"]})


def test_changes_by_hand():
    panel = pd.DataFrame(
        {
            "firm_id": ["a", "a", "a", "b", "b"],
            "year": [2003, 2001, 2002, 2001, 2003],
            "tfp": [1.4, 1.0, 1.3, 2.0, 1.0],
            "ruv": [0.8, 1.0, NAN, 1.0, 1.5],
        }
    )
    out = upgrading_from_changes(panel, {"process": "tfp", "product": "ruv"}, thresholds={"process": 0.2})
    np.testing.assert_allclose(out["change_process"], [0.1, NAN, 0.3, NAN, NAN])
    np.testing.assert_array_equal(out["upgrade_process"], [0, NAN, 1, NAN, NAN])
    assert out["upgrade_product"].isna().all()
    two = upgrading_from_changes(panel, {"process": "tfp", "product": "ruv"}, window=2)
    np.testing.assert_array_equal(two["upgrade_process"], [1, NAN, NAN, NAN, 0])
    np.testing.assert_array_equal(two["upgrade_product"], [0, NAN, NAN, NAN, 1])
    assert raw_columns(two, "upgrade_product") == ["ruv"]
    with pytest.raises(DataError, match=r"row 7, key .*repeat a key of firm_id, year"):
        upgrading_from_changes(pd.concat([panel, panel.tail(1)]), {"process": "tfp"})
    with pytest.raises(DataError, match="window is 0"):
        upgrading_from_changes(panel, {"process": "tfp"}, window=0)


def test_chain_upgrading_by_hand():
    rows = [
        ("a", 1, "1511"), ("a", 2, "1512"), ("a", 3, "1411"), ("a", 4, "1511"),
        ("b", 1, "1511"), ("b", 1, "1411"), ("b", 3, "1411"), ("b", 3, "2811"), ("b", 3, "2911"),
    ]  # fmt: skip
    out = chain_upgrading(pd.DataFrame(rows, columns=["firm_id", "year", "industry"]))
    # Within 15 nothing is new; 14 is new in year 3; the return to 15 is not.
    np.testing.assert_array_equal(out["upgrade_chain"], [NAN, 0, 1, 0, NAN, 1])
    np.testing.assert_array_equal(out["n_new_industries"], [NAN, 0, 1, 0, NAN, 2])
    fine = chain_upgrading(pd.DataFrame(rows, columns=["firm_id", "year", "industry"]), digits=4)
    assert fine["upgrade_chain"].iloc[1] == 1
    for code in (15, "5"):
        with pytest.raises(DataError, match="not a string of at least 2 digits"):
            chain_upgrading(pd.DataFrame({"firm_id": ["a"], "year": [1], "industry": [code]}))
    with pytest.raises(DataError, match="part of the key is missing"):
        chain_upgrading(pd.DataFrame({"firm_id": ["a"], "year": [1], "industry": [None]}))


def test_export_stages_by_hand():
    names = ["assembly", "manufacturing", "design", "marketing", "own_brand"]
    table = [
        # items, stage, ladder, skips
        ([1, 0, 0, 0, 0], 1, "OEA", 0),
        ([1, 1, 0, 0, 0], 2, "OEM", 0),
        ([0, 1, 1, 0, 0], 3, "ODM", 0),
        ([0, 1, 1, 1, 0], 4, "ODM", 0),
        ([0, 1, 1, 1, 1], 5, "OBM", 0),
        ([0, 1, 0, 0, 1], 5, "OBM", 1),
        ([1, 1, NAN, 0, 0], NAN, NAN, NAN),
        ([NAN, NAN, 1, 0, 0], 3, "ODM", NAN),
        ([NAN, NAN, NAN, 0, 1], 5, "OBM", 1),
        ([0, 0, 0, 0, 0], NAN, NAN, NAN),
    ]
    firms = pd.DataFrame([row[0] for row in table], columns=names)
    out = export_stage(firms, **dict(zip(names, names, strict=True)))
    np.testing.assert_array_equal(out["export_stage"], [row[1] for row in table])
    assert out["export_ladder"].astype(object).where(out["export_ladder"].notna()).fillna("-").tolist() == [
        "-" if row[2] is NAN else row[2] for row in table
    ]
    np.testing.assert_array_equal(out["skips_a_stage"], [row[3] for row in table])
    assert out["export_ladder"].min() == "OEA"
    assert out["export_ladder"].max() == "OBM"
    with pytest.raises(DataError, match="3 is not on the declared scale"):
        export_stage(firms.assign(design=3), **dict(zip(names, names, strict=True)))


def test_economic_and_social_quadrants_by_hand():
    growth = pd.DataFrame(
        {
            "unit_value": [0.1, 0.1, -0.1, -0.1, 0.3, NAN, NAN],
            "market_share": [0.1, 0.1, 0.1, -0.1, -0.1, -0.2, 0.2],
            "employment": [0.1, 0.0, 0.1, -0.1, 0.1, 0.1, 0.1],
            "wage": 0.1,
        }
    )
    kinds = {"economic": ["unit_value", "market_share"], "social": ["employment", "wage"]}
    both, economic, social, down = (
        "economic and social upgrading",
        "economic upgrading only",
        "social upgrading only",
        "downgrading",
    )
    strict = economic_social_quadrants(growth, **kinds)
    assert strict.astype(object).fillna("-").tolist() == [both, economic, social, down, social, social, "-"]
    mean = economic_social_quadrants(growth, **kinds, rule="mean")
    assert mean.astype(object).fillna("-").tolist() == [both, both, social, down, both, "-", "-"]
    high = economic_social_quadrants(growth, **kinds, economic_threshold=0.2, social_threshold=-0.2)
    assert high.iloc[0] == social
    assert raw_columns(strict, "economic_social") == ["employment", "market_share", "unit_value", "wage"]
    with pytest.raises(DataError, match="no indicator"):
        economic_social_quadrants(growth, economic=[], social=["wage"])
