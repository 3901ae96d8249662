# %% data
from pathlib import Path

import gvcmetrics as gvc
from gvcmetrics.simulate.examples import example_firms

# The claims of the field ship with the project; `path=` names a file of your own.
ROOT = next(
    folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "analysis/hypotheses.yaml").is_file()
)
claims = ROOT / "analysis" / "hypotheses.yaml"
firms = example_firms()
firms[["firm_id", "year", "governance", "upgrade_product", "upgrade_process", "upgrade_functional"]]

# %% hypotheses
gvc.hypotheses(claims)

# %% examine
gvc.examine("H1", firms, path=claims)
