"""Cases by their membership in two sets."""

import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.report import xy_plot


@pytest.fixture
def cases() -> pd.DataFrame:
    return pd.DataFrame({"x": [0.1, 0.9, None], "y": [0.8, 0.4, 0.3], "name": ["Sinos", "Brenta", "Agra"]})


def test_every_case_with_both_memberships_is_a_point_with_its_name(cases):
    axes = xy_plot(cases, x="x", y="y", label="name").axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0.1, 0.8], [0.9, 0.4]]
    texts = {text.get_text() for text in axes.texts}
    assert {"Sinos", "Brenta", "sufficient", "necessary"} <= texts
    assert "Agra" not in texts
    diagonal = axes.lines[0]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]


def test_cases_that_are_not_shown_are_counted(cases):
    assert xy_plot(cases, x="x", y="y", label="name").get_supxlabel() == (
        "2 shown. 1 without both memberships are not shown."
    )


def test_what_is_no_membership_is_refused(cases):
    with pytest.raises(DataError, match="column 'z': the frame has no such column"):
        xy_plot(cases, x="z", y="y", label="name")
    with pytest.raises(DataError, match="column 'y': memberships lie from 0 to 1"):
        xy_plot(cases.assign(y=2.0), x="x", y="y", label="name")
    with pytest.raises(DataError, match="no case has both"):
        xy_plot(cases.assign(y=None), x="x", y="y", label="name")
