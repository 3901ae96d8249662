"""The contracts on frames in memory, and that both readers of a contract agree."""

from __future__ import annotations

import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.contracts import FIRM, TRADE
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.validate import validate

GOOD = pd.DataFrame(
    {
        "country": ["DEU", "DEU", "ECU"],
        "firm_id": ["a", "b", "a"],
        "year": [2000, 2000, 2000],
        "export_share": [0.0, 1.0, None],
        "governance": ["network", None, "hierarchical"],
        "certified": [1, 0, None],
        "anything": ["x", "y", "z"],
    }
)


def test_a_good_frame_comes_back_unchanged() -> None:
    pd.testing.assert_frame_equal(validate(GOOD, "firm"), GOOD)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("export_share", [0, 50, 1], "row 2, column 'export_share': 50.* above 1"),
        ("export_share", ["a", "b", "c"], "column 'export_share': .*not numeric"),
        ("country", ["DEU", "XXX", "ECU"], "row 2, column 'country': XXX is not an ISO3 code"),
        ("year", [2000, 2000, None], "row 3, column 'year': a key is missing"),
        ("year", [2000, 2000, 20000], "row 3, column 'year': 20000 is above 2100"),
        ("firm_id", ["a", "a", "a"], "the keys are not unique"),
        (
            "governance",
            ["captive", None, None],
            "row 1, column 'governance': captive is not one of arms_length",
        ),
        ("certified", [0.5, 0, 1], "row 1, column 'certified': 0.5 is not a whole number"),
        ("sales_usd", [-1, 0, 1], "row 1, column 'sales_usd': -1 is below 0"),
    ],
)
def test_each_violation_is_named(column: str, values: list, said: str) -> None:
    with pytest.raises(DataError, match=said):
        validate(GOOD.assign(**{column: values}), "firm")


def test_a_missing_key_column_and_a_contract_that_is_none() -> None:
    with pytest.raises(DataError, match="lacks the key column 'year'"):
        validate(GOOD.drop(columns="year"), "firm")
    with pytest.raises(DataError, match="Contracts: trade, firm"):
        validate(GOOD, "firms")


def test_built_panels_obey_the_contract_in_memory_too(real_project: Project) -> None:
    for name, contract in (("passenger_cars", "trade"), ("us_innovators", "firm"), ("patents_rd", "firm")):
        build_panel(real_project.spec_file(name), real_project)
        validate(panel(name, project=real_project), contract)


def test_contract_columns_are_those_of_the_design() -> None:
    assert list(TRADE.columns) == [
        "exporter",
        "importer",
        "product",
        "product_classification",
        "year",
        "value_usd",
        "quantity",
        "quantity_unit",
        "unit_value_usd",
        "quality",
    ]
    assert {"main_buyer_share", "governance_ghs", "export_stage", "rd_usd", "cluster_id"} <= set(FIRM.columns)
    for contract in (TRADE, FIRM):
        for column in contract.columns.values():
            assert column.unit
            assert column.label
            assert not column.name.endswith("_share") or (column.minimum, column.maximum) == (0, 1)
