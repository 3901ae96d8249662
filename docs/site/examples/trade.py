# %% data
import pandas as pd

from gvcmetrics import measures
from gvcmetrics.simulate.examples import example_trade

flows = example_trade()
trade = flows.groupby(["exporter", "product", "year"], as_index=False)[["value_usd", "quantity"]].sum()
exports = trade[trade["year"] == 2015].pivot(index="exporter", columns="product", values="value_usd")
income = pd.Series(
    {"BRA": 9.0, "CHN": 8.0, "DEU": 41.0, "ECU": 6.0, "IND": 2.0, "ITA": 30.0, "KOR": 29.0, "VNM": 3.0}
)
flows

# %% rca
trade["rca"] = measures.rca(trade)
trade["rsca"] = measures.rca(trade, variant="symmetric")
trade

# %% rca_matrix
measures.rca_matrix(exports)

# %% presence
present = measures.presence(exports, threshold=0.8)
present

# %% market_share
measures.market_share(flows)

# %% concentration_indices
measures.concentration_indices(flows)

# %% hhi
measures.hhi([0.5, 0.3, 0.2])

# %% normalised_hhi
measures.normalised_hhi([0.5, 0.3, 0.2])

# %% theil
measures.theil([10.0, 20.0, 70.0])

# %% trade_margins
measures.trade_margins(flows)

# %% lafay_index
measures.lafay_index(flows)

# %% export_similarity
measures.export_similarity(exports).round(2)

# %% vertical_specialisation
industries = ["food", "machines"]
domestic = pd.DataFrame([[0.2, 0.0], [0.1, 0.3]], industries, industries)
imported = pd.DataFrame([[0.05, 0.0], [0.05, 0.2]], industries, industries)
measures.vertical_specialisation(domestic, imported, pd.Series([10.0, 40.0], industries))

# %% prody
measures.prody(exports, income)

# %% expy
measures.expy(exports, measures.prody(exports, income))

# %% economic_complexity
countries, products = measures.economic_complexity(present)
countries, products

# %% complexity_outlook
measures.complexity_outlook(present)

# %% fitness
measures.fitness(present)

# %% sophistication_by_year
panel = trade.assign(income=trade["exporter"].map(income))
measures.sophistication_by_year(panel, income="income", threshold=0.8)

# %% proximity
measures.proximity(present).round(2)

# %% density
measures.density(present).round(2)

# %% unit_value
measures.unit_value(flows)

# %% unit_value_outliers
measures.unit_value_outliers(flows)

# %% relative_unit_value
measures.relative_unit_value(flows)

# %% khandelwal_quality
measures.khandelwal_quality(flows, sigma=4.0)

# %% distance_to_frontier
measures.distance_to_frontier(flows)

# %% quadrants
trade["unit_value_usd"] = measures.unit_value(trade)
trade["relative_unit_value"] = measures.relative_unit_value(trade)
trade["market_share"] = measures.market_share(trade)
moves = measures.quadrants(trade, periods=[(2010, 2011), (2012, 2013), (2014, 2015)])
moves

# %% transition_matrix
measures.transition_matrix(moves)

# %% two_way_trade
measures.two_way_trade(flows)

# %% entry_exit
measures.entry_exit(flows)

# %% trade_spells
spells = measures.trade_spells(flows)
spells

# %% kaplan_meier
measures.kaplan_meier(spells)
