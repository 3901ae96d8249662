"""The study of Jordan's small enterprises against statsmodels on the raw survey; needs the mirror."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gvcmetrics as gvc
from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
RAW = Path(os.environ.get("GVCMETRICS_MIRROR") or ".") / "jordan_mse_2018.parquet"
STUDY: dict[str, Any] = runpy.run_path(str(ROOT / "analysis" / "08_collective_efficiency.py"))
ITEMS = [f"F6051{number}" for number in range(1, 7)]
UNKNOWN = ("Don’t", "Refuse")

needs_mirror = pytest.mark.skipif(not RAW.is_file(), reason="GVCMETRICS_MIRROR has no survey of Jordan")


@pytest.fixture(scope="module")
def firms(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("project")
    (folder / "data" / "panels").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        name = f"{STUDY['PANEL']}.yaml"
        build_panel(shutil.copy(ROOT / "data" / "panels" / name, folder / "data" / "panels"))
        return STUDY["prepared"](gvc.panel(STUDY["PANEL"]))


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The study's columns from the raw file, with no code of the package."""
    file = pd.read_parquet(RAW)

    def answers(column: str, yes: tuple[str, ...] = ("Yes",)) -> pd.Series:
        text = file[column].astype(object)
        unknown = text.isna() | text.map(lambda said: str(said).startswith(UNKNOWN))
        return text.isin(yes).astype(float).where(~unknown)

    member = pd.concat([answers(column) for column in ("Q60601", "Q60608", "Q60609")], axis=1)
    known = (member == 1).any(axis=1) | member.notna().all(axis=1)
    made = pd.DataFrame({item: answers(item) for item in ITEMS})
    return made.assign(
        joint=made.mean(axis=1, skipna=False),
        member=(member == 1).any(axis=1).astype(float).where(known),
        contracts=answers("Q20101", ("Always", "Often", "Infrequently")),
        size=np.log(file["n_active"] + 1),
        up=answers("F40917", ("Up",)),
        region=file["governorate_en"],
        section=file["level1"],
        weight=file["pswt"],
    )


@needs_mirror
def test_alpha_and_shares_equal_their_formulas(firms: pd.DataFrame, raw: pd.DataFrame) -> None:
    items = raw[ITEMS].dropna()
    alpha = 6 / 5 * (1 - items.var().sum() / items.sum(axis=1).var())
    assert round(alpha, 2) == 0.56
    table = STUDY["scale"](firms)
    for item, row in zip(ITEMS, table.itertuples(), strict=True):
        rest = items.drop(columns=item)
        share = np.average(items[item], weights=raw.loc[items.index, "weight"])
        without = 5 / 4 * (1 - rest.var().sum() / rest.sum(axis=1).var())
        expected = [share, np.corrcoef(items[item], rest.sum(axis=1))[0, 1], without]
        np.testing.assert_allclose(row[1:], expected, rtol=1e-10)
    assert f"Cronbach's α of {alpha:.2f}, below" in STUDY["caution"](alpha, 6, 0.5)
    assert "at or above" in STUDY["caution"](0.8, 6, 0.5)


@needs_mirror
def test_effects_on_revenue_equal_a_weighted_logit_of_statsmodels(
    firms: pd.DataFrame, raw: pd.DataFrame
) -> None:
    result = STUDY["revenue_model"](2017, firms)
    large = raw.groupby("section")["section"].transform("size") >= 50
    rows = raw[large].dropna(subset=["joint", "member", "contracts", "up"])
    names = ["joint", "member", "contracts", "size"]
    dummies = pd.get_dummies(rows[["region", "section"]], drop_first=True, dtype=float)
    X = sm.add_constant(pd.concat([rows[names], dummies], axis=1))
    fit = sm.GLM(rows["up"], X, sm.families.Binomial(), freq_weights=rows["weight"]).fit(tol=1e-13)
    p = fit.predict(X)
    slope = np.average(p * (1 - p), weights=rows["weight"]) * fit.params["joint"]
    assert result.nobs == len(rows)
    assert STUDY["effect"](result)[0] == pytest.approx(slope, rel=1e-6)


@needs_mirror
def test_slopes_within_governorates_equal_weighted_least_squares(
    firms: pd.DataFrame, raw: pd.DataFrame
) -> None:
    table = STUDY["by_governorate"](firms)
    rows = raw.dropna(subset=["joint", "member", "contracts", "up"])
    for place, inside in rows.groupby("region"):
        inside = inside[inside.groupby("section")["section"].transform("size") > 1]
        dummies = pd.get_dummies(inside["section"], dtype=float)
        X = pd.concat([inside[["joint", "member", "contracts", "size"]], dummies], axis=1)
        fit = sm.WLS(inside["up"], X, weights=inside["weight"]).fit()
        assert table.loc[place, "Slope"] == pytest.approx(fit.params["joint"], rel=1e-6)
        assert table.loc[place, "Firms"] == len(inside)


def test_changed_signs_are_counted_by_hand() -> None:
    """All of one sign and far from zero: only all signs and none changed are as extreme, 2 of 64."""
    assert STUDY["sign_change_p"](np.array([1.0, 1.1, 0.9, 1.2, 0.8, 1.0])) == 2 / 64
    assert STUDY["sign_change_p"](np.array([1.0, -1.0])) == 1.0
    assert STUDY["sign_change_p"](np.array([1.0, 2.0])) == 0.5


def test_sentences_turn_with_the_numbers() -> None:
    up, down, none = (0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.0, -0.1, 0.1)

    def said(before: tuple, late: tuple, first: tuple | None = None) -> str:
        found = {2013: first or before, 2014: before, 2016: none, 2017: late}
        return STUDY["revenue_in_words"](found, 1422)

    assert "revenue rose in 2017 more often" in said(none, up)
    assert "0.200 (0.100 to 0.300), N = 1,422" in said(none, up)
    assert "In neither of the two years before" in said(none, up)
    assert "rose in 2017 less often" in said(up, down)
    assert "which joint action cannot have brought about" in said(up, down)
    assert "neither more nor less often" in said(down, none)
    assert "In both years before it rose less often" in said(down, none)
    assert "do not agree" in said(down, none, up)
    slopes = np.array([0.1, 0.2, -0.1, 0.3, 0.2, 0.1])
    assert "positive in 5 of 6 governorates, 0.133 on average, and is told from zero" in STUDY[
        "governorates_in_words"
    ](slopes, 0.03)
    turned = STUDY["governorates_in_words"](-slopes, 0.3)
    assert "positive in 1 of 6 governorates, −0.133 on average, and is not told from zero" in turned
