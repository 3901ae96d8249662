"""Long frames and arrays give the table that the wide frame gives, and say what is wrong with them."""

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures import from_arrays, from_long, gvc_participation, leontief_inverse

NAMES = ["AAA", "BBB", "CCC", "DDD"]


@pytest.fixture
def long(small_frame):
    """The small table as rows of origin, industry, destination, use and value, zeros left out."""
    rows = small_frame.melt(["country", "industry"], var_name="cell")
    rows[["destination", "use"]] = rows["cell"].str.split("_", expand=True)
    made = rows["cell"] == "output"
    rows.loc[made, ["destination", "use"]] = [["AAA", "output"]] * int(made.sum())
    rows = rows.rename(columns={"country": "origin"}).drop(columns="cell")
    return rows[rows["value"] != 0].sample(frac=1, random_state=1, ignore_index=True)


def read(frame, **options):
    return from_long(frame, origin="origin", destination="destination", **options)


def test_long_frame_gives_the_wide_frames_table(long, small):
    table = read(long)
    assert set(table.regions) == set(NAMES)
    by = ("exporter", "industry", "importer")
    expected = gvc_participation(small, by=by)
    pd.testing.assert_frame_equal(
        gvc_participation(table, by=by).reindex(expected.index), expected, rtol=1e-10
    )
    without = read(long[long["use"] != "output"], year=2005)
    assert without.year == 2005
    np.testing.assert_allclose(np.sort(without.x), np.sort(table.x), rtol=1e-12)


def test_long_panel_needs_its_year(long):
    panel = pd.concat([long.assign(year=2000), long.assign(year=2001)])
    assert read(panel, year=2001).year == 2001
    with pytest.raises(DataError, match="2000, 2001"):
        read(panel)


def test_an_industry_that_only_buys_is_in_the_table(long):
    # DDD s3 sells nothing and makes nothing, so what it buys is final use of its country.
    idle = (long["origin"] == "DDD") & (long["industry"] == "s3")
    table = read(long[~idle & (long["use"] != "output")], negative_value_added="keep")
    assert ("DDD", "s3") in table.rows
    assert table.x[table.rows.get_loc(("DDD", "s3"))] == 0
    bought = long.loc[(long["destination"] == "DDD") & (long["use"] == "s3") & ~idle, "value"].sum()
    used = long.loc[(long["destination"] == "DDD") & long["use"].isin(["f1", "f2"]) & ~idle, "value"].sum()
    final = table.final_use[:, table.regions.index("DDD")].sum()
    assert final == pytest.approx(bought + used)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="use"), "column 'use'.*no such column"),
        (lambda f: f.assign(industry=f["industry"].where(f.index != 4)), "row 6, column 'industry'.*missing"),
        (lambda f: pd.concat([f, f.iloc[[0]]]), "flows are there twice"),
        (lambda f: f.assign(value=f["value"].astype(object).where(f.index != 2, "n.a.")), "no number"),
        (lambda f: f[~f["use"].isin(["f1", "f2"])], "no final use"),
        (
            lambda f: f[f["origin"] != "DDD"].query("use in ['f1', 's1']"),
            "countries buy that sell nothing: DDD",
        ),
        (lambda f: f.assign(value=f["value"].where(f["use"] != "output", 1.0)), "does not balance"),
    ],
)
def test_bad_long_frames_are_refused(long, change, message):
    with pytest.raises(DataError, match=message):
        read(change(long))


def test_arrays_run_through_industries_within_countries(small):
    industries = ["s1", "s2", "s3"]
    final = small.Y.reshape(12, 8)
    table = from_arrays(
        small.Z, final, small.x, countries=NAMES, industries=industries, categories=["f1", "f2"], year=2000
    )
    pd.testing.assert_frame_equal(leontief_inverse(table), leontief_inverse(small), rtol=1e-12)
    together = from_arrays(small.Z, small.final_use, countries=NAMES, industries=industries)
    expected = gvc_participation(small)
    pd.testing.assert_frame_equal(gvc_participation(together), expected, rtol=1e-9)
    with pytest.raises(DataError, match=r"final has the shape \(12, 8\), and the labels give \(12, 4\)"):
        from_arrays(small.Z, final, countries=NAMES, industries=industries)
