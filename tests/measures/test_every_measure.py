"""What holds for every public measure: it leaves its input alone, and says by row what it says by row."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures as m
from gvcmetrics.errors import DataError

RNG = np.random.default_rng(7)


def firms() -> pd.DataFrame:
    """40 firms in 5 years, 4 regions and 3 industries, with every column that a measure of firms reads."""
    rng = np.random.default_rng(1)
    keys = pd.MultiIndex.from_product([range(40), range(2000, 2005)], names=["firm_id", "year"])
    frame = keys.to_frame(index=False).astype({"firm_id": str})
    n = len(frame)
    number = frame["firm_id"].astype(int).to_numpy()
    level = rng.normal(size=40)[number]
    frame = frame.assign(
        country="ECU",
        region=np.array(list("rstu"))[number % 4],
        industry=np.array(["10", "11", "13"])[number % 3],
        sector=np.where(number % 5 == 0, "business_services", "manufacturing"),
        cluster_id=(number % 4).astype(str),
        weight=rng.uniform(1, 2, n),
        stratum=(number % 2).astype(str),
        psu=frame["firm_id"],
        employment=np.exp(3 + 0.5 * level + rng.normal(0, 0.5, n)).round(2),
        capital_usd=np.exp(8 + level + rng.normal(0, 0.5, n)),
        materials_usd=np.exp(8 + 0.8 * level + rng.normal(0, 0.5, n)),
        wages_usd=np.exp(7 + 0.5 * level + rng.normal(0, 0.3, n)),
        longitude=rng.uniform(-80, -77, n),
        latitude=rng.uniform(-4, 0, n),
        main_buyer_share=0.6,
        n_buyers=rng.integers(2, 6, n).astype(float),
        buyer_hhi=rng.uniform(0.2, 1, n),
        functional_breadth=rng.uniform(0, 1, n),
        specific_investment=rng.integers(0, 2, n).astype(float),
        single_knowledge_source=rng.integers(0, 2, n).astype(float),
        tfp=rng.normal(size=n),
    )
    frame["value_added_usd"] = (
        frame["employment"] ** 0.6 * frame["capital_usd"] ** 0.3 * rng.lognormal(size=n)
    )
    frame["sales_usd"] = frame["value_added_usd"] + frame["materials_usd"]
    for item in (
        *("owned_by_buyer", "buyer_sets_design", "buyer_sets_process", "joint_design"),
        *("complexity", "codifiability", "capability", "a", "b", "c", "d", "e"),
    ):
        frame[item] = rng.integers(0, 2, n).astype(float)
    return with_attrs(frame)


def flows() -> pd.DataFrame:
    """Exports of 6 countries to one another in 5 products and 4 years."""
    rng = np.random.default_rng(2)
    axes = [list("ABCDEF"), list("ABCDEF"), list("12345"), range(2000, 2004)]
    grid = pd.MultiIndex.from_product(axes, names=["exporter", "importer", "product", "year"])
    frame = grid.to_frame(index=False)
    frame = frame[frame["exporter"] != frame["importer"]].reset_index(drop=True)
    n = len(frame)
    frame = frame.assign(value_usd=rng.lognormal(3, 1, n), quantity=rng.lognormal(2, 1, n))
    frame = frame.assign(unit_value_usd=frame["value_usd"] / frame["quantity"], quality=rng.lognormal(size=n))
    return with_attrs(frame)


def exports() -> pd.DataFrame:
    """Exports by country, product and year, with income and the two measures of the quadrants."""
    rng = np.random.default_rng(3)
    frame = flows().groupby(["exporter", "product", "year"], as_index=False)["value_usd"].sum()
    n = len(frame)
    income = frame["exporter"].map(dict(zip("ABCDEF", range(1, 7), strict=True))).astype(float)
    frame = frame.assign(
        income=income, relative_unit_value=rng.lognormal(size=n), market_share=rng.uniform(size=n)
    )
    return with_attrs(frame)


def matrix() -> pd.DataFrame:
    wide = exports().query("year == 2000").pivot(index="exporter", columns="product", values="value_usd")
    return with_attrs(wide)


def sales() -> pd.DataFrame:
    """Sales of 5 firms to 4 buyers in 4 years, with the governance of the tie."""
    rng = np.random.default_rng(4)
    axes = [list("abcde"), list("wxyz"), range(2000, 2004)]
    frame = pd.MultiIndex.from_product(axes, names=["firm_id", "buyer_id", "year"]).to_frame(index=False)
    kinds = np.array(["market", "captive", "modular", None], dtype=object)
    frame = frame.assign(
        sales_usd=rng.lognormal(size=len(frame)), governance=kinds[rng.integers(0, 4, len(frame))]
    )
    return with_attrs(frame.assign(sales_share=0.05))


def with_attrs(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an index that is no range and attrs as a panel has them."""
    if isinstance(frame.index, pd.RangeIndex):
        frame.index = pd.Index(range(100, 100 + len(frame)))
    frame.attrs = {"lineage": {"value_usd": ["baci.v"], "employment": ["s.l1"]}, "provenance": {"title": "T"}}
    return frame


