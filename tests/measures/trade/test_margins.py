"""Margins, Lafay, Finger–Kreinin, one country's vertical specialisation, outlook and fitness, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures as m
from gvcmetrics.errors import DataError

FLOWS = pd.DataFrame(
    [
        ("A", "C", "p", 30.0),
        ("A", "B", "q", 10.0),
        ("B", "A", "p", 20.0),
        ("C", "A", "q", 5.0),
        ("C", "B", "r", 15),
    ],
    columns=["exporter", "importer", "product", "value_usd"],
).assign(year=2000)


def test_margins_by_hand() -> None:
    """All others than A export p 20, q 5 and r 15; A exports p and q: 25 of 40, and 40 itself."""
    found = m.trade_margins(FLOWS).set_index("exporter")
    assert found.loc["A", "extensive_margin"] == pytest.approx(25 / 40)
    assert found.loc["A", "intensive_margin"] == pytest.approx(40 / 25)
    assert found.loc["C", "extensive_margin"] == pytest.approx(10 / 60)  # nobody else exports r
    assert found["n_products"].tolist() == [2, 1, 2]
    product = found["extensive_margin"] * found["intensive_margin"]
    np.testing.assert_allclose(product, found["relative_exports"])


def test_lafay_by_hand_and_its_sum() -> None:
    found = m.lafay_index(FLOWS)
    a = found[found["exporter"] == "A"].set_index("product")
    # A: p 30 out, 20 in; q 10 out, 5 in; balance 15 of 65.
    assert a.loc["p", "lafay"] == pytest.approx(100 * (10 / 50 - 15 / 65) * 50 / 65)
    assert a.loc["q", "lafay"] == pytest.approx(100 * (5 / 15 - 15 / 65) * 15 / 65)
    np.testing.assert_allclose(found.groupby("exporter")["lafay"].sum(), 0, atol=1e-12)


def test_similarity_by_hand() -> None:
    exports = pd.DataFrame([[6.0, 4.0, 0.0], [1.0, 2.0, 7.0], [0.0, 0.0, 0.0]], list("ABC"), list("pqr"))
    found = m.export_similarity(exports)
    assert found.loc["A", "B"] == found.loc["B", "A"] == pytest.approx(0.1 + 0.2)
    assert found.loc["A", "A"] == pytest.approx(1)
    assert found.loc["C"].isna().all()


def test_vertical_specialisation_of_one_country_is_that_of_a_world_without_return() -> None:
    """Two industries: u A^M (I − A^D)^-1 by hand, and the two-country table in which nothing returns."""
    domestic = pd.DataFrame([[2.0, 3.0], [1.0, 0.0]], list("ab"), list("ab"))
    imported = pd.DataFrame([[1.0, 2.0]], ["x"], list("ba"))
    output, exports = pd.Series([10.0, 20.0], list("ab")), pd.Series([4.0, 6.0], list("ab"))
    found = m.vertical_specialisation(domestic, imported, exports, output=output)
    inverse = np.linalg.inv(np.eye(2) - np.array([[0.2, 0.15], [0.1, 0.0]]))
    content = np.array([0.2, 0.05]) @ inverse
    np.testing.assert_allclose(found["vertical_specialisation"], content * [4, 6])
    Z = np.zeros((3, 3))
    Z[:2, :2], Z[2, :2] = domestic, [2, 1]
    Y = np.array([[1.0, 4.0], [13.0, 6.0], [0.0, 50.0]])
    rows = pd.MultiIndex.from_tuples([("H", "a"), ("H", "b"), ("F", "x")], names=["country", "industry"])
    uses = pd.MultiIndex.from_product([["H", "F"], ["f"]], names=["country", "category"])
    world = m.from_matrices(pd.DataFrame(Z, rows, rows), pd.DataFrame(Y, rows, uses))
    exported = m.gross_exports(world, by=("exporter", "industry"))["gross_exports"]["H"]
    lone = m.vertical_specialisation(domestic, imported, exported, output=pd.Series(world.x[:2], list("ab")))
    there = m.hummels_ishii_yi(world)
    assert lone["vertical_specialisation"].sum() == pytest.approx(there.loc["H", "VS"])
    with pytest.raises(DataError, match="exports are not those"):
        m.vertical_specialisation(domestic, imported, exports.rename({"a": "z"}))


def test_fitness_by_hand_and_outlook_from_its_formula() -> None:
    presence = pd.DataFrame([[1.0, 1, 1], [1, 1, 0], [1, 0, 0]], list("ABC"), list("pqr"))
    country, product = m.fitness(presence, iterations=1)
    np.testing.assert_allclose(country, np.array([3, 2, 1]) / 2)
    np.testing.assert_allclose(product, np.array([1 / 3, 1 / 2, 1]) / (11 / 18))
    country, _ = m.fitness(presence, iterations=2)
    expected = np.array([11 / 6, 5 / 6, 1 / 3]) / (11 / 18)
    np.testing.assert_allclose(country, expected / expected.mean())
    pci = pd.Series([-1.0, 0.5, 2.0], list("pqr"))
    outlook, gain = m.complexity_outlook(presence, pci=pci)
    phi = np.array([[1, 2 / 3, 1 / 3], [2 / 3, 1, 1 / 2], [1 / 3, 1 / 2, 1]])
    near = presence.to_numpy() @ (phi / phi.sum(axis=1)[:, None]).T
    assert outlook["B"] == pytest.approx(near[1, 2] * 2.0)
    assert outlook["A"] == 0
    share = phi / phi.sum(axis=1)[None, :]
    assert gain.loc["B", "r"] == pytest.approx(share[2, 2] * 2.0 - near[1, 2] * 2.0)
    assert np.isnan(gain.loc["B", "p"])
    with pytest.raises(DataError, match="iterations"):
        m.fitness(presence, iterations=0)
