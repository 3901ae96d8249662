"""Differences in differences: the numbers of R's did, fixest and didimputation, and bad input."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.treatments import aggregates, estimators

REFERENCE = Path(__file__).parents[2] / "reference" / "treatment"
PANEL: dict[str, Any] = {"treated": "first", "unit": "county", "time": "year"}
EVENTS = ["event[0]", "event[+1]", "event[+2]", "event[+3]"]


@pytest.fixture(scope="module")
def counties() -> pd.DataFrame:
    pytest.importorskip("diff_diff", reason="the extra did is not installed")
    return pd.read_csv(REFERENCE / "mpdta.csv").rename(
        columns={"first.treat": "first", "countyreal": "county"}
    )


@pytest.fixture(scope="module")
def plain(counties: pd.DataFrame) -> Any:
    return gvc.did("lemp ~ 1", counties, base="universal", **PANEL)


def both(result: Any, name: str = "ATT") -> list[float]:
    return [result.params[name], result.std_errors[name]]


def test_averages_against_r_did(counties: pd.DataFrame) -> None:
    found = gvc.did("lemp ~ 1", counties, **PANEL)
    assert both(found) == pytest.approx([-0.03995128, 0.01203401], abs=1e-8)
    assert both(found.by("event")) == pytest.approx([-0.07723982, 0.01996499], abs=1e-8)
    assert found.by("cohort").params["ATT"] == pytest.approx(-0.03101828, abs=1e-8)
    assert both(found.by("period")) == pytest.approx([-0.04170043, 0.01597185], abs=1e-8)
    assert both(found, "event[-3]") == pytest.approx([0.03050666, 0.01503356], abs=1e-8)
    assert both(found.by("cohort"), "cohort[2006]") == pytest.approx([-0.02290954, 0.01670333], abs=1e-8)
    assert both(found.by("period"), "period[2006]") == pytest.approx([-0.04881598, 0.02012586], abs=1e-8)
    later = gvc.did("lemp ~ 1", counties, control="not_yet_treated", **PANEL)
    assert both(later) == pytest.approx([-0.03976363, 0.01205242], abs=1e-8)


@pytest.mark.parametrize(
    ("estimation", "att", "error"),
    [("dr", -0.04175177, 0.01150284), ("reg", -0.04196861, 0.01144483), ("ipw", -0.04177708, 0.01149972)],
)
def test_covariates_against_r_did(counties: pd.DataFrame, estimation: Any, att: float, error: float) -> None:
    found = gvc.did("lemp ~ lpop", counties, estimation=estimation, **PANEL)
    # R's propensity scores stop a little before the maximum.
    assert both(found) == pytest.approx([att, error], abs=1e-8 if estimation == "reg" else 4e-7)


def test_sun_abraham_against_fixest(counties: pd.DataFrame) -> None:
    found = gvc.did("lemp ~ 1", counties, method="sun_abraham", **PANEL)
    assert both(found) == pytest.approx([-0.03995128, 0.01179628], abs=1e-8)
    assert found.params[EVENTS].tolist() == pytest.approx(
        [-0.01993182, -0.05095737, -0.13725874, -0.10081136], abs=1e-8
    )
    assert found.std_errors["event[+2]"] == pytest.approx(0.03658948, abs=1e-8)


def test_imputation_against_didimputation(counties: pd.DataFrame) -> None:
    found = gvc.did("lemp ~ 1", counties, method="imputation", **PANEL)
    assert both(found) == pytest.approx([-0.0477099151, 0.0132224887], abs=1e-8)
    expected = [-0.03106692395, -0.05223485359, -0.13607811352, -0.10470746681]
    assert found.params[EVENTS].tolist() == pytest.approx(expected, abs=1e-7)
    expected = [0.0135772497, 0.0188124268, 0.0353419721, 0.0337658534]
    assert found.std_errors[EVENTS].tolist() == pytest.approx(expected, abs=1e-7)
    assert both(found, "event[-4]") == pytest.approx([-0.00139535021, 0.0231965009], abs=1e-7)
    assert found.pretrend().distribution == "F"
    with pytest.raises(ModelError, match="between these parameters is not known"):
        found.test(["`event[0]`", "`event[+1]`"])


def test_the_mean_of_cohorts_counts_the_share_of_each(
    counties: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """did 2.1.2 prints 0.01241527: it looks up the cohort of a share among the cells, the first ones."""
    kept: list[Any] = []

    def spy(cells: Any, cluster: Any) -> Any:
        kept.append(cells)
        return aggregates.parts(cells, cluster)

    monkeypatch.setattr(estimators, "parts", spy)
    found = gvc.did("lemp ~ 1", counties, **PANEL).by("cohort")
    cells, groups = kept[0], np.array([2004, 2006, 2007])
    means = [cells.mean((cells.cohort == g) & (cells.period >= g)) for g in groups]
    effect, moved = np.array([m for m, _ in means]), np.column_stack([i for _, i in means])
    share = np.array([(cells.cohort_of == g).mean() for g in groups])

    def error(looked_up: Any) -> float:
        member = (cells.cohort_of[:, None] == looked_up) - share
        weight = member / share.sum() - member.sum(axis=1, keepdims=True) * share / share.sum() ** 2
        return float(np.linalg.norm(moved @ share / share.sum() + weight @ effect / len(member)))

    assert error(cells.cohort[:3]) == pytest.approx(0.01241527, abs=1e-8)
    assert found.std_errors["ATT"] == pytest.approx(error(groups), rel=1e-10)
    assert found.std_errors["ATT"] == pytest.approx(0.01244606, abs=1e-8)


def test_a_status_is_as_good_as_a_first_period(counties: pd.DataFrame, plain: Any) -> None:
    on = ((counties["first"] > 0) & (counties["year"] >= counties["first"])).astype(int)
    never = counties.assign(status=on, first=counties["first"].replace(0, np.nan))
    for column in ("status", "first"):
        found = gvc.did("lemp ~ 1", never, base="universal", **{**PANEL, "treated": column})
        pd.testing.assert_series_equal(found.params, plain.params)


def test_the_joint_covariance_is_that_of_the_parts(plain: Any) -> None:
    """The mean by event time is a known combination of the event times."""
    made = plain.lincom(" + ".join(f"0.25*`{name}`" for name in EVENTS))
    assert both(plain.by("event")) == pytest.approx([made["estimate"].iloc[0], made["std_error"].iloc[0]])


def test_errors_cluster_above_units(counties: pd.DataFrame) -> None:
    frame = counties.assign(state=counties["county"] // 1000)
    found = gvc.did("lemp ~ 1", frame, vcov={"CRV1": "state"}, **PANEL)
    assert found.n_clusters == {"state": frame["state"].nunique()}
    assert found.std_errors["ATT"] != pytest.approx(0.01203401, rel=0.01)
    with pytest.raises(ModelError, match="'year' changes within units"):
        gvc.did("lemp ~ 1", frame, vcov={"CRV1": "year"}, **PANEL)


def test_bounds_by_hand(plain: Any) -> None:
    steps = np.abs(np.diff([*plain.params[["event[-4]", "event[-3]", "event[-2]"]], 0.0]))
    centre, reach = plain.params[EVENTS].mean(), 2.5 * steps.max()
    found = plain.honest([0, 1])
    assert found.table.to_numpy().ravel() == pytest.approx([centre, centre, centre - reach, centre + reach])
    smooth = plain.honest([0, 0.01], "smoothness")
    assert smooth.table["low"].is_monotonic_decreasing
    assert "include zero from m = 0.01 on" in smooth.said
    for check in (found, smooth):
        assert isinstance(check.plot(), matplotlib.figure.Figure)


def test_it_is_tested_drawn_tabled_and_kept(plain: Any) -> None:
    early = plain.test(["`event[-4]`", "`event[-3]`", "`event[-2]`"])
    assert plain.pretrend().statistic == pytest.approx(early.statistic)
    axes = plain.plot().axes[0]
    assert axes.get_title(loc="left") == "lemp"
    assert len(axes.get_xticks()) == 8
    assert "event = +3" in str(gvc.table([plain]))
    assert isinstance(gvc.plot_coefs(plain), matplotlib.figure.Figure)
    again = pickle.loads(pickle.dumps(plain))
    assert again.by("event").params["ATT"] == plain.by("event").params["ATT"]
    assert "treated='first'" in plain.call


def test_without_the_library_it_says_what_to_install(
    counties: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "diff_diff", None)
    with pytest.raises(ModelError, match=r"pip install 'gvcmetrics\[did\]'"):
        gvc.did("lemp ~ 1", counties, **PANEL)


def test_units_always_treated_are_left_out(counties: pd.DataFrame, plain: Any) -> None:
    early = counties[counties["county"] % 7 == 0].assign(first=2003, county=lambda x: x["county"] + 10**6)
    with pytest.warns(EstimationWarning, match="treated from the first period on"):
        found = gvc.did("lemp ~ 1", pd.concat([counties, early]), base="universal", **PANEL)
    pd.testing.assert_series_equal(found.params, plain.params)
    assert list(found.dropped.values()) == [len(early)]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda x: x.assign(first=0), {}, "nobody is treated"),
        (lambda x: x.assign(first=2003), {}, "all who are treated were treated from the first"),
        (lambda x: x.assign(first=2005), {}, "everybody is treated in the same period"),
        (lambda x: x[x["first"] > 0], {}, "everybody is treated in the end"),
        (lambda x: x.assign(first=(x["year"] == 2005).astype(int)), {}, "the treatment ends in 2006"),
        (lambda x: x.assign(first=x["year"]), {}, "changes within 500 units"),
        (lambda x: x.assign(first="early"), {}, "0 or 1, or the period"),
        (lambda x: x.assign(year=x["year"] + 0.5), {}, "whole numbers"),
        (lambda x: x, {"method": "magic"}, "is not known"),
        (lambda x: x, {"anticipation": -1}, "whole number"),
        (lambda x: x, {"treated": "frist"}, "frist"),
        (lambda x: x, {"vcov": "hetero"}, "clustered in one way"),
        (lambda x: x, {"unit": None}, "units and periods"),
    ],
)
def test_bad_input_has_a_message(
    counties: pd.DataFrame, change: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((ModelError, DataError), match=message):
        gvc.did("lemp ~ 1", change(counties), **{**PANEL, **options})


def test_what_it_cannot_give_has_a_message(counties: pd.DataFrame, plain: Any) -> None:
    varying = gvc.did("lemp ~ 1", counties, **PANEL)
    with pytest.raises(ModelError, match="against one period"):
        varying.honest()
    for wrong in ({"m": []}, {"m": [-1]}, {"restriction": "none"}):
        with pytest.raises(ModelError):
            plain.honest(**wrong)
    with pytest.raises(ModelError, match="no averages by 'firm'"):
        plain.by("firm")
    with pytest.raises(ModelError, match="no effects by event time"):
        plain.by("cohort").plot()
