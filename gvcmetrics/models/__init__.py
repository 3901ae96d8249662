"""Estimation: outcome × heterogeneity × inference, for any panel; nothing here knows of value chains.

Public names are imported on first use, so that a count model does not load what it does not need.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "ols": "linear",
    "poisson": "poisson_regression",
    "hausman": "hausman_test",
    "logit": "discrete",
    "probit": "discrete",
    "cloglog": "discrete",
    "ordered_logit": "discrete",
    "ordered_probit": "discrete",
    "multinomial_logit": "discrete",
    "fractional_logit": "discrete",
    "negative_binomial": "discrete",
    "joint_probit": "joint",
    "spells": "durations",
    "margins": "marginal.effects",
    "Margins": "marginal.result",
    "plot_margins": "plots",
    "plot_coefs": "plots",
    "Results": "results",
    "TestResult": "tests",
    "wild_bootstrap": "bootstrap",
    "BootstrapTest": "bootstrap",
    "brant": "specification_tests",
    "hausman_mcfadden": "specification_tests",
    "goodness_of_fit": "goodness",
    "hosmer_lemeshow": "goodness",
    "multiple_testing": "multiplicity",
    "romano_wolf": "multiplicity",
    "holm": "multiplicity",
    "benjamini_hochberg": "multiplicity",
    "spell_data": "person_periods",
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
