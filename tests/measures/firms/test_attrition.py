"""Entry, stay and exit against a panel counted by hand, and the identities that they obey."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.firms.attrition import attrition_table

# a: always; b: leaves after 2001; c: enters in 2002; d: pauses in 2001; e: only 2003.
SEEN = {"a": [2000, 2001, 2002, 2003], "b": [2000, 2001], "c": [2002, 2003], "d": [2000, 2002], "e": [2003]}


def frame(seen: dict[str, list[int]]) -> pd.DataFrame:
    return pd.DataFrame(
        [(unit, year) for unit, years in seen.items() for year in years], columns=["firm_id", "year"]
    )


def test_counted_by_hand() -> None:
    table = attrition_table(frame(SEEN))
    assert table["observed"].tolist() == [3, 2, 3, 3]
    assert table["stayed"].tolist() == [0, 2, 1, 2]
    assert table["entered"].tolist() == [3, 0, 1, 1]
    assert table["returned"].tolist() == [0, 0, 1, 0]
    assert table["last_seen"].tolist() == [0, 1, 1, 0]
    assert table["paused"].tolist() == [1, 0, 0, 0]
    np.testing.assert_allclose(table["exit_rate"], [0, 1 / 2, 1 / 3, np.nan])
    assert table.attrs == {"balanced": 1, "units": 5}


def test_identities_on_a_random_panel() -> None:
    rng = np.random.default_rng(3)
    every = pd.MultiIndex.from_product([range(80), range(2000, 2008)], names=["firm_id", "year"]).to_frame(
        index=False
    )
    kept = every[rng.random(len(every)) < 0.6].sample(frac=1, random_state=1)
    table = attrition_table(kept)
    assert (table["observed"] == table["stayed"] + table["entered"] + table["returned"]).all()
    leavers = table["observed"] - table["last_seen"] - table["paused"]
    assert table["stayed"].iloc[1:].tolist() == leavers.iloc[:-1].tolist()
    assert table["entered"].sum() == kept["firm_id"].nunique() == table.attrs["units"]


def test_refuses_what_is_no_panel() -> None:
    good = frame(SEEN)
    with pytest.raises(DataError, match=r"row \d+, key 'a, 2000'.*repeat a key of firm_id, year"):
        attrition_table(pd.concat([good, good.head(1)]))
    with pytest.raises(DataError, match="column 'wave': the frame has no such column"):
        attrition_table(good, time="wave")
    with pytest.raises(DataError, match=r"row \d+, column 'firm_id': a part of the key is missing"):
        attrition_table(good.assign(firm_id=good["firm_id"].where(good["year"] > 2000)))
