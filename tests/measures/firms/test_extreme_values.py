"""The outlier rule computed by hand, and winsorising that says what it did."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import raw_columns, record
from gvcmetrics.measures.firms.extreme_values import outliers, winsorise


def firms(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    sales = np.exp(rng.normal(10, 1, rows))
    sales[[7, 100]] = [sales[7] * 1e4, sales[100] / 1e5]
    sales[3], sales[4] = 0, np.nan
    return pd.DataFrame({"sales_usd": sales, "size": np.where(np.arange(rows) % 2, "small", "large")})


def test_rule_by_another_road() -> None:
    frame = firms()
    found = outliers(frame, ["sales_usd"])
    logs = np.log(frame["sales_usd"][frame["sales_usd"] > 0])
    # scipy's MAD times 1.4826 estimates the standard deviation; 0.6745 is its rounded inverse.
    score = 0.6745 * (logs - logs.median()) / stats.median_abs_deviation(logs)
    expected = score[score.abs() > 3.5]
    assert set(found["row"]) == set(expected.index) >= {7, 100}
    np.testing.assert_allclose(
        found.set_index("row")["score"].sort_index(), expected.sort_index(), rtol=1e-12
    )
    assert found["score"].abs().is_monotonic_decreasing
    assert found.attrs["rule"] == "0.6745 |ln x − median| / MAD > 3.5"


def test_by_group_is_the_rule_within_each() -> None:
    frame = firms()
    frame.loc[frame["size"] == "small", "sales_usd"] *= 1000
    found = set(outliers(frame, ["sales_usd"], by="size")["row"])
    parts = [set(outliers(part, ["sales_usd"])["row"]) for _, part in frame.groupby("size")]
    assert found == set().union(*parts)


def test_winsorising_is_recorded_and_leaves_the_frame_alone() -> None:
    frame = record(firms(), "sales_usd", "turnover_k")
    before = frame["sales_usd"].copy()
    found = winsorise(frame, ["sales_usd"], lower=0.05, upper=0.95, by="size")
    pd.testing.assert_series_equal(frame["sales_usd"], before)
    assert "winsorised" not in frame.attrs
    for _, rows in frame.groupby("size").groups.items():
        low, high = np.nanquantile(before[rows], [0.05, 0.95])
        np.testing.assert_allclose(found["sales_usd"][rows], np.clip(before[rows], low, high), rtol=1e-12)
    changed = found["sales_usd"].ne(before) & before.notna()
    said = found.attrs["winsorised"]["sales_usd"]
    assert said["raised"] + said["lowered"] == changed.sum()
    assert (said["lower"], said["upper"], said["by"]) == (0.05, 0.95, "size")
    assert found["sales_usd"].isna().sum() == 1
    assert raw_columns(found, "sales_usd") == ["turnover_k"]


def test_refuses() -> None:
    frame = firms()
    once = winsorise(frame, ["sales_usd"])
    with pytest.raises(DataError, match="column 'sales_usd': the column is winsorised already"):
        winsorise(once, ["sales_usd"])
    with pytest.raises(DataError, match="no lower and upper quantile"):
        winsorise(frame, ["sales_usd"], lower=0.9, upper=0.1)
    with pytest.raises(DataError, match="column 'size': the column is not numeric"):
        outliers(frame, ["size"])
    with pytest.raises(DataError, match="column 'sale': the frame has no such column"):
        winsorise(frame, ["sale"])
