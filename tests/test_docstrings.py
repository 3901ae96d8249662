"""The examples in the docstrings run, and every outcome function has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import gvcmetrics.models as models

MODULES = [found.name for found in pkgutil.walk_packages(models.__path__, "gvcmetrics.models.")]
OUTCOMES = (
    *("ols", "logit", "probit", "cloglog", "ordered_logit", "ordered_probit", "multinomial_logit"),
    *("poisson", "fractional_logit", "negative_binomial", "joint_probit"),
)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_outcome_has_its_formula_and_an_example(name: str) -> None:
    text = inspect.getdoc(getattr(models, name)) or ""
    assert ".. math::" in text
    assert doctest.DocTestParser().get_examples(text)
