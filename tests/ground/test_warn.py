"""Warnings point at the line that called the package, whatever lies between."""

from __future__ import annotations

import inspect
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import gvcmetrics
from gvcmetrics.errors import ConvergenceWarning, EstimationWarning
from gvcmetrics.ground.warn import warn

HERE = Path(__file__)
PACKAGE = Path(gvcmetrics.__file__).parent


def module(source: str, file: Path) -> types.ModuleType:
    """A module whose code claims to lie in `file`."""
    made = types.ModuleType(file.stem)
    exec(compile(source, file, "exec"), made.__dict__)
    return made


def line_of(call: Callable[[], object]) -> tuple[str, int]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert len(caught) == 1
    return caught[0].filename, caught[0].lineno


def test_the_users_line_is_found_from_any_depth():
    source = (
        "from gvcmetrics.ground.warn import warn\n"
        "def deep(n):\n    return deep(n - 1) if n else warn('few clusters')"
    )
    deep = module(source, PACKAGE / "models" / "made.py").deep
    for depth in (0, 1, 7):
        filename, line = line_of(lambda depth=depth: deep(depth))
        assert (filename, line) == (str(HERE), inspect.currentframe().f_lineno - 1)


def test_a_library_between_two_lines_of_the_package_is_passed_over():
    source = (
        "from gvcmetrics.ground.warn import warn\n"
        "def by_group(frame):\n"
        "    return frame.groupby('g')['x'].agg(lambda x: [warn('one group'), 1.0][1])"
    )
    by_group = module(source, PACKAGE / "measures" / "made.py").by_group
    frame = pd.DataFrame({"g": ["a"], "x": [1.0]})
    filename, line = line_of(lambda: by_group(frame))
    assert (filename, line) == (str(HERE), inspect.currentframe().f_lineno - 1)


def test_a_file_whose_name_only_begins_like_the_package_is_the_users():
    file = PACKAGE.with_name("gvcmetrics_study.py")
    source = "from gvcmetrics.ground.warn import warn\ndef study():\n    warn('x')"
    assert line_of(module(source, file).study) == (str(file), 3)


def test_the_same_line_warns_once_by_default_and_another_line_again():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            warn("few clusters")
        warn("few clusters")
    assert len(caught) == 2


def test_the_category():
    with pytest.warns(EstimationWarning, match="dropped"):
        warn("dropped")
    with pytest.warns(ConvergenceWarning, match="stopped"):
        warn("stopped", ConvergenceWarning)
