# %% data
from gvcmetrics import measures
from gvcmetrics.simulate import examples

# Whatever is made from these says that it is simulated.
examples.example_firms(2, 2).attrs

# %% example_firms
examples.example_firms()

# %% example_trade
examples.example_trade()

# %% example_table
measures.gross_exports(examples.example_table(2011))

# %% example_buyers
examples.example_buyers()