def table() -> m.InputOutput:
    Z = np.array([[2.0, 1.0, 1.0, 0.5], [3.0, 1.0, 0.2, 0.4], [1.0, 0.5, 2.0, 1.0], [0.2, 0.3, 1.0, 2.0]])
    Y = np.array([[5.0, 2.0], [1.0, 5.0], [4.0, 3.0], [2.0, 6.0]])
    return m.from_arrays(Z, Y, countries=["AAA", "BBB"], industries=["c1", "c2"], year=2000)


def relatedness() -> pd.DataFrame:
    return m.coagglomeration(firms().query("year == 2000")).fillna(0.5)


def one_year() -> pd.DataFrame:
    return with_attrs(firms().query("year == 2000").reset_index(drop=True))


def long_table() -> pd.DataFrame:
    cells = pd.MultiIndex.from_product([["AAA", "BBB"], ["c1"], ["AAA", "BBB"], ["c1", "final"]])
    names = ["country", "industry", "use_country", "use"]
    return cells.set_names(names).to_frame(index=False).assign(value=np.arange(1.0, 9.0))


def wide_table() -> pd.DataFrame:
    frame = pd.DataFrame({"country": ["AAA", "BBB"], "industry": "c1", "AAA_c1": 1.0, "BBB_c1": 2.0})
    frame = frame.assign(AAA_f=4.0, BBB_f=3.0, AAA_n=0.5, BBB_n=0.1)
    return frame.assign(output=frame.iloc[:, 2:].sum(axis=1))


SQUARE = pd.MultiIndex.from_product([["AAA", "BBB"], ["c1"]], names=["country", "industry"])
FINAL = pd.MultiIndex.from_product([["AAA", "BBB"], ["final"]], names=["country", "category"])
Example = tuple[tuple[Any, ...], dict[str, Any]]


def take(*given: Any, **options: Any) -> Callable[[], Example]:
    """An example of a call; what is given as a function is made anew for each call."""

    def made(value: Any) -> Any:
        return value() if inspect.isfunction(value) else value

    return lambda: (tuple(made(value) for value in given), {name: made(v) for name, v in options.items()})


