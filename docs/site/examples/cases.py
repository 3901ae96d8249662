# %% data
import pandas as pd

from gvcmetrics import measures

# Ten made-up clusters: is there trust, a lead firm, and did the cluster upgrade? Coded twice.
cases = pd.DataFrame(
    {
        "cluster": list("ABCDEFGHIJ"),
        "trust": [1, 1, 1, 1, 0, 0, 0, 1, 0, 0],
        "lead_firm": [1, 1, 0, 0, 1, 1, 0, 1, 0, 0],
        "upgraded": [1, 1, 1, 1, 1, 0, 0, 1, 0, 0],
    }
)
again = cases.assign(trust=[1, 1, 1, 0, 0, 0, 0, 1, 0, 1])
cases

# %% cohen_kappa
measures.cohen_kappa(cases.assign(second=again["trust"]), "trust", "second")

# %% coding_agreement
measures.coding_agreement(cases, again, "cluster", ["trust", "lead_firm"])

# %% calibrate
measures.calibrate(pd.Series([400.0, 900.0, 2500.0]), (500.0, 1000.0, 2000.0))

# %% necessity
measures.necessity(cases, ["trust", "lead_firm"], "upgraded")

# %% sufficiency
measures.sufficiency(cases, ["trust", "trust*lead_firm"], "upgraded")

# %% necessary_conditions
measures.necessary_conditions(cases, ["trust", "lead_firm"], "upgraded", consistency=0.8, relevance=0.3)

# %% truth_table
measures.truth_table(cases, ["trust", "lead_firm"], "upgraded")

# %% set_solutions
measures.set_solutions(cases, ["trust", "lead_firm"], "upgraded", consistency=0.8)
