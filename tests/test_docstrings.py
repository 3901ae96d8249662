"""The examples in the docstrings of every room run, and every outcome function has one."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import gvcmetrics
from gvcmetrics import models

PACKAGE = Path(gvcmetrics.__file__).parent
MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]
OUTCOMES = (
    *("ols", "logit", "probit", "cloglog", "ordered_logit", "ordered_probit", "multinomial_logit"),
    *("poisson", "fractional_logit", "negative_binomial", "joint_probit", "tobit"),
)


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted
    assert not done.failed


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_outcome_has_its_formula_and_an_example(name: str) -> None:
    text = inspect.getdoc(getattr(models, name)) or ""
    assert ".. math::" in text
    assert doctest.DocTestParser().get_examples(text)
