"""Measures of what stands beside a panel: regions, input-output tables, other panels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.claims import beside
from gvcmetrics.claims.claim import Claim
from gvcmetrics.claims.construct import ABSENT, constructed
from gvcmetrics.claims.examine import examine_claim
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.refuse import faults
from gvcmetrics.errors import DataError
from gvcmetrics.panels.validate import validate

FIELD = {claim.id: claim for claim in read_claims(Path(__file__).parents[2] / "analysis" / "hypotheses.yaml")}
CELLS = pd.DataFrame(
    {
        "country": "ITA", "region": ["n", "n", "n", "s", "s"],
        "industry": ["10-12", "13", "70", "10-12", "70"], "year": 2001,
        "larger_region": ["N", "N", "N", "S", "S"], "cluster_employment": [10.0, 20.0, 10.0, 30.0, 10.0],
        "cluster_n_firms": [4.0, 4.0, 2.0, 6.0, 4.0],
    }
)  # fmt: skip


def made(construct: dict, frame: pd.DataFrame = CELLS, **more: dict) -> pd.DataFrame:
    claim = {
        "id": "T", "claim": "made for the tests", "document": "d", "contract": "cluster",
        "constructs": {"made": construct, **more},
        "equations": [
            {"name": "e", "model": "ols", "outcome": "y", "regressors": ["x"], "scale": "outcome"}
        ],
        "expect": [{"sign": "positive"}], "family": {"name": "f"}, "get": "here",
    }  # fmt: skip
    return constructed(Claim.model_validate(claim), ["made"], frame)


def test_a_share_in_the_region_counts_the_named_industries() -> None:
    found = made({"measure": "share_in_region", "of": "cluster_n_firms", "value": ["70"]})
    np.testing.assert_allclose(found["made"], [0.2, 0.2, 0.2, 0.4, 0.4])


def test_a_location_quotient_of_firms_reads_no_employment() -> None:
    claim = {"measure": "location_quotient", "of": "cluster_n_firms"}
    found = made(claim, CELLS.drop(columns="cluster_employment"))
    np.testing.assert_allclose(found["made"], [0.8, 2.0, 2 / 3, 1.2, 4 / 3])


def test_what_outpaces_grows_more_than_the_median() -> None:
    frame = pd.concat([CELLS, CELLS.assign(year=2002, cluster_employment=[11, 20, 12, 30, 9])])
    found = made({"measure": "outpaces", "of": "cluster_employment"}, frame.reset_index(drop=True))
    np.testing.assert_array_equal(found["made"], [np.nan] * 5 + [1, 0, 1, 0, 0])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("10-12", "natural_resource"),
        ("13-15", "traditional"),
        ("24-25", None),
        ("22-23", None),
        ("28", "specialised_suppliers"),
    ],
)
def test_a_span_has_a_pattern_only_if_its_divisions_agree(code: str, expected: str | None) -> None:
    found = made({"measure": "sectoral_pattern", "of": "industry"}, CELLS.assign(industry=code))["made"]
    assert (found == expected).all() if expected else found.isna().all()


def test_spans_are_codes_of_clusters_only() -> None:
    validate(CELLS, "cluster")
    with pytest.raises(DataError, match=r"12-10 is no code of industry"):
        validate(CELLS.replace({"industry": {"10-12": "12-10"}}), "cluster")
    firms = pd.DataFrame({"country": "ITA", "firm_id": "a", "year": 2001, "industry": ["10-12"]})
    with pytest.raises(DataError, match=r"10-12 is no code of industry"):
        validate(firms, "firm")


def test_a_span_takes_the_mean_of_its_divisions(monkeypatch: pytest.MonkeyPatch) -> None:
    def joined(cells: pd.DataFrame, *_: object, **__: object) -> pd.DataFrame:
        return cells.assign(participation=cells["division"].astype(float) / 100)

    monkeypatch.setattr(beside, "join_value_chain", joined)
    found = made({"measure": "value_chain", "value": "participation"})
    np.testing.assert_allclose(found["made"], [0.11, 0.13, 0.70, 0.11, 0.70])


def test_completeness_is_the_weighted_share_of_stages_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of each euro food spends 0.2 on textiles and twice 0.1 on services, those at home and those from abroad.
    Z = np.zeros((6, 6))
    Z[:3, :3] = [[10, 5, 0], [20, 10, 5], [10, 15, 10]]
    Z[5, 0] = 10
    index = pd.MultiIndex.from_product([["ITA", "FRA"], ["c3", "c4", "c30"]], names=["country", "industry"])
    coefficients = pd.DataFrame(Z / 100, index, index)
    monkeypatch.setattr(beside, "table_years", lambda *_: [2001])
    monkeypatch.setattr(beside, "input_output", lambda *_, **__: None)
    monkeypatch.setattr(beside.measures, "technical_coefficients", lambda _: coefficients)
    links = pd.DataFrame(
        {"source": ["10", "11", "12", "13", "70"], "target": ["c3", "c3", "c3", "c4", "c30"], "weight": 1.0}
    )
    monkeypatch.setattr(beside, "crosswalk", lambda *_: type("Found", (), {"links": links}))
    found = made({"measure": "completeness", "of": "lq"}, CELLS.assign(lq=[0.8, 2.0, 0.5, 1.2, 1.5]))
    food_north = (0.2 * 1 + 0.2 * 0.5) / 0.4
    textiles = (0.05 * 0.8 + 0.15 * 0.5) / 0.2
    food_south = (0.2 * 0 + 0.2 * 1) / 0.4
    services_north, services_south = 1.0, 0.0
    expected = [food_north, textiles, services_north, food_south, services_south]
    np.testing.assert_allclose(found["made"], expected)


def test_a_share_of_another_panel_is_joined_by_place(monkeypatch: pytest.MonkeyPatch) -> None:
    other = pd.DataFrame(
        {
            "larger_region": ["N", "N", "S", "S"], "ownership": ["foreign", "home"] * 2,
            "cluster_employment": [30.0, 70.0, np.nan, 10.0],
        }
    )  # fmt: skip
    monkeypatch.setattr(beside, "panel", lambda *_, **__: other)
    construct = {
        "measure": "share_in_panel", "panel": "owners", "among": "ownership", "value": "foreign",
        "by": ["larger_region"],
    }  # fmt: skip
    found = made(construct)["made"]
    np.testing.assert_allclose(found[:3], 0.3)
    assert found[3:].isna().all(), "a part that is not known is not nothing"


GOODS = pd.DataFrame(
    {
        "exporter": ["DEU", "FRA", "CHN", "DEU", "DEU"], "importer": ["USA", "USA", "USA", "DEU", "FRA"],
        "product": ["c4", "c4", "c4", "c4", "c5"], "year": 2001, "value_usd": [3.0, 1.0, 4.0, 9.0, 5.0],
        "product_classification": "WIOD2013",
    }
)  # fmt: skip


def made_of_goods(construct: dict) -> pd.DataFrame:
    claim = FIELD["H15"].model_dump() | {"constructs": {"made": construct}}
    return constructed(Claim.model_validate(claim), ["made"], GOODS)


def test_a_market_share_is_of_what_the_importer_buys() -> None:
    found = made_of_goods({"measure": "market_share", "of": "value_usd"})["made"]
    np.testing.assert_allclose(found, [3 / 8, 1 / 8, 4 / 8, 1, 1])


def test_a_rival_is_counted_where_it_sells_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to the row's importer, not its own sales, not what is sold at home."""
    flows = {
        ("CHN", "c4", "USA"): 50.0, ("CHN", "c4", "FRA"): 6.0, ("DEU", "c4", "USA"): 7.0,
        ("DEU", "c4", "FRA"): 2.0, ("FRA", "c4", "DEU"): 4.0, ("CHN", "c5", "USA"): 1.0,
        ("CHN", "c5", "FRA"): 30.0, ("DEU", "c5", "USA"): 3.0, ("FRA", "c5", "DEU"): 5.0,
    }  # fmt: skip
    index = pd.MultiIndex.from_tuples(list(flows), names=["exporter", "industry", "importer"])
    sold = pd.DataFrame({"gross_exports": list(flows.values())}, index)
    monkeypatch.setattr(beside, "table_years", lambda *_: [2001])
    monkeypatch.setattr(beside, "input_output", lambda *_, **__: None)
    monkeypatch.setattr(beside.measures, "gross_exports", lambda *_, **__: sold)
    found = made_of_goods({"measure": "rival_share", "value": "CHN"})["made"]
    np.testing.assert_allclose(found, [6 / 12, 6 / 12, np.nan, np.nan, 1 / 9])
    absent = made_of_goods({"measure": "rival_share", "value": "BRA"})
    np.testing.assert_allclose(absent["made"].dropna(), 0.0)


