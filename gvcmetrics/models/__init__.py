"""Estimation: outcome × heterogeneity × inference, for any panel; nothing here knows of value chains.

Public names are imported on first use, so that a count model does not load what it does not need.
"""

from __future__ import annotations

import importlib
from typing import Any

RESPONSES = (
    "ols",
    "logit",
    "probit",
    "cloglog",
    "ordered_logit",
    "ordered_probit",
    "multinomial_logit",
    "fractional_logit",
    "poisson",
    "negative_binomial",
    "joint_probit",
    "tobit",
)
"""The outcome functions, each in the file of `families` that has its name."""

PUBLIC = {name: f"families.{name}" for name in RESPONSES} | {
    "dynamic_gmm": "gmm.dynamic",
    "long_run": "gmm.dynamic",
    "choice": "choices.choice",
    "heckman": "paired.heckman",
    "probit_selection": "paired.probit_selection",
    "zero_inflated": "paired.counts",
    "hurdle": "paired.counts",
    "multilevel": "levels.road",
    "group_effects": "levels.group_effects",
    "adopt": "results.adopt",
    "did": "treatments.did",
    "DidResults": "treatments.event_study",
    "treatment": "treatments.effects",
    "TreatmentResults": "treatments.overlap",
    "oster": "robustness.oster",
    "specification_curve": "robustness.again",
    "leave_one_out": "robustness.again",
    "permutation_test": "robustness.again",
    "equivalence": "robustness.equivalence",
    "Check": "robustness.check",
    "iv": "endogenous.iv",
    "anderson_rubin": "endogenous.tests",
    "control_function": "endogenous.control_function",
    "system": "endogenous.system",
    "spells": "durations.at_risk",
    "margins": "marginal.effects",
    "Margins": "marginal.result",
    "plot_margins": "results.plots",
    "plot_coefs": "results.plots",
    "Results": "results.results",
    "ResultsList": "results.several",
    "TestResult": "inference.restrictions",
    "wild_bootstrap": "inference.bootstrap",
    "BootstrapTest": "inference.bootstrap",
    "hausman": "diagnostics.hausman_test",
    "brant": "diagnostics.specification",
    "hausman_mcfadden": "diagnostics.specification",
    "goodness_of_fit": "diagnostics.goodness",
    "hosmer_lemeshow": "diagnostics.goodness",
    "multiple_testing": "inference.multiplicity",
    "romano_wolf": "inference.multiplicity",
    "holm": "inference.multiplicity",
    "benjamini_hochberg": "inference.multiplicity",
    "spell_data": "durations.person_periods",
}

__all__ = [*PUBLIC]


def __getattr__(name: str) -> Any:
    if name in PUBLIC:
        value = getattr(importlib.import_module(f"{__name__}.{PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
