"""`import gvcmetrics` costs next to nothing and every public name is reachable."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import gvcmetrics as gvc
from gvcmetrics import measures, models, report

HEAVY = ("pandas", "numpy", "statsmodels", "pyfixest", "linearmodels", "duckdb", "matplotlib", "numba")


def test_import_loads_no_heavy_library() -> None:
    code = f"import sys, gvcmetrics; print([m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
    code = code.replace("gvcmetrics;", "gvcmetrics.measures;")
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_every_public_name_is_there_and_documented() -> None:
    for room in (gvc, measures, models, report):
        for name in room.__all__:
            assert getattr(room, name).__doc__ or name == "__version__", f"{room.__name__}.{name}"


def test_no_lazy_name_is_that_of_a_module_which_would_hide_it() -> None:
    for room in (measures, models, report):
        modules = {module.name for module in pkgutil.iter_modules(room.__path__)}
        assert not modules & set(room.__all__), room.__name__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="logistic_regression"):
        _ = gvc.logistic_regression


def test_measures_are_functions_even_where_a_module_has_their_name() -> None:
    code = (
        "import types, gvcmetrics.measures.clusters.completeness\n"
        "from gvcmetrics import measures\n"
        "print([n for n in measures.__all__ if isinstance(getattr(measures, n), types.ModuleType)])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
