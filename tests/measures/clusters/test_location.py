"""Location quotients and specialisation against base R (tests/reference/clusters), identities, bad input."""

import warnings
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError, EstimationWarning
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.clusters import cell_sums as cells_module
from gvcmetrics.measures.clusters.location import (
    industry_localisation,
    location_quotient,
    region_industry_table,
    regional_specialisation,
)

REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"
CODES = {"industry": str, "region": str}


@pytest.fixture
def plants() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "plants.csv", dtype=CODES)


def reference(name: str, weighted: bool) -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / name, dtype=CODES)
    return table[table["weighted"] == weighted].reset_index(drop=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_location_quotients_agree_with_r(plants, weighted):
    ours = location_quotient(plants, weights="weight" if weighted else None)
    theirs = reference("quotients.csv", weighted)
    assert ours["region"].tolist() == theirs["region"].tolist()
    assert ours["industry"].tolist() == theirs["industry"].tolist()
    np.testing.assert_allclose(ours["employment"], theirs["employment"], rtol=1e-12)
    np.testing.assert_allclose(ours["location_quotient"], theirs["lq"], rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_specialisation_and_localisation_agree_with_r(plants, weighted):
    weight = "weight" if weighted else None
    regions, theirs = regional_specialisation(plants, weights=weight), reference("regions.csv", weighted)
    for column in ("krugman", "hhi", "theil", "gini"):
        np.testing.assert_allclose(regions[column], theirs[column], rtol=1e-10)
    industries, theirs = industry_localisation(plants, weights=weight), reference("industries.csv", weighted)
    for column in ("krugman", "theil"):
        np.testing.assert_allclose(industries[column], theirs[column], rtol=1e-10)
    # Theirs is a Gini coefficient; a locational Gini is the area itself, so half of it.
    np.testing.assert_allclose(industries["gini"], theirs["gini"] / 2, rtol=1e-10)


def test_a_table_and_its_firms_give_the_same_quotients(plants):
    table = region_industry_table(plants)
    cells = plants.assign(employment=plants["employment"] * plants["weight"])
    cells = cells.groupby(["region", "industry"], as_index=False)["employment"].sum()
    direct = location_quotient(plants)["location_quotient"]
    np.testing.assert_allclose(location_quotient(table)["location_quotient"], direct, rtol=1e-12)
    np.testing.assert_allclose(location_quotient(cells)["location_quotient"], direct, rtol=1e-12)


def test_table_sums_agree_with_pandas(plants):
    mass = plants["employment"] * plants["weight"]
    by_hand = plants.assign(m=mass, m2=mass**2, m3=mass**3, m4=mass**4).groupby(["region", "industry"])
    table = region_industry_table(plants)
    for column, name in (
        ("employment", "m"),
        ("n_firms", "weight"),
        ("employment_squared", "m2"),
        ("employment_cubed", "m3"),
        ("employment_fourth", "m4"),
    ):
        np.testing.assert_allclose(table[column], by_hand[name].sum(), rtol=1e-12)
    assert table["n_rows"].sum() == len(plants)


def test_years_and_countries_are_kept_apart(plants):
    later = plants.assign(year=2001, country="ITA", employment=plants["employment"].to_numpy()[::-1])
    both = pd.concat([plants.assign(year=2000, country="ITA"), later], ignore_index=True)
    stacked = location_quotient(both)
    assert stacked.columns[:2].tolist() == ["country", "year"]
    for year in (2000, 2001):
        alone = location_quotient(both[both["year"] == year])
        part = stacked[stacked["year"] == year].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone)
    pooled = location_quotient(both, by=())
    assert len(pooled) < len(stacked)


@pytest.mark.parametrize("dtype", ["str", "object", "category", "int64", "Int64", "float64", "period[Y-DEC]"])
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_key_types_and_strides_do_not_matter(plants, dtype, order):
    codes = {"east": 2001, "north": 2002, "south": 2003, "west": 2004}
    region = plants["region"] if dtype in ("str", "object") else plants["region"].map(codes)
    if dtype.startswith("period"):
        region = pd.PeriodIndex(region.astype(str), freq="Y").to_series(plants.index)
    typed = plants.assign(region=region.astype(dtype))
    ours = location_quotient(typed.iloc[order].set_axis([0] * len(plants)))
    assert ours["region"].dtype == typed["region"].dtype
    expected = location_quotient(plants)
    np.testing.assert_allclose(ours["location_quotient"], expected["location_quotient"], rtol=1e-12)
    back = {str(code): name for name, code in codes.items()}
    assert [back.get(str(r).removesuffix(".0"), r) for r in ours["region"]] == expected["region"].tolist()


def test_large_tables_are_reduced_to_the_cells_that_occur(plants, monkeypatch):
    expected = region_industry_table(plants)
    monkeypatch.setattr(cells_module, "DENSE_CELLS", 3)
    monkeypatch.setattr(cells_module, "ROWS_AT_ONCE", 5)
    pd.testing.assert_frame_equal(region_industry_table(plants), expected, rtol=1e-12)


def test_stretches_of_rows_add_up(plants, monkeypatch):
    expected = region_industry_table(plants)
    monkeypatch.setattr(cells_module, "ROWS_AT_ONCE", 7)
    many = pd.concat([plants] * 3, ignore_index=True)
    np.testing.assert_allclose(region_industry_table(many)["employment"], 3 * expected["employment"])


def test_sums_agree_with_duckdb():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "region": pd.Series(rng.choice(["a", "b", None], 3000), dtype="str"),
            "industry": pd.Categorical(rng.choice(["x", "y", "z"], 3000), ["z", "unused", "y", "x"]),
            "year": pd.array(rng.choice([2001, 2002], 3000), dtype="Int64"),
            "employment": rng.lognormal(2, 1, 3000),
            "weight": rng.uniform(1, 4, 3000),
        }
    )
    frame.loc[::50, "employment"] = np.nan
    with pytest.warns(EstimationWarning, match="of 3000 rows"):
        ours = region_industry_table(frame)
    theirs = duckdb.sql(
        "SELECT year, region, industry, sum(weight * employment) AS mass, sum(weight) AS firms, "
        "count(*) AS n, sum((weight * employment) ** 3) AS cubes FROM frame "
        "WHERE employment IS NOT NULL AND region IS NOT NULL GROUP BY ALL"
    ).df()
    theirs["industry"] = theirs["industry"].astype(frame["industry"].dtype)
    theirs = theirs.sort_values(["year", "region", "industry"])
    assert ours["industry"].tolist() == theirs["industry"].tolist()
    for own, other in (
        ("employment", "mass"),
        ("n_firms", "firms"),
        ("n_rows", "n"),
        ("employment_cubed", "cubes"),
    ):
        np.testing.assert_allclose(ours[own], theirs[other], rtol=1e-12)


