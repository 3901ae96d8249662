"""gvcmetrics: upgrading in global value chains and industrial clusters, from raw files to tables.

Every public name is listed here and imported on first use, so that `import gvcmetrics` costs
next to nothing.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from gvcmetrics.ground.compiled import find_cache
from gvcmetrics.ground.version import __version__
from gvcmetrics.models import RESPONSES

# Before any module that numba compiles is imported.
find_cache(Path(__file__).parent)

_PUBLIC = dict.fromkeys(RESPONSES, "gvcmetrics.models") | {
    # panels
    "panel": "gvcmetrics.panels",
    "list_panels": "gvcmetrics.panels",
    "wave_changes": "gvcmetrics.panels.waves.changes",
    "convert": "gvcmetrics.panels.crosswalks.convert",
    "crosswalk": "gvcmetrics.panels.crosswalks.links",
    # where panels and measures meet
    "input_output": "gvcmetrics.value_chain",
    "industry_measures": "gvcmetrics.value_chain",
    "join_value_chain": "gvcmetrics.value_chain",
    "cluster_completeness": "gvcmetrics.value_chain",
    "compare_editions": "gvcmetrics.value_chain",
    # models
    "dynamic_gmm": "gvcmetrics.models",
    "long_run": "gvcmetrics.models",
    "choice": "gvcmetrics.models",
    "heckman": "gvcmetrics.models",
    "probit_selection": "gvcmetrics.models",
    "zero_inflated": "gvcmetrics.models",
    "hurdle": "gvcmetrics.models",
    "multilevel": "gvcmetrics.models",
    "group_effects": "gvcmetrics.models",
    "adopt": "gvcmetrics.models",
    "did": "gvcmetrics.models",
    "treatment": "gvcmetrics.models",
    "oster": "gvcmetrics.models",
    "specification_curve": "gvcmetrics.models",
    "leave_one_out": "gvcmetrics.models",
    "permutation_test": "gvcmetrics.models",
    "equivalence": "gvcmetrics.models",
    "iv": "gvcmetrics.models",
    "anderson_rubin": "gvcmetrics.models",
    "control_function": "gvcmetrics.models",
    "system": "gvcmetrics.models",
    "hausman": "gvcmetrics.models",
    "margins": "gvcmetrics.models",
    "plot_margins": "gvcmetrics.models",
    "plot_coefs": "gvcmetrics.models",
    "spells": "gvcmetrics.models",
    "wild_bootstrap": "gvcmetrics.models",
    "brant": "gvcmetrics.models",
    "hausman_mcfadden": "gvcmetrics.models",
    "goodness_of_fit": "gvcmetrics.models",
    "hosmer_lemeshow": "gvcmetrics.models",
    "multiple_testing": "gvcmetrics.models",
    "spell_data": "gvcmetrics.models",
    # hypotheses
    "hypotheses": "gvcmetrics.claims.run",
    "examine": "gvcmetrics.claims.run",
    # the size of a survey
    "power": "gvcmetrics.planning.power",
    # report
    "table": "gvcmetrics.report",
    "survey": "gvcmetrics.report.questionnaires.survey",
}

# Rooms that are reached by their name, `gvc.simulate.economy`, without a line of import.
_ROOMS = ("measures", "models", "report", "simulate")

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return importlib.import_module(f"gvcmetrics.{name}")
    raise AttributeError(f"module 'gvcmetrics' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC, *_ROOMS})