IO_BY = ("exporter", "industry")
BY_ROW = {
    "buyer_hhi_bounds": take(firms),
    "classify_governance": take(firms),
    "classify_governance_ghs": take(firms),
    "collective_efficiency": take(firms, external_economies=["a", "b"], joint_action=["c", "d"]),
    "crosswalk_governance": take(lambda: sales()["governance"], to="four"),
    "backshoring": take(lambda: firms().assign(abroad_share=0.1)),
    "distance_to_frontier": take(flows),
    "economic_social_quadrants": take(firms, economic=["tfp"], social=["a"]),
    "entry_exit": take(flows),
    "environmental_upgrading": take(
        lambda: firms().assign(energy=lambda f: f["materials_usd"]), certified="a"
    ),
    "outward_processing_reversal": take(
        lambda: exports().assign(outward_value_usd=lambda f: f["value_usd"] / 3)
    ),
    "sales_channels": take(firms, ["sales_usd", "wages_usd"]),
    "sectoral_pattern": take(firms),
    "export_stage": take(firms, assembly="a", manufacturing="b", design="c", marketing="d", own_brand="e"),
    "functional_breadth": take(firms, ["a", "b"]),
    "governance_index": take(firms, ["a", "b", "c"], method="pca"),
    "khandelwal_quality": take(flows, sigma=3.0),
    "labour_productivity": take(firms),
    "lock_in_index": take(firms),
    "market_share": take(flows),
    "markups": take(firms, elasticity=0.4),
    "rca": take(exports),
    "relative_unit_value": take(flows),
    "revenue_tfp": take(firms),
    "unit_value": take(flows),
    "unit_value_outliers": take(flows),
    "upgrading_from_changes": take(firms, {"process": "tfp"}, unit="firm_id"),
    "upgrading_from_items": take(firms, {"product": ["a"], "process": ["b", "c"]}),
    "winsorise": take(firms, ["sales_usd"], by="industry"),
    "with_measures": take(firms, lambda: m.labour_productivity(firms())),
}
BY_KEY = {
    "attrition_table": take(firms),
    "average_propagation_length": take(table),
    "borin_mancini_perspective": take(table, "exporter"),
    "borin_mancini_sink": take(table),
    "borin_mancini_source": take(table),
    "buyer_concentration": take(sales),
    "by_year": take(lambda: [table()], lambda: m.gross_exports),
    "calibrate": take(lambda: np.array([1.0, 2.0, 4.0]), (1.0, 2.0, 3.0)),
    "chain_upgrading": take(firms),
    "cluster_panel": take(firms),
    "cluster_validation": take(relatedness, lambda: m.industry_clusters(relatedness(), 2)),
    "coagglomeration": take(one_year),
    "coding_agreement": take(
        lambda: one_year()[["firm_id", "a", "b"]],
        lambda: one_year()[["firm_id", "a", "b"]],
        "firm_id",
        ["a", "b"],
    ),
    "cohen_kappa": take(firms, "a", "b"),
    "complexity_outlook": take(lambda: m.presence(matrix(), threshold=0.8)),
    "cumulative_tariffs": take(table, lambda: pd.DataFrame(0.1, table().rows, ["AAA", "BBB"])),
    "completeness": take(
        lambda: m.location_quotient(one_year()),
        lambda: pd.DataFrame(0.2, index=["10", "11", "13"], columns=["10", "11"]),
    ),
    "concentration_indices": take(flows),
    "correct_inventories": take(lambda: m.from_wide(wide_table(), inventories="n")),
    "country_position": take(table, of="output"),
    "cronbach_alpha": take(firms, ["a", "b", "c"]),
    "density": take(lambda: m.presence(matrix())),
    "domestic_value_added_in_exports": take(table),
    "downstreamness": take(table),
    "duranton_overman": take(one_year, "10", n_simulations=50),
    "economic_complexity": take(lambda: m.presence(matrix(), threshold=0.8)),
    "ellison_glaeser": take(firms),
    "export_similarity": take(matrix),
    "fitness": take(lambda: m.presence(matrix(), threshold=0.8)),
    "foreign_input_exposure": take(table),
    "hypothetical_extraction": take(table, "AAA", industry="c1"),
    "hypothetical_extraction_by_industry": take(table),
    "lafay_index": take(flows),
    "output_participation": take(table),
    "pure_and_two_sided_participation": take(table, by=IO_BY),
    "related_variety": take(lambda: firms().assign(industry=lambda f: f["industry"] + f["firm_id"].str[-1])),
    "satellite_in_trade": take(table, lambda: pd.Series(1.0, table().rows, name="jobs")),
    "simple_and_complex_participation": take(table),
    "tiva_indicators": take(table),
    "trade_margins": take(flows),
    "value_added_in_bilateral_exports": take(table),
    "value_added_in_imports": take(table),
    "vertical_specialisation": take(
        lambda: pd.DataFrame(0.1, list("ab"), list("ab")),
        lambda: pd.DataFrame(0.2, list("ab"), list("ab")),
        lambda: pd.Series(1.0, list("ab")),
    ),
    "expy": take(matrix, lambda: pd.Series(1.0, index=list("12345"))),
    "from_arrays": take(
        lambda: np.ones((2, 2)), lambda: np.full((2, 2), 3.0), countries=["A", "B"], industries=["i"]
    ),
    "from_long": take(long_table),
    "from_matrices": take(
        lambda: pd.DataFrame(1.0, SQUARE, SQUARE), lambda: pd.DataFrame(3.0, SQUARE, FINAL)
    ),
    "with_lineage": take(firms, flows),
    "from_pymrio": None,
    "from_wide": take(wide_table, inventories="n"),
    "functional_specialisation": take(
        lambda: pd.DataFrame(
            {"income": [1.0, 2.0, 3.0, 4.0]},
            pd.MultiIndex.from_product([["A", "B"], ["x", "y"]], names=["country", "function"]),
        )
    ),
    "gini": take(lambda: np.array([1.0, 2.0])),
    "governance_agreement": take(
        lambda: firms().assign(governance="network", governance_ghs=pd.Categorical(["modular"] * 200))
    ),
    "governance_shares": take(sales, by=["firm_id", "year"]),
    "gross_exports": take(table, by=IO_BY),
    "group_countries": take(table, {"G": ["AAA", "BBB"]}),
    "gvc_participation": take(table, by=IO_BY),
    "hhi": take(lambda: np.array([1.0, 2.0])),
    "hub_and_spoke": take(firms, exports="sales_usd"),
    "hummels_ishii_yi": take(table),
    "income_in_exports": take(
        table,
        lambda: pd.DataFrame({"design": 0.1}, pd.MultiIndex.from_product([["AAA", "BBB"], ["c1", "c2"]])),
    ),
    "industrial_districts": take(firms),
    "industry_clusters": take(relatedness, 2),
    "industry_localisation": take(firms),
    "input_output_links": take(lambda: pd.DataFrame(1.0, list("ab"), list("ab"))),
    "join_cluster_panel": take(
        firms, lambda: m.cluster_panel(firms()), on=["country", "year", "region", "industry"]
    ),
    "kaplan_meier": take(lambda: m.trade_spells(flows())),
    "koopman_wang_wei": take(table),
    "latent_classes": take(firms, ["a", "b", "c"], 2, starts=2),
    "leontief_inverse": take(table),
    "local_inverses": take(table),
    "location_quotient": take(firms),
    "locational_correlation": take(one_year),
    "main_buyer_spells": take(sales),
    "maurel_sedillot": take(firms),
    "mean_relatedness": take(lambda: [relatedness(), m.locational_correlation(one_year())]),
    "normalised_hhi": take(lambda: np.array([1.0, 2.0])),
    "national_coefficients": take(table, "AAA"),
    "necessary_conditions": take(firms, ["a", "b"], "c", consistency=0.1, relevance=0.1),
    "necessity": take(firms, ["a", "~a*b"], "c"),
    "occupation_correlation": take(lambda: pd.DataFrame(RNG.uniform(size=(3, 4)))),
    "oecd_content": take(table),
    "outliers": take(firms, ["sales_usd"], by="industry"),
    "participation_koopman": take(table),
    "positions": take(table),
    "presence": take(matrix),
    "production_function": take(firms, method="fixed_effects", by="country", bootstrap=2),
    "production_length": take(table),
    "prody": take(matrix, lambda: pd.Series(1.0, index=list("ABCDEF"))),
    "proximity": take(lambda: m.presence(matrix())),
    "quadrants": take(exports, periods=[2000, (2001, 2003)]),
    "raw_columns": take(firms, "employment"),
    "rca_matrix": take(matrix),
    "region_industry_table": take(firms),
    "regional_specialisation": take(firms),
    "related_specialisation": take(firms, lambda: pd.Series([1, 1, 2], index=["10", "11", "13"])),
    "resilience": take(
        lambda: with_attrs(firms().groupby(["region", "year"], as_index=False)["employment"].sum()),
        shock=(2000, 2002),
        recovery=(2002, 2004),
    ),
    "set_solutions": take(firms, ["a", "b"], "c", consistency=0.55),
    "size_distribution": take(firms),
    "smile_curve": take(table, product=("AAA", "c1")),
    "sophistication_by_year": take(exports, income="income", threshold=0.8),
    "standard_parts": take(lambda: m.borin_mancini_source(table())),
    "sufficiency": take(firms, ["a", "~a*b"], "c"),
    "survey_means": take(firms, ["sales_usd"], weights="weight", stratum="stratum", psu="psu", by="region"),
    "survey_totals": take(firms, ["sales_usd"], weights="weight"),
    "technical_coefficients": take(table),
    "theil": take(lambda: np.array([1.0, 2.0])),
    "trade_spells": take(flows),
    "transition_matrix": take(lambda: m.quadrants(exports(), periods=[2000, 2001, 2002])),
    "truth_table": take(firms, ["a", "b"], "c"),
    "two_way_trade": take(flows),
    "upstreamness": take(table),
    "value_added_in_exports": take(table),
    "value_added_in_final_use": take(table),
    "value_added_in_industry_exports": take(table),
    "wang_wei_zhu": take(table),
}
EXAMPLES = {name: example for name, example in (BY_ROW | BY_KEY).items() if example is not None}