tables = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.integers(1, 1000)), min_size=1, max_size=30
)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_identities(cells):
    frame = pd.DataFrame(cells, columns=["region", "industry", "employment"])
    lq = location_quotient(frame)
    share = frame.groupby("region")["employment"].sum() / frame["employment"].sum()
    # Σ_r x_r LQ_ir = 1 for every industry: absent cells have LQ 0.
    mean = (lq["location_quotient"] * lq["region"].map(share)).groupby(lq["industry"]).sum()
    np.testing.assert_allclose(mean, 1, rtol=1e-9)
    regions = regional_specialisation(frame)
    assert ((regions["krugman"] >= -1e-12) & (regions["krugman"] < 2)).all()
    assert (regions["theil"] >= -1e-12).all()
    assert ((regions["gini"] >= -1e-12) & (regions["gini"] < 1)).all()
    assert (regions["hhi"] <= 1 + 1e-12).all()
    # Krugman's index never exceeds twice the relative Gini (area between curve and its largest gap).
    assert (regions["krugman"] / 2 <= regions["gini"] + 1e-9).all()


def test_numbers_of_industries_and_regions_count_employment():
    frame = pd.DataFrame(
        {"region": list("aaab"), "industry": list("xyzx"), "employment": [3.0, 2.0, 0.0, 1.0]}
    )
    assert regional_specialisation(frame)["n_industries"].tolist() == [2, 1]
    assert industry_localisation(frame)["n_regions"].tolist() == [2, 1, 0]


def test_one_region_has_unit_quotients_and_no_specialisation():
    frame = pd.DataFrame({"region": "a", "industry": ["x", "y"], "employment": [3, 7]})
    np.testing.assert_allclose(location_quotient(frame)["location_quotient"], 1.0)
    only = regional_specialisation(frame)
    np.testing.assert_allclose(only[["krugman", "theil", "gini"]], 0.0, atol=1e-12)