def test_goods_are_as_differentiated_as_their_industry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "differentiated_share", lambda _: pd.Series({"c4": 0.8, "c5": 0.75}))
    found = made_of_goods({"measure": "differentiated_share"})["made"]
    np.testing.assert_allclose(found, [0.8] * 4 + [0.75])
    claim = Claim.model_validate(
        FIELD["H15"].model_dump() | {"constructs": {"made": {"measure": "differentiated_share"}}}
    )
    other = constructed(claim, ["made"], GOODS.assign(product_classification="BEC"))
    assert other.attrs[ABSENT] == {"made": "no crosswalk leads from SITC to the panel's products"}


def test_several_rows_a_year_are_no_observations_before() -> None:
    """Rows of one year, told apart by a further key, were taken for one another's past."""
    frame = pd.concat([CELLS.assign(owner=owner) for owner in ("a", "b")], ignore_index=True)
    found = made({"measure": "growth", "of": "cluster_employment"}, frame)
    assert found["made"].isna().all()
    assert found.attrs[ABSENT] == {"made": "several rows of a unit in one year"}


def test_what_is_not_there_is_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "panels").mkdir()
    monkeypatch.setenv("GVCMETRICS_DATA", str(tmp_path))
    later = CELLS.assign(year=2002, cluster_employment=CELLS["cluster_employment"] * 2)
    _, findings = examine_claim(FIELD["H18"], pd.concat([CELLS, later]), "cluster")
    linkage, modes = (each.reason for each in findings)
    assert linkage.startswith("lacks linkage (")
    assert "wiod" in linkage
    three = "lacks foreign_multinationals, home_multinationals, domestic_groups ("
    assert modes.startswith(three)
    assert "italy_ownership_regions" in modes


@pytest.mark.parametrize(
    ("construct", "problem"),
    [
        ({"measure": "value_chain", "value": "depth"}, "value_chain has no 'depth'"),
        ({"measure": "value_chain"}, "value_chain needs a value"),
        ({"measure": "share_in_panel", "value": "a", "among": "b"}, "share_in_panel needs `panel`"),
        ({"measure": "log", "of": "a", "panel": "b"}, "log reads no other panel"),
        ({"measure": "completeness", "of": "a", "among": "b"}, "completeness reads no other panel"),
    ],
)
def test_words_that_make_no_sense_are_refused(construct: dict, problem: str) -> None:
    claim = FIELD["H19"].model_dump() | {"constructs": {"made": construct}}
    assert problem in {fault.problem for fault in faults(Claim.model_validate(claim))}
