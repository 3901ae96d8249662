import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.input_output.specialisation import functional_specialisation, income_in_exports


@pytest.fixture(scope="module")
def labour(small):
    shares = np.array([[0.1, 0.2, 0.3], [0.3, 0.1, 0.2], [0.2, 0.3, 0.1]])
    return pd.DataFrame(
        np.tile(shares, (4, 1)) * small.value_added[:, None],
        index=small.rows,
        columns=["fabrication", "research", "marketing"],
    )


def test_income_in_exports_by_hand(small, labour):
    income = income_in_exports(small, labour)["income"]
    assert income.index.names == ["country", "function"]
    block = slice(3, 6)
    made_for_exports = np.linalg.solve(np.eye(3) - small.A[block, block], small.exports[block].sum(axis=1))
    expected = (labour["research"].to_numpy()[block] / small.x[block] * made_for_exports).sum()
    assert income[("BBB", "research")] == pytest.approx(expected, rel=1e-12)


def test_income_of_all_value_added_is_domestic_value_added(small, reference):
    all_income = pd.DataFrame({"everything": small.value_added}, index=small.rows)
    income = income_in_exports(small, all_income)["income"].droplevel("function")
    expected = reference("small_icio_exvatools_bm_src_standard")["DVA"]
    np.testing.assert_allclose(income, expected, rtol=1e-6)


def test_specialisation_by_hand():
    index = pd.MultiIndex.from_product([["A", "B"], ["make", "think"]], names=["country", "function"])
    result = functional_specialisation(pd.DataFrame({"income": [30.0, 10.0, 20.0, 40.0]}, index=index))
    # World: 50 make, 50 think.
    assert result["income_share"].tolist() == pytest.approx([0.75, 0.25, 1 / 3, 2 / 3])
    assert result["functional_specialisation"].tolist() == pytest.approx([1.5, 0.5, 2 / 3, 4 / 3])


def test_specialisation_averages_to_one_with_income_weights(small, labour):
    result = functional_specialisation(income_in_exports(small, labour))
    countries = result["income"].groupby(level="country").transform("sum")
    mean = (result["functional_specialisation"] * countries).groupby(level="function").sum()
    np.testing.assert_allclose(mean / result["income"].sum(), 1.0, rtol=1e-12)


def test_country_that_earns_nothing_is_missing():
    index = pd.MultiIndex.from_product([["A", "B"], ["make", "think"]], names=["country", "function"])
    result = functional_specialisation(pd.DataFrame({"income": [0.0, 0.0, 20.0, 40.0]}, index=index))
    assert result.loc["A", "functional_specialisation"].isna().all()


def test_countries_without_labour_data_are_left_out(small, labour):
    income = income_in_exports(small, labour.drop(index="CCC"))
    assert list(income.index.get_level_values("country").unique()) == ["AAA", "BBB", "DDD"]


def test_labour_income_that_cannot_be_is_an_error(small, labour):
    with pytest.raises(DataError, match=r"lacks industries.*BBB s2"):
        income_in_exports(small, labour.drop(index=[("BBB", "s2")]))
    with pytest.raises(DataError, match=r"not in the table: XXX s1"):
        income_in_exports(small, labour.rename(index={"AAA": "XXX"}))
    with pytest.raises(DataError, match=r"AAA s1.*above value added in 12 industries"):
        income_in_exports(small, labour * 3)
    with pytest.raises(DataError, match=r"negative or above value added"):
        income_in_exports(small, -labour)


def test_income_that_is_not_by_country_and_function_is_an_error(small, labour):
    income = income_in_exports(small, labour)
    with pytest.raises(DataError, match="index levels country, function"):
        functional_specialisation(income.reset_index())
    with pytest.raises(DataError, match=r"AAA research.*missing or negative"):
        functional_specialisation(income.where(income["income"] != income.loc[("AAA", "research"), "income"]))
