"""RCA, PRODY and EXPY: world trade against econcomplex, identities, bad input."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.trade.complexity import economic_complexity
from gvcmetrics.measures.trade.sophistication import (
    expy,
    presence,
    prody,
    rca,
    rca_matrix,
    sophistication_by_year,
)

REFERENCE = Path(__file__).parents[2] / "reference" / "trade"


@pytest.fixture(scope="module")
def exports() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    values = rng.lognormal(sigma=2, size=(14, 25)) * (rng.random((14, 25)) < 0.7)
    return pd.DataFrame(values, [f"c{i}" for i in range(14)], [f"p{i}" for i in range(25)])


@pytest.fixture(scope="module")
def long(exports) -> pd.DataFrame:
    frame = exports.rename_axis("exporter").melt(ignore_index=False, var_name="product", value_name="v")
    return frame.reset_index().assign(year=2000)


def test_world_trade_against_econcomplex():
    mirror = os.environ.get("GVCMETRICS_MIRROR")
    if not mirror:
        pytest.skip("needs the data mirror (set GVCMETRICS_MIRROR)")
    trade = pd.read_parquet(Path(mirror) / "world_trade_sitc4_1998_2000.parquet")
    income = pd.read_parquet(Path(mirror) / "world_gdp_per_capita_1998_2000.parquet")
    matrix = trade.pivot(index="country", columns="product", values="value")
    products = pd.read_csv(REFERENCE / "complexity_products.csv", dtype={"product": str}, index_col=0)
    countries = pd.read_csv(REFERENCE / "complexity_countries.csv", index_col=0, keep_default_na=False,
                            na_values=[""])  # fmt: skip
    cells = pd.read_csv(REFERENCE / "complexity_cells.csv", dtype={"product": str})

    level = prody(matrix, income.set_index("country")["value"])
    basket = expy(matrix, level)
    advantage = rca_matrix(matrix)
    np.testing.assert_allclose(level, products["prody_econcomplex"].reindex(level.index), rtol=1e-10)
    known = countries["expy_econcomplex"].dropna()
    assert len(known) == 185
    np.testing.assert_allclose(basket[known.index], known, rtol=1e-10)
    got = [advantage.at[row.country, row.product] for row in cells.itertuples()]
    np.testing.assert_allclose(got, cells["rca_econcomplex"], rtol=1e-10)


def test_rca_by_hand():
    matrix = pd.DataFrame([[30.0, 10.0], [10.0, 50.0]], ["A", "B"], ["x", "y"])
    balassa = (30 / 40) / (40 / 100)
    assert rca_matrix(matrix).at["A", "x"] == pytest.approx(balassa, rel=1e-14)
    symmetric = rca_matrix(matrix, variant="symmetric").at["A", "x"]
    assert symmetric == pytest.approx((balassa - 1) / (balassa + 1), rel=1e-14)
    assert rca_matrix(matrix, variant="normalised").at["A", "x"] == pytest.approx(0.3 - 0.4 * 0.4, rel=1e-14)
    assert presence(matrix).to_numpy().tolist() == [[1, 0], [0, 1]]


def test_variants_agree_on_who_has_an_advantage_and_normalised_adds_to_zero(exports):
    balassa = rca_matrix(exports)
    np.testing.assert_array_equal(balassa > 1, rca_matrix(exports, variant="symmetric") > 0)
    np.testing.assert_array_equal(balassa > 1, rca_matrix(exports, variant="normalised") > 1e-17)
    np.testing.assert_allclose(rca_matrix(exports, variant="normalised").sum(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(rca_matrix(exports, variant="normalised").sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("variant", ["balassa", "symmetric", "normalised"])
def test_panel_and_matrix_agree_year_by_year(exports, long, variant):
    two_years = pd.concat([long, long.assign(year=2001, v=long["v"] ** 2)], ignore_index=True)
    series = rca(two_years, value="v", variant=variant)
    later = two_years.assign(r=series)[lambda d: d["year"] == 2001].pivot(
        index="exporter", columns="product", values="r"
    )
    expected = rca_matrix(exports**2, variant=variant).loc[later.index, later.columns]
    np.testing.assert_allclose(later, expected, rtol=1e-12, atol=1e-15)
    assert series.attrs["lineage"] == {"rca": ["v"]}


def test_equal_incomes_make_prody_and_expy_that_income(exports):
    level = prody(exports, np.full(14, 700.0))
    np.testing.assert_allclose(level, 700, rtol=1e-13)
    np.testing.assert_allclose(expy(exports, level), 700, rtol=1e-13)


def test_arrays_and_frames_give_the_same_numbers(exports):
    income = np.arange(1.0, 15.0)
    framed = prody(exports, pd.Series(income, exports.index)[::-1])
    np.testing.assert_allclose(prody(exports.to_numpy(), income), framed, rtol=1e-14)


def test_all_zero_product_and_country_are_missing_and_change_nothing(exports):
    wider = exports.assign(nothing=0.0)
    wider.loc["hermit"] = 0.0
    before = wider.copy(deep=True)
    advantage = rca_matrix(wider)
    assert advantage["nothing"].isna().all()
    assert advantage.loc["hermit"].isna().all()
    np.testing.assert_allclose(advantage.loc[exports.index, exports.columns], rca_matrix(exports))
    income = pd.Series(np.arange(1.0, 16.0), wider.index)
    level = prody(wider, income)
    assert np.isnan(level["nothing"])
    assert np.isnan(expy(wider, level)["hermit"])
    np.testing.assert_allclose(level[exports.columns], prody(exports, income))
    pd.testing.assert_frame_equal(wider, before)


def test_countries_without_income_are_left_out_of_prody(exports):
    income = pd.Series(np.arange(1.0, 15.0), exports.index)
    some = prody(exports, income.drop("c0"))
    np.testing.assert_allclose(some, prody(exports.drop("c0"), income.drop("c0")), rtol=1e-13)


def test_panel_step_equals_the_matrix_functions(exports, long):
    income = pd.Series(np.arange(1.0, 15.0), exports.index)
    frame = long.assign(income=long["exporter"].map(income), importer="USA")
    halves = pd.concat([frame.assign(v=frame["v"] / 2), frame.assign(v=frame["v"] / 2, importer="JPN")])
    countries, products = sophistication_by_year(halves, income="income", value="v")
    by_country, by_product = economic_complexity(presence(exports))
    level = prody(exports, income)
    got = countries.set_index("exporter").loc[exports.index]
    np.testing.assert_allclose(got["eci"], by_country["eci"], rtol=1e-8)
    np.testing.assert_allclose(got["expy"], expy(exports, level), rtol=1e-12)
    got = products.set_index("product").loc[exports.columns]
    np.testing.assert_allclose(got["pci"], by_product["pci"], rtol=1e-8)
    np.testing.assert_allclose(got["prody"], level, rtol=1e-12)
    assert countries.attrs["lineage"]["expy"] == ["income", "v"]
    assert list(countries) == ["exporter", "year", "diversity", "eci", "expy"]


def test_bad_input_is_refused_with_its_place(exports, long):
    bad = exports.copy()
    bad.loc["c2", "p3"] = -1.0
    with pytest.raises(DataError, match=r"column 'p3', key 'c2'.*negative"):
        rca_matrix(bad)
    with pytest.raises(DataError, match=r"key 'c0'.*label is repeated"):
        rca_matrix(pd.concat([exports, exports.iloc[:1]]))
    with pytest.raises(DataError, match="no RCA variant 'best'"):
        rca_matrix(exports, variant="best")
    with pytest.raises(DataError, match="repeat a key"):
        rca(pd.concat([long, long]), value="v")
    with pytest.raises(DataError, match="no country of the matrix has income"):
        prody(exports, pd.Series({"XXX": 1.0}))
    with pytest.raises(DataError, match=r"income has shape \(3,\)"):
        prody(exports, [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="two incomes in one year"):
        sophistication_by_year(long.assign(income=np.arange(len(long))), income="income", value="v")
