# %% data
import numpy as np
import pandas as pd

from gvcmetrics import measures
from gvcmetrics.simulate.examples import example_table

table = example_table(2011)
table.rows.to_frame(index=False)

# %% from_arrays, InputOutput
tiny = measures.from_arrays(
    np.array([[20.0, 5.0], [10.0, 30.0]]),  # intermediate use
    np.array([[70.0, 5.0], [10.0, 50.0]]),  # final use, by country
    countries=["AAA", "BBB"],
    industries=["all"],
    year=2011,
)
pd.DataFrame({"output": tiny.x, "value added per unit": tiny.v}, index=tiny.rows)

# %% from_matrices
cells = pd.MultiIndex.from_product([["AAA", "BBB"], ["all"]], names=["country", "industry"])
final = pd.MultiIndex.from_product([["AAA", "BBB"], ["final"]], names=["country", "category"])
Z = pd.DataFrame([[20.0, 5.0], [10.0, 30.0]], cells, cells)
Y = pd.DataFrame([[70.0, 5.0], [10.0, 50.0]], cells, final)
measures.gross_exports(measures.from_matrices(Z, Y))

# %% from_long
index = pd.MultiIndex.from_product(
    [["AAA", "BBB"], ["all"], ["AAA", "BBB"], ["all", "final"]],
    names=["country", "industry", "use_country", "use"],
)
long = index.to_frame(index=False).assign(value=[20.0, 70.0, 5.0, 5.0, 10.0, 10.0, 30.0, 50.0])
measures.gross_exports(measures.from_long(long))

# %% from_wide
wide = pd.DataFrame(
    {
        "country": ["AAA", "BBB"],
        "industry": "all",
        "AAA_all": [20.0, 10.0],
        "BBB_all": [5.0, 30.0],
        "AAA_final": [70.0, 10.0],
        "BBB_final": [5.0, 50.0],
        "AAA_stocks": [2.0, 0.0],
        "BBB_stocks": [0.0, 1.0],
    }
)
wide["output"] = wide.iloc[:, 2:].sum(axis=1)
with_stocks = measures.from_wide(wide, inventories="stocks")
measures.gross_exports(with_stocks)

# %% from_pymrio
import pymrio

measures.upstreamness(measures.from_pymrio(pymrio.load_test().calc_system()))

# %% group_countries
measures.gross_exports(measures.group_countries(table, {"AB": ["AAA", "BBB"]}))

# %% by_year
measures.by_year([example_table(2010), example_table(2011)], measures.gross_exports)

# %% technical_coefficients
measures.technical_coefficients(table).round(3)

# %% national_coefficients
measures.national_coefficients(table, "AAA").round(3)

# %% leontief_inverse
measures.leontief_inverse(table).round(3)

# %% local_inverses
measures.local_inverses(table)["AAA"].round(3)

# %% gross_exports
measures.gross_exports(table, by=("exporter", "industry"))

# %% hummels_ishii_yi
measures.hummels_ishii_yi(table)

# %% koopman_wang_wei
measures.koopman_wang_wei(table)

# %% wang_wei_zhu
measures.wang_wei_zhu(table, by=("exporter",))

# %% borin_mancini_source
measures.borin_mancini_source(table)

# %% borin_mancini_sink
measures.borin_mancini_sink(table)

# %% borin_mancini_perspective
measures.borin_mancini_perspective(table, "exporter")

# %% oecd_content
measures.oecd_content(table)

# %% standard_parts
measures.standard_parts(measures.borin_mancini_source(table))

# %% domestic_value_added_in_exports
measures.domestic_value_added_in_exports(table)

# %% gvc_participation
measures.gvc_participation(table)

# %% participation_koopman
measures.participation_koopman(table)

# %% pure_and_two_sided_participation
measures.pure_and_two_sided_participation(table)

# %% output_participation
measures.output_participation(table)

# %% simple_and_complex_participation
measures.simple_and_complex_participation(table)

# %% value_added_in_exports
measures.value_added_in_exports(table)

# %% value_added_in_final_use
measures.value_added_in_final_use(table)

# %% value_added_in_industry_exports
measures.value_added_in_industry_exports(table)

# %% value_added_in_bilateral_exports
measures.value_added_in_bilateral_exports(table)

# %% value_added_in_imports
measures.value_added_in_imports(table)

# %% satellite_in_trade
jobs = pd.Series(0.02 * table.x, table.rows, name="jobs")
measures.satellite_in_trade(table, jobs)

# %% tiva_indicators
measures.tiva_indicators(table)

# %% foreign_input_exposure
measures.foreign_input_exposure(table)

# %% average_propagation_length
measures.average_propagation_length(table).round(2)

# %% cumulative_tariffs
rates = pd.DataFrame(0.1, table.rows, ["AAA", "BBB", "CCC"])
measures.cumulative_tariffs(table, rates)

# %% hypothetical_extraction
measures.hypothetical_extraction(table, "BBB", industry="manufacturing")

# %% hypothetical_extraction_by_industry
measures.hypothetical_extraction_by_industry(table)

# %% upstreamness
measures.upstreamness(table)

# %% downstreamness
measures.downstreamness(table)

# %% positions
measures.positions(table)

# %% country_position
measures.country_position(table, of="output")

# %% correct_inventories
measures.upstreamness(measures.correct_inventories(with_stocks))

# %% production_length
measures.production_length(table)

# %% smile_curve
measures.smile_curve(table, product=("AAA", "manufacturing"))

# %% income_in_exports
functions = ["research", "fabrication", "marketing"]
labour_income = pd.DataFrame(
    np.outer(table.v * table.x, [0.1, 0.4, 0.1]), index=table.rows, columns=functions
)
measures.income_in_exports(table, labour_income)

# %% functional_specialisation
measures.functional_specialisation(measures.income_in_exports(table, labour_income))