def test_there_is_an_example_of_every_measure() -> None:
    functions = {name for name in m.__all__ if inspect.isfunction(getattr(m, name))}
    # `record` is there to write into a frame.
    assert set(BY_ROW | BY_KEY) == functions - {"record"}


def same(given: Any, before: Any) -> None:
    """Whether two things are equal to the last label, dtype, flag and attribute."""
    assert type(given) is type(before)
    if isinstance(given, pd.DataFrame):
        pd.testing.assert_frame_equal(given, before, check_flags=True)
        pd.testing.assert_index_equal(given.index, before.index, exact=True)
        assert given.attrs == before.attrs
    elif isinstance(given, pd.Series):
        pd.testing.assert_series_equal(given, before, check_flags=True)
        assert given.attrs == before.attrs
    elif isinstance(given, np.ndarray):
        np.testing.assert_array_equal(given, before)
    elif isinstance(given, list | tuple):
        for one, other in zip(given, before, strict=True):
            same(one, other)
    elif isinstance(given, m.InputOutput):
        for field in ("Z", "Y", "x"):
            np.testing.assert_array_equal(getattr(given, field), getattr(before, field))
    else:
        assert given == before


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_measure_changes_nothing_in_what_it_is_given(name: str) -> None:
    given, options = EXAMPLES[name]()
    before = copy.deepcopy((given, options))
    getattr(m, name)(*given, **options)
    same(given, before[0])
    for option, value in options.items():
        same(value, before[1][option])


