"""The district algorithm: a country built by hand with a known answer, and a second program in R."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.clusters.districts import industrial_districts

REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"


def plants(system: str, industry: str, sector: str, sizes: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {"region": system, "industry": industry, "sector": sector, "employment": [float(s) for s in sizes]}
    )


@pytest.fixture
def country() -> pd.DataFrame:
    """Eight systems of which only Brenta passes every stage; the others fail one each, by construction."""
    shoes, cars, mixed = ("15", "manufacturing"), ("29", "manufacturing"), ("10", "manufacturing")
    office, hotel = ("62", "business_services"), ("55", "consumer_services")
    return pd.concat(
        [
            plants("Brenta", *shoes, [20] * 40 + [60, 70]),
            plants("Brenta", *office, [20] * 5),
            plants("Turin", *cars, [2000]),
            plants("Turin", *mixed, [30]),
            plants("Turin", *office, [20] * 5),
            plants("Milan", *office, [20] * 150),
            plants("Milan", *mixed, [20] * 10),
            plants("Rimini", *hotel, [20] * 150),
            plants("Rimini", *mixed, [20] * 5),
            # Many small firms, but its main industry is one large plant.
            plants("Matera", "16", "manufacturing", [300]),
            *[plants("Matera", code, "manufacturing", [25] * 8) for code in ("10", "13", "14")],
            # One medium firm employs more than all the small ones together.
            plants("Fermo", *shoes, [240] + [20] * 5),
            plants("Fermo", *mixed, [20] * 5),
            # A district in all but size.
            plants("Asolo", *shoes, [20] * 6),
            plants("Asolo", *office, [10]),
            plants("Padua", *mixed, [20] * 60),
            plants("Padua", *hotel, [20] * 80),
        ],
        ignore_index=True,
    )


STAGES = {
    "Asolo": "too small",
    "Brenta": "district",
    "Fermo": "single medium firm",
    "Matera": "main industry of large firms",
    "Milan": "not manufacturing",
    "Padua": "not manufacturing",
    "Rimini": "not manufacturing",
    "Turin": "large firms",
}


def test_the_constructed_country(country):
    out = industrial_districts(country, minimum_employment=250).set_index("region")
    assert out["stage"].to_dict() == STAGES
    assert out.index[out["district"]].tolist() == ["Brenta"]
    assert out.loc["Brenta", "main_industry"] == "15"
    assert out.loc["Brenta", "sme_share"] == 1
    assert out.loc["Matera", "sme_share"] == 0
    # Brenta: 930 of 1030 jobs are in manufacturing.
    made = country[country["sector"] == "manufacturing"]["employment"].sum() / country["employment"].sum()
    assert out.loc["Brenta", "manufacturing_quotient"] == pytest.approx(930 / 1030 / made)
    assert out.loc["Brenta", "manufacturing_prevalence"] == pytest.approx(930 - 1030 * made)


def test_the_thresholds_are_parameters(country):
    stage = industrial_districts(country).set_index("region")["stage"]
    assert stage["Asolo"] == "district"
    loose = industrial_districts(country, single_medium_ratio=0.4).set_index("region")["stage"]
    assert loose["Fermo"] == "district"
    assert (
        industrial_districts(country, single_medium_ratio=0.42).set_index("region")["stage"]["Fermo"]
        != "district"
    )
    big = industrial_districts(country, size_limits=(50, 301)).set_index("region")["stage"]
    assert big["Matera"] != "main industry of large firms"
    none = industrial_districts(country, quotient_threshold=50)
    assert (none["stage"] == "not manufacturing").all()
    alone = industrial_districts(country, rivals=()).set_index("region")["stage"]
    assert alone["Brenta"] == "district"


@pytest.mark.parametrize("minimum", [0, 250])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_stages_agree_with_r(minimum, weighted):
    codes = {"industry": str, "main_industry": str}
    frame = pd.read_csv(REFERENCE / "country.csv", dtype=codes)
    ours = industrial_districts(frame, weights="weight" if weighted else None, minimum_employment=minimum)
    theirs = pd.read_csv(REFERENCE / "districts.csv", dtype=codes)
    theirs = theirs[(theirs["minimum"] == minimum) & (theirs["weighted"] == weighted)]
    assert ours["region"].tolist() == theirs["region"].tolist()
    assert ours["stage"].tolist() == theirs["stage"].tolist()
    assert ours["main_industry"].fillna("-").tolist() == theirs["main_industry"].fillna("-").tolist()
    for column in (
        "manufacturing_quotient", "quotient_small", "quotient_large", "main_industry_quotient", "sme_share",
    ):  # fmt: skip
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-10)


def test_countries_and_years_are_kept_apart(country):
    two = pd.concat([country.assign(country="ITA"), country.assign(country="ESP", employment=1.0)])
    out = industrial_districts(two)
    assert out.columns[:2].tolist() == ["country", "region"]
    alone = industrial_districts(country)
    italy = out[out["country"] == "ITA"].drop(columns="country").reset_index(drop=True)
    pd.testing.assert_frame_equal(italy, alone)
    assert raw_columns(alone, "district") == ["employment", "industry", "sector"]


def test_a_country_without_large_plants(country):
    out = industrial_districts(country[country["employment"] < 250])
    assert (out["quotient_large"].dropna() == 0).all()
    assert "large firms" not in out["stage"].tolist()
    assert out.set_index("region").loc["Brenta", "district"]


def test_bad_input(country):
    with pytest.raises(DataError, match="one local system"):
        industrial_districts(country.assign(region="Brenta"))
    with pytest.raises(DataError, match="column 'sector': no plant is in 'industry'"):
        industrial_districts(country, manufacturing="industry")
    with pytest.raises(DataError, match="row 2: 1 plants have no"):
        industrial_districts(country.assign(employment=country["employment"].where(country.index > 0)))
    with pytest.raises(DataError, match="negative"):
        industrial_districts(country.assign(employment=-1.0))
    with pytest.raises(DataError, match="no weight"):
        industrial_districts(country.assign(weight=np.nan))
    with pytest.raises(DataError, match="column 'sector': the frame has no such column"):
        industrial_districts(country.drop(columns="sector"))


OFFICE, FARM = ("62", "business_services"), ("01", "agriculture")


def test_manufacturing_that_only_ties_with_a_rival_does_not_prevail():
    frame = pd.concat(
        [
            *(plants("Lucca", *one, [10] * 10) for one in (("15", "manufacturing"), OFFICE)),
            *(plants("Siena", *one, [10] * 5) for one in (("15", "manufacturing"), OFFICE)),
            plants("Siena", *FARM, [10] * 10),
        ]
    )
    lucca = industrial_districts(frame).set_index("region").loc["Lucca"]
    assert lucca["manufacturing_quotient"] == pytest.approx(4 / 3)
    assert lucca["stage"] == "not manufacturing"
    assert industrial_districts(frame, rivals=()).set_index("region").loc["Lucca", "stage"] != lucca["stage"]


def test_large_firms_that_only_tie_with_small_ones_do_not_dominate():
    parts = [plants("Lucca", "15", "manufacturing", [20] * 5 + [300])]
    parts += [plants("Siena", "29", "manufacturing", [20] * 5 + [300]), plants("Siena", *OFFICE, [20] * 30)]
    lucca = industrial_districts(pd.concat(parts)).set_index("region").loc["Lucca"]
    assert lucca["quotient_small"] == lucca["quotient_large"] == 1
    assert lucca["stage"] == "main industry of large firms"
