"""Estimation: outcome × heterogeneity × inference, for any panel; nothing here knows of value chains.

Public names are imported on first use, so that a count model does not load what it does not need.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "ols": "api.linear",
    "poisson": "api.poisson",
    "hausman": "diagnostics.hausman_test",
    "logit": "api.discrete",
    "probit": "api.discrete",
    "cloglog": "api.discrete",
    "ordered_logit": "api.discrete",
    "ordered_probit": "api.discrete",
    "multinomial_logit": "api.discrete",
    "fractional_logit": "api.discrete",
    "negative_binomial": "api.discrete",
    "joint_probit": "api.joint",
    "spells": "durations.at_risk",
    "margins": "marginal.effects",
    "Margins": "marginal.result",
    "plot_margins": "results.plots",
    "plot_coefs": "results.plots",
    "Results": "results.results",
    "TestResult": "inference.restrictions",
    "wild_bootstrap": "inference.bootstrap",
    "BootstrapTest": "inference.bootstrap",
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

__all__ = [*_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
