# %% data
from gvcmetrics import measures
from gvcmetrics.simulate.examples import example_buyers, example_firms

firms = example_firms()
sales = example_buyers()
firms[["firm_id", "year", "owned_by_buyer", "buyer_sets_design", "buyer_sets_process", "joint_design"]]

# %% classify_governance
measures.classify_governance(firms.drop(columns="governance"))

# %% classify_governance_ghs
scored = firms.assign(
    complexity=firms["joint_design"], codifiability=1 - firms["buyer_sets_process"], capability=1.0
)
measures.classify_governance_ghs(scored)

# %% governance_index
items = ["buyer_sets_design", "buyer_sets_process", "specific_investment"]
measures.governance_index(firms, items, method="pca")

# %% latent_classes, LatentClasses
classes = measures.latent_classes(firms, items, 2, starts=3)
classes.response_probabilities

# %% governance_shares
measures.governance_shares(sales, by=["firm_id", "year"], governance="governance_ghs")

# %% crosswalk_governance
measures.crosswalk_governance(sales["governance_ghs"], to="four")

# %% governance_agreement
both = firms.dropna(subset=["joint_design"]).assign(
    governance_ghs=lambda frame: frame["governance"].map(
        {
            "arms_length": "market",
            "network": "relational",
            "quasi_hierarchical": "captive",
            "hierarchical": "hierarchy",
        }
    )
)
measures.governance_agreement(both)

# %% buyer_concentration
measures.buyer_concentration(sales)

# %% buyer_hhi_bounds
measures.buyer_hhi_bounds(firms)

# %% sales_channels
channels = firms.assign(
    own_shops=0.1, one_buyer=firms["main_buyer_share"], others=0.9 - 0.9 * firms["main_buyer_share"]
)
measures.sales_channels(channels, ["own_shops", "one_buyer", "others"])

# %% functional_breadth
measures.functional_breadth(firms, ["joint_design", "specific_investment"])

# %% lock_in_index
tied = firms.join(measures.functional_breadth(firms, ["joint_design", "specific_investment"]))
tied["buyer_hhi"] = tied["main_buyer_share"] ** 2
tied["single_knowledge_source"] = tied["buyer_sets_design"]
measures.lock_in_index(tied)

# %% main_buyer_spells
measures.main_buyer_spells(sales)