@pytest.mark.parametrize("name", sorted(BY_ROW))
def test_a_measure_by_row_has_the_index_of_its_frame(name: str) -> None:
    given, options = BY_ROW[name]()
    result = getattr(m, name)(*given, **options)
    pd.testing.assert_index_equal(result.index, given[0].index)
    assert isinstance(result, pd.Series) or result.shape[1] > 1
    if isinstance(result, pd.Series):
        assert result.name
        assert result.attrs["lineage"][result.name]


AMOUNTS = {
    "buyer_concentration": "sales_usd",
    "cluster_panel": "employment",
    "coagglomeration": "employment",
    "environmental_upgrading": "energy",
    "outward_processing_reversal": "outward_value_usd",
    "sales_channels": "wages_usd",
    "concentration_indices": "value_usd",
    "distance_to_frontier": "quality",
    "ellison_glaeser": "weight",
    "entry_exit": "value_usd",
    "governance_agreement": "weight",
    "governance_shares": "sales_share",
    "hub_and_spoke": "sales_usd",
    "industrial_districts": "employment",
    "industry_localisation": "employment",
    "khandelwal_quality": "quantity",
    "labour_productivity": "employment",
    "location_quotient": "weight",
    "locational_correlation": "employment",
    "main_buyer_spells": "sales_usd",
    "market_share": "value_usd",
    "markups": "materials_usd",
    "maurel_sedillot": "employment",
    "production_function": "capital_usd",
    "rca": "value_usd",
    "region_industry_table": "employment",
    "regional_specialisation": "employment",
    "related_specialisation": "employment",
    "relative_unit_value": "unit_value_usd",
    "resilience": "employment",
    "revenue_tfp": "wages_usd",
    "size_distribution": "employment",
    "sophistication_by_year": "value_usd",
    "survey_means": "weight",
    "survey_totals": "weight",
    "trade_spells": "value_usd",
    "two_way_trade": "unit_value_usd",
    "unit_value": "quantity",
    "unit_value_outliers": "unit_value_usd",
}
ON_A_SCALE = {
    "backshoring": "abroad_share",
    "buyer_hhi_bounds": "main_buyer_share",
    "classify_governance": "joint_design",
    "classify_governance_ghs": "capability",
    "collective_efficiency": "c",
    "duranton_overman": "longitude",
    "export_stage": "d",
    "functional_breadth": "b",
    "governance_index": "a",
    "kaplan_meier": "duration",
    "latent_classes": "b",
    "lock_in_index": "buyer_hhi",
    "necessary_conditions": "b",
    "necessity": "c",
    "set_solutions": "a",
    "sufficiency": "b",
    "truth_table": "b",
    "upgrading_from_items": "c",
}
KEYS = {
    "attrition_table": "firm_id",
    "backshoring": "firm_id",
    "buyer_concentration": "buyer_id",
    "chain_upgrading": "industry",
    "coding_agreement": "firm_id",
    "concentration_indices": "exporter",
    "entry_exit": "product",
    "main_buyer_spells": "firm_id",
    "market_share": "product",
    "production_function": "firm_id",
    "quadrants": "exporter",
    "rca": "product",
    "resilience": "region",
    "survey_means": "stratum",
    "trade_spells": "importer",
    "two_way_trade": "importer",
    "upgrading_from_changes": "firm_id",
}
BAD = [
    *((name, column, -999.0) for name, column in {**AMOUNTS, **ON_A_SCALE}.items()),
    *((name, column, np.inf) for name, column in AMOUNTS.items()),
    *((name, column, None) for name, column in KEYS.items()),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("position", [0, 3])
@pytest.mark.parametrize(("name", "column", "value"), BAD)
def test_a_bad_value_is_named_by_its_line_and_column(name, column, value, position) -> None:
    """The header is line 1, so that the first row of a frame is line 2, whatever its index says."""
    given, options = EXAMPLES[name]()
    frame = given[0].copy()
    frame[column] = frame[column].astype(object if value is None else float)
    frame.iloc[position, frame.columns.get_loc(column)] = value
    with pytest.raises(DataError) as caught:
        getattr(m, name)(frame, *given[1:], **options)
    assert (caught.value.place.row, caught.value.place.column) == (position + 2, column)


@pytest.mark.parametrize("name", sorted(AMOUNTS))
def test_text_and_no_rows_are_refused_in_words(name: str) -> None:
    given, options = EXAMPLES[name]()
    column = AMOUNTS[name]
    text = given[0].assign(**{column: given[0][column].astype(str)})
    with pytest.raises(DataError, match="not numeric"):
        getattr(m, name)(text, *given[1:], **options)
    with pytest.raises(DataError, match="no rows"):
        getattr(m, name)(given[0].iloc[:0], *given[1:], **options)
