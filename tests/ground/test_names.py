"""Misspelt names: the nearest that is known, or what else the caller says."""

from __future__ import annotations

import pytest

from gvcmetrics.ground.names import did_you_mean, nearest

COLUMNS = ["employment", "sales_usd", "export_share", "import_share", 2014]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("emploiment", ["employment"]),
        ("EMPLOYMENT", ["employment"]),
        ("xport_share", ["export_share"]),
        (2013, ["2014"]),
        ("governance", []),
    ],
)
def test_the_nearest_name(word, found):
    assert nearest(word, COLUMNS) == found


def test_several_names_come_nearest_first_and_no_more_than_asked():
    assert nearest("xport_share", COLUMNS, most=2) == ["export_share", "import_share"]
    assert nearest("nr", ["NR", "nr", "Nr"], most=2) == ["NR", "nr"]


def test_only_names_above_the_cutoff_count():
    assert nearest("share", COLUMNS, cutoff=0.9) == []


def test_a_remedy_names_the_nearest_or_says_something_else():
    assert did_you_mean("sales", ["sales_usd"]) == "Did you mean 'sales_usd'?"
    assert did_you_mean("shares", ["share", "sharer"], most=2) == "Did you mean 'share' or 'sharer'?"
    assert did_you_mean("zzz", ["share"], "The columns are: share.") == "The columns are: share."
    assert did_you_mean("zzz", ["share"]) == ""


def test_a_remedy_names_one_unless_more_are_asked_for():
    assert did_you_mean("shares", ["share", "sharer"]) == "Did you mean 'share'?"
