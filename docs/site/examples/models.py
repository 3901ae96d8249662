# %% data
import gvcmetrics as gvc
from gvcmetrics.simulate.examples import example_firms

firms = example_firms()
firms[["firm_id", "year", "upgrade_product", "rung", "governance", "main_buyer_share", "log_employment"]]

# %% ols
gvc.ols("log_sales ~ log_employment + main_buyer_share | firm_id + year", firms, vcov={"CRV1": "cluster_id"})

# %% dynamic_gmm
dynamic = gvc.dynamic_gmm(
    "log_sales ~ L(log_sales) + main_buyer_share",
    firms,
    unit="firm_id",
    time="year",
    gmm={"log_sales": (2, 3)},
    iv="main_buyer_share",
)
dynamic

# %% long_run
gvc.long_run(dynamic)
