"""The programs that make the site are no part of the package; the tests of its pages use them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "site"))


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No window, and what a page does to the environment ends with it."""
    monkeypatch.setenv("GVCMETRICS_DATA", str(ROOT / "data"))
    backend = mpl.get_backend()
    mpl.use("Agg")
    yield
    mpl.use(backend)
