"""A column of countries, and what a draft says of the values in it that are none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gvcmetrics.panels.draft.values import _country

COUNTRIES = ["AUT", "BEL", "DEU", "ESP", "FRA", "GRC", "HUN", "IRL", "ITA", "JPN", "KOR", "LUX", "MEX", "NLD"]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], ""),
        (["Atlantis"], "no country: Atlantis; recode or correct"),
        (["ARB"], "aggregates of countries: ARB; leave them out with `drop`"),
    ],
)
def test_aggregates_are_told_from_what_is_unknown(others: list[str], said: str) -> None:
    found = _country(SimpleNamespace(answers=[*COUNTRIES, *others], value_labels={}))  # type: ignore[arg-type]
    assert found is not None
    assert found.doubt == said


def test_both_are_said() -> None:
    answers = [*COUNTRIES, "PRT", "POL", "SWE", "FIN", "ARB", "Atlantis"]
    found = _country(SimpleNamespace(answers=answers, value_labels={}))  # type: ignore[arg-type]
    assert found is not None
    assert found.doubt == (
        "no country: Atlantis; recode or correct; aggregates of countries: ARB; leave them out with `drop`"
    )
