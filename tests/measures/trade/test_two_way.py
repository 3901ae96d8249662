"""Two-way trade: types by hand, symmetry between partners, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.trade.two_way import two_way_trade

COLUMNS = ["exporter", "importer", "product", "year", "value_usd", "unit_value_usd"]


@pytest.fixture
def trade() -> pd.DataFrame:
    rows = [
        ("ITA", "BRA", "tiles", 1, 100.0, 13.0), ("BRA", "ITA", "tiles", 1, 50.0, 10.0),
        ("ITA", "BRA", "shoes", 1, 100.0, 11.0), ("BRA", "ITA", "shoes", 1, 80.0, 10.0),
        ("ITA", "BRA", "melons", 1, 100.0, 1.0), ("BRA", "ITA", "melons", 1, 9.0, 1.0),
        ("ITA", "BRA", "cars", 1, 100.0, 1.0), ("BRA", "ITA", "cars", 1, 0.0, np.nan),
        ("ITA", "BRA", "toys", 1, 100.0, 0.0), ("BRA", "ITA", "toys", 1, 90.0, 2.0),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def test_types_by_hand(trade):
    before = trade.copy(deep=True)
    out = two_way_trade(trade).set_index(["exporter", "product"])
    types = out["trade_type"].astype(object)
    assert types["ITA", "tiles"] == "vertical, high"
    assert types["BRA", "tiles"] == "vertical, low"
    assert types["ITA", "shoes"] == types["BRA", "shoes"] == "horizontal"
    assert types["ITA", "melons"] == types["BRA", "melons"] == "one-way"
    assert types["ITA", "cars"] == "one-way"
    assert pd.isna(types["ITA", "toys"])
    assert out.loc[("BRA", "cars"), ["export_value", "import_value"]].tolist() == [0.0, 100.0]
    assert out.loc[("ITA", "tiles"), "grubel_lloyd"] == pytest.approx(1 - 50 / 150)
    assert out.loc[("ITA", "tiles"), "unit_value_ratio"] == pytest.approx(1.3)
    assert two_way_trade(trade).attrs["lineage"]["trade_type"] == ["unit_value_usd", "value_usd"]
    pd.testing.assert_frame_equal(trade, before)


def test_any_overlap_counts_at_zero(trade):
    out = two_way_trade(trade, overlap=0.0).set_index(["exporter", "product"])
    assert out.loc[("ITA", "melons"), "trade_type"] == "horizontal"
    assert out.loc[("ITA", "cars"), "trade_type"] == "one-way"


def test_partners_mirror_each_other_under_symmetric_bounds():
    rng = np.random.default_rng(2)
    pairs = [(a, b) for a in range(8) for b in range(8) if a != b]
    rows = [(a, b, p, 1, rng.exponential(), rng.lognormal(0, 0.3)) for a, b in pairs for p in range(5)]
    out = two_way_trade(pd.DataFrame(rows, columns=COLUMNS), bounds=(1 / 1.15, 1.15))
    key = ["exporter", "importer", "product"]
    one = out.set_index(key)
    other = out.rename(columns={"exporter": "importer", "importer": "exporter"}).set_index(key).loc[one.index]
    mirrored = {"vertical, high": "vertical, low", "vertical, low": "vertical, high"}
    assert one["trade_type"].astype(str).replace(mirrored).equals(other["trade_type"].astype(str))
    np.testing.assert_allclose(one["grubel_lloyd"], other["grubel_lloyd"], rtol=1e-14)
    assert set(one["trade_type"]) == {"one-way", "horizontal", "vertical, low", "vertical, high"}


def test_bad_input_is_refused(trade):
    with pytest.raises(DataError, match="exports to itself"):
        two_way_trade(trade.assign(importer=trade["exporter"]))
    with pytest.raises(DataError, match="repeat a key"):
        two_way_trade(pd.concat([trade, trade]))
    with pytest.raises(DataError, match="bounds"):
        two_way_trade(trade, bounds=(1.1, 1.2))
    with pytest.raises(DataError, match="row 2, column 'unit_value_usd'"):
        two_way_trade(trade.assign(unit_value_usd=-1.0))


def test_the_grubel_lloyd_index_needs_no_unit_values() -> None:
    """1 − |30 − 10| / 40 is a half; which quality it is is not known, and that it is one-way is."""
    flows = pd.DataFrame(
        {
            "exporter": list("ABA"),
            "importer": list("BAC"),
            "product": "p",
            "year": 2000,
            "value_usd": [30.0, 10, 5],
        }
    )
    for found in (two_way_trade(flows), two_way_trade(flows.assign(unit_value_usd=1.0), unit_value=None)):
        assert found["grubel_lloyd"].tolist() == [0.5, 0.0, 0.5, 0.0]
        assert found["trade_type"].tolist() == [np.nan, "one-way", np.nan, "one-way"]
    with pytest.raises(DataError, match="no such column"):
        two_way_trade(flows, unit_value="price")
