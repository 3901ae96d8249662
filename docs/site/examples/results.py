# %% data
import numpy as np

import gvcmetrics as gvc
from gvcmetrics import models
from gvcmetrics.simulate.examples import example_firms

firms = example_firms()
logit = gvc.logit("upgrade_product ~ governance + main_buyer_share", firms, vcov={"CRV1": "cluster_id"})
ladder = gvc.ordered_logit("rung ~ main_buyer_share + log_employment", firms)
logit

# %% Results
logit.with_vcov({"CRV3": "cluster_id"}).tidy()

# %% margins, Margins
logit.margins("governance")

# %% TestResult
logit.test("main_buyer_share = 0")

# %% plot_margins
gvc.plot_margins(
    logit.margins(at={"main_buyer_share": [0.2, 0.4, 0.6, 0.8]}), title="Probability of upgrading"
)

# %% plot_coefs
gvc.plot_coefs(
    {"Logit": logit, "Probit": gvc.probit("upgrade_product ~ governance + main_buyer_share", firms)}
)

# %% wild_bootstrap, BootstrapTest
gvc.wild_bootstrap(logit, "main_buyer_share", "region", interval=False)

# %% hausman
within = gvc.ols("log_sales ~ log_employment", firms, unit="firm_id", effects="fixed")
random = gvc.ols("log_sales ~ log_employment", firms, unit="firm_id", effects="random")
gvc.hausman(within, random)

# %% brant
gvc.brant(ladder)

# %% hausman_mcfadden
kinds = gvc.multinomial_logit("governance ~ log_employment + foreign", firms)
gvc.hausman_mcfadden(kinds)

# %% goodness_of_fit
gvc.goodness_of_fit(logit)

# %% hosmer_lemeshow
gvc.hosmer_lemeshow(logit)

# %% multiple_testing
family = [
    gvc.ols(f"{outcome} ~ main_buyer_share", firms) for outcome in ("upgrade_product", "upgrade_process")
]
gvc.multiple_testing(family, "main_buyer_share", "cluster_id", draws=999)

# %% holm
models.holm([0.01, 0.04, 0.03])

# %% benjamini_hochberg
models.benjamini_hochberg([0.01, 0.04, 0.03])

# %% romano_wolf
models.romano_wolf([2.5, 1.1], np.random.default_rng(1).normal(size=(999, 2)))

# %% Check
gvc.equivalence(logit, "main_buyer_share", 0.5)

# %% did, DidResults
starts = firms.groupby("firm_id").ngroup() % 5
firms["first_year"] = (firms["year"].min() + 1 + starts).where(starts < 3, 0)  # 0: never
gvc.did("log_sales ~ 1", firms, treated="first_year", unit="firm_id", time="year").by("cohort")

# %% TreatmentResults
last = firms[firms["year"] == firms["year"].max()]
gvc.treatment("log_sales ~ log_employment + schooling", last, treated="foreign").balance
