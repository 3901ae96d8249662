"""`import gvcmetrics` costs next to nothing and every public name is reachable."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gvcmetrics as gvc

HEAVY = ("pandas", "numpy", "statsmodels", "pyfixest", "linearmodels", "duckdb", "matplotlib", "numba")


def test_import_loads_no_heavy_library() -> None:
    code = f"import sys, gvcmetrics; print([m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_every_public_name_is_there_and_documented() -> None:
    for name in gvc.__all__:
        assert getattr(gvc, name).__doc__ or name == "__version__", name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="logistic_regression"):
        _ = gvc.logistic_regression


def test_a_module_does_not_hide_the_function_of_its_name() -> None:
    code = (
        "import gvcmetrics.models.hausman, gvcmetrics.models.poisson, gvcmetrics as gvc; "
        "print(callable(gvc.hausman), callable(gvc.poisson))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["True", "True"]
