"""ECI, PCI, proximity and density: world trade against two programs, definitions, bad input."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.trade.complexity import density, economic_complexity, proximity
from gvcmetrics.measures.trade.sophistication import presence

REFERENCE = Path(__file__).parents[2] / "reference" / "trade"


def has(countries: int, products: int, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = (rng.random((countries, products)) < np.linspace(0.15, 0.9, countries)[:, None]).astype(float)
    values[:, 0] = 1.0
    return pd.DataFrame(values, [f"c{i}" for i in range(countries)], [f"p{i}" for i in range(products)])


@pytest.fixture(scope="module")
def world() -> pd.DataFrame:
    mirror = os.environ.get("GVCMETRICS_MIRROR")
    if not mirror:
        pytest.skip("needs the data mirror (set GVCMETRICS_MIRROR)")
    trade = pd.read_parquet(Path(mirror) / "world_trade_sitc4_1998_2000.parquet")
    return presence(trade.pivot(index="country", columns="product", values="value"))


def test_world_complexity_against_econcomplex_and_ecomplexity(world):
    countries, products = economic_complexity(world)
    expected = pd.read_csv(
        REFERENCE / "complexity_countries.csv", index_col=0, keep_default_na=False, na_values=[""]
    ).reindex(countries.index)
    np.testing.assert_array_equal(countries["diversity"], expected["diversity"])
    for program in ("econcomplex", "ecomplexity"):
        np.testing.assert_allclose(countries["eci"], expected[f"eci_{program}"], rtol=1e-8, atol=1e-10)
    expected = pd.read_csv(REFERENCE / "complexity_products.csv", dtype={"product": str}, index_col=0)
    expected = expected.reindex(products.index)
    np.testing.assert_array_equal(products["ubiquity"], expected["ubiquity"])
    np.testing.assert_allclose(products["pci"], expected["pci_econcomplex"], rtol=1e-8, atol=1e-10)
    # ecomplexity scales PCI by the moments of ECI, so that only its standard scores are comparable.
    other = expected["pci_ecomplexity"]
    scores = (other - other.mean()) / other.std(ddof=0)
    np.testing.assert_allclose(products["pci"], scores, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("include_self", "program"), [(True, "ecomplexity"), (False, "econcomplex")])
def test_world_density_against_both_conventions(world, include_self, program):
    near = density(world, include_self=include_self)
    countries = pd.read_csv(
        REFERENCE / "complexity_countries.csv", index_col=0, keep_default_na=False, na_values=[""]
    ).reindex(near.index)
    cells = pd.read_csv(REFERENCE / "complexity_cells.csv", dtype={"product": str})
    np.testing.assert_allclose(near.mean(axis=1), countries[f"mean_density_{program}"], rtol=1e-10)
    got = [near.at[row.country, row.product] for row in cells.itertuples()]
    np.testing.assert_allclose(got, cells[f"density_{program}"], rtol=1e-10)


@pytest.mark.parametrize("shape", [(9, 30), (30, 9)])
def test_indices_solve_the_defining_eigenproblem(shape):
    matrix = has(*shape)
    matrix = matrix.loc[:, matrix.sum() > 0]
    m = matrix.to_numpy()
    k_c, k_p = m.sum(axis=1), m.sum(axis=0)
    for square, got in (
        ((m / k_c[:, None]) @ (m / k_p).T, economic_complexity(matrix)[0]["eci"]),
        ((m / k_p).T @ (m / k_c[:, None]), economic_complexity(matrix)[1]["pci"]),
    ):
        values, vectors = np.linalg.eig(square)
        second = np.real(vectors[:, np.argsort(np.real(values))[-2]])
        second = (second - second.mean()) / second.std()
        np.testing.assert_allclose(got, second * np.sign(second @ got), rtol=1e-8, atol=1e-10)
    assert np.corrcoef(economic_complexity(matrix)[0]["eci"], k_c)[0, 1] > 0


def test_order_of_rows_and_columns_does_not_matter():
    matrix = has(12, 20)
    shuffled = matrix.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    one, two = economic_complexity(matrix), economic_complexity(shuffled)
    np.testing.assert_allclose(one[0]["eci"], two[0]["eci"].reindex(matrix.index), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(one[1]["pci"], two[1]["pci"].reindex(matrix.columns), rtol=1e-7, atol=1e-9)


def test_countries_and_products_without_advantage_are_missing_and_change_nothing():
    matrix = has(12, 20)
    wider = matrix.assign(nothing=0.0)
    wider.loc["hermit"] = 0.0
    countries, products = economic_complexity(wider)
    assert np.isnan(countries.at["hermit", "eci"])
    assert np.isnan(products.at["nothing", "pci"])
    np.testing.assert_allclose(countries["eci"].drop("hermit"), economic_complexity(matrix)[0]["eci"])
    assert proximity(wider)["nothing"].isna().all()
    assert density(wider)["nothing"].isna().all()
    np.testing.assert_allclose(density(wider).loc[matrix.index, matrix.columns], density(matrix))


def test_proximity_and_density_by_hand():
    matrix = pd.DataFrame([[1, 1, 0], [1, 0, 1], [1, 1, 0]], columns=list("abc"), dtype=float)
    phi = proximity(matrix)
    expected = [[1, 2 / 3, 1 / 3], [2 / 3, 1, 0], [1 / 3, 0, 1]]
    np.testing.assert_allclose(phi, expected, rtol=1e-14)
    assert density(matrix).at[0, "c"] == pytest.approx((1 / 3) / (4 / 3))
    assert density(matrix, include_self=False).at[1, "c"] == pytest.approx(1)
    np.testing.assert_allclose(density(matrix, phi=phi), density(matrix), rtol=1e-14)


def test_bad_matrices_are_refused():
    with pytest.raises(DataError, match="other than 0 and 1"):
        economic_complexity(has(5, 6) * 2)
    with pytest.raises(DataError, match="1 countries and"):
        economic_complexity(has(1, 6))
    blocks = np.kron(np.eye(2), np.ones((3, 4)))
    with pytest.raises(DataError, match="unconnected blocks"):
        economic_complexity(blocks)
    with pytest.raises(DataError, match="products of proximity and presence differ"):
        density(has(5, 6), phi=proximity(has(5, 6)).iloc[::-1])