def test_a_region_without_employment_has_missing_measures():
    frame = pd.DataFrame({"region": ["a", "b"], "industry": "x", "employment": [3.0, 0.0]})
    lq = location_quotient(frame).set_index("region")["location_quotient"]
    assert lq["a"] == pytest.approx(1)
    assert np.isnan(lq["b"])
    assert regional_specialisation(frame).set_index("region").loc["b", ["krugman", "gini"]].isna().all()


def test_lineage_names_employment_and_weight(plants):
    assert raw_columns(location_quotient(plants), "location_quotient") == ["employment", "weight"]
    assert raw_columns(location_quotient(plants, weights=None), "location_quotient") == ["employment"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"employment": -9}, r"row 4, column 'employment': 1 negative values, the first is -9"),
        ({"employment": np.inf}, r"row 4, column 'employment': the column holds infinite"),
        ({"weight": np.nan}, r"row 4, column 'weight': 1 rows have no weight"),
        ({"weight": -1.0}, r"row 4, column 'weight': 1 negative values"),
    ],
)
def test_bad_values_name_their_row(plants, change, message):
    broken = plants.astype({"employment": float})
    for column, value in change.items():
        broken.loc[2, column] = value
    with pytest.raises(DataError, match=message):
        location_quotient(broken)


def test_missing_employment_is_left_out_with_a_warning(plants):
    holes = plants.astype({"employment": float})
    holes.loc[[1, 5], "employment"] = np.nan
    holes.loc[7, "region"] = None
    with pytest.warns(EstimationWarning, match="^3 of 48 rows"):
        ours = location_quotient(holes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        location_quotient(plants)
    pd.testing.assert_frame_equal(ours, location_quotient(plants.drop([1, 5, 7])))


def test_other_bad_input(plants):
    with pytest.raises(DataError, match="column 'province': the frame has no such column"):
        location_quotient(plants, region="province")
    with pytest.raises(DataError, match="column 'w': the frame has no such column"):
        location_quotient(plants, weights="w")
    with pytest.raises(DataError, match="not numeric"):
        location_quotient(plants.assign(employment="many"))
    with pytest.raises(DataError, match="no rows"):
        location_quotient(plants.iloc[:0])
    with pytest.raises(DataError, match="no row has region"):
        location_quotient(plants.assign(region=None))
    twice = region_industry_table(pd.concat([plants.assign(year=1), plants.assign(year=2)]))
    with pytest.raises(DataError, match="repeats cells"):
        location_quotient(twice, by=())


def test_the_locational_gini_is_the_area_between_the_curve_and_the_diagonal():
    """All of industry a is in s with 2 of 10 jobs: the curve is flat over 0.8, so the area is 0.4."""
    jobs = pd.DataFrame(
        {"region": ["r", "s", "s"], "industry": ["b", "a", "b"], "employment": [8.0, 1.0, 1.0]}
    )
    gini = industry_localisation(jobs).set_index("industry")["gini"]
    assert gini["a"] == pytest.approx(0.4)
    # b: 1/9 of it in s (ratio 5/9), 8/9 in r (10/9): ½ − ½(0.2/9) − 0.8(1/9 + 1)/2 = 2/45.
    assert gini["b"] == pytest.approx(2 / 45)


def test_a_table_with_a_missing_key_is_refused():
    table = region_industry_table(
        pd.DataFrame({"region": ["r", "s"], "industry": "a", "employment": [1.0, 2.0]})
    )
    with pytest.raises(DataError, match="part of the key is missing"):
        industry_localisation(table.assign(region=[None, "s"]))


def test_a_region_share_is_of_the_industry_not_of_the_region():
    frame = pd.DataFrame(
        [("east", "shoes", 30.0), ("east", "cars", 10.0), ("west", "shoes", 20.0), ("west", "cars", 70.0)],
        columns=["region", "industry", "employment"],
    )
    out = location_quotient(frame).set_index(["region", "industry"])
    assert out.loc[("east", "shoes"), "region_share"] == pytest.approx(30 / 50)
    assert out.loc[("west", "cars"), "region_share"] == pytest.approx(70 / 80)
    assert out.loc[("east", "shoes"), "location_quotient"] == pytest.approx((30 / 40) / (50 / 130))
    np.testing.assert_allclose(out.groupby("industry")["region_share"].sum(), 1)
