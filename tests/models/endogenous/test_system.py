"""Systems of equations against linearmodels, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from linearmodels.system import IV3SLS, SUR

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError

PLAIN = {"first": "a ~ x + w", "second": "b ~ x"}
WITH = {"first": "a ~ x + w", "second": "b ~ x [d ~ z1 + z2]"}
KINDS: dict[str, Any] = {"unadjusted": "iid", "robust": "hetero"}


@pytest.fixture(scope="module")
def made() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 300
    z1, z2, x, w, u = rng.normal(size=(5, n))
    e = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 2]], n)
    d = z1 + 0.5 * z2 + 0.4 * x + u
    frame = {"a": 1 + 0.5 * x - 0.3 * w + e[:, 0], "b": 0.2 * x + 0.7 * d + e[:, 1] + 0.5 * u, "d": d, "x": x}
    return pd.DataFrame(frame).assign(
        w=w, z1=z1, z2=z2, one=1.0, g=rng.integers(0, 25, n), times=rng.integers(1, 3, n)
    )


def test_seemingly_unrelated_regressions(made: pd.DataFrame) -> None:
    theirs = SUR({
        "first": {"dependent": made["a"], "exog": made[["one", "x", "w"]]},
        "second": {"dependent": made["b"], "exog": made[["one", "x"]]},
    })  # fmt: skip
    for kind, vcov in KINDS.items():
        ours, other = gvc.system(PLAIN, made, vcov=vcov), theirs.fit(cov_type=kind)
        np.testing.assert_allclose(ours.params, other.params, rtol=1e-9)
        np.testing.assert_allclose(ours.cov, other.cov, rtol=1e-8, atol=1e-14)
    clustered = theirs.fit(cov_type="clustered", clusters=made["g"], group_debias=True)
    ours = gvc.system(PLAIN, made, vcov={"CRV1": "g"})
    # Theirs has (N − 1)/N where ours has (N − 1)/(N − K).
    np.testing.assert_allclose(ours.cov, clustered.cov * 300 / 297, rtol=1e-8, atol=1e-14)
    residuals = [gvc.ols(formula, made).residuals for formula in PLAIN.values()]
    r = np.corrcoef(*residuals)[0, 1]
    assert ours.statistics["breusch_pagan"] == pytest.approx(300 * r**2, rel=1e-9)
    assert ours.extra["Correlation of the errors"].loc["first", "second"] == pytest.approx(r, rel=1e-9)


def test_three_stages(made: pd.DataFrame) -> None:
    theirs = IV3SLS({
        "first": {"dependent": made["a"], "exog": made[["one", "x", "w"]]},
        "second": {
            "dependent": made["b"], "exog": made[["one", "x"]], "endog": made[["d"]],
            "instruments": made[["z1", "z2"]],
        },
    })  # fmt: skip
    for kind, vcov in KINDS.items():
        ours, other = gvc.system(WITH, made, vcov=vcov), theirs.fit(cov_type=kind)
        np.testing.assert_allclose(ours.params, other.params, rtol=1e-9)
        np.testing.assert_allclose(ours.cov, other.cov, rtol=1e-8, atol=1e-14)
    test = ours.test("`first: x` = `second: x`")
    R = np.array([0.0, 1, 0, 0, -1, 0])
    assert test.statistic == pytest.approx((R @ ours.params) ** 2 / (R @ ours.cov @ R), rel=1e-9)
    assert "Three-stage least squares" in str(ours)
    assert ours.call == f"gvc.system({WITH!r}, data, vcov='hetero')"


def test_the_same_regressors_give_the_equations_by_themselves(made: pd.DataFrame) -> None:
    far = made.assign(x=2000 + 1e-3 * made["x"], a=1e6 * made["a"])
    together = gvc.system({"p": "a ~ x + w | g", "q": "b ~ x + w | g"}, far)
    for name, outcome in (("p", "a"), ("q", "b")):
        alone = gvc.ols(f"{outcome} ~ x + w | g", far)
        np.testing.assert_allclose(together.params[[f"{name}: x", f"{name}: w"]], alone.params, rtol=1e-7)


def test_repeated_rows_clusters_left_out_and_missing_values(made: pd.DataFrame) -> None:
    long = made.loc[made.index.repeat(made["times"])]
    for vcov in ("iid", "hetero"):
        short = gvc.system(WITH, made, weights="times", frequency=True, vcov=vcov)
        assert short.nobs == len(long)
        np.testing.assert_allclose(short.params, gvc.system(WITH, long, vcov=vcov).params, rtol=1e-8)
        np.testing.assert_allclose(short.cov, gvc.system(WITH, long, vcov=vcov).cov, rtol=1e-7, atol=1e-14)
    few = made.assign(g=made["g"] % 4)
    away = np.array([gvc.system(PLAIN, few[few["g"] != g]).params for g in range(4)])
    jackknifed = gvc.system(PLAIN, few, vcov={"CRV3": "g"})
    away = away - jackknifed.params.to_numpy()
    np.testing.assert_allclose(jackknifed.cov, 3 / 4 * away.T @ away, rtol=1e-7, atol=1e-14)
    gaps = made.assign(w=made["w"].where(made["w"] > -1), z1=made["z1"].where(made["z1"] < 1))
    both = gaps.dropna()
    np.testing.assert_allclose(gvc.system(WITH, gaps).cov, gvc.system(WITH, both).cov, rtol=1e-9)


def test_bad_systems_are_refused(made: pd.DataFrame) -> None:
    for formulas, message in (
        ({"one": "a ~ x"}, "a system has two equations or more"),
        (["a ~ x", "b ~ x"], "a system has two equations or more"),
        ({"p": "a ~ x | g", "q": "b ~ x"}, "'q' does not absorb what 'p' absorbs"),
        ({"p": "a ~ x", "q": "b ~ x [d ~ x]"}, "'x' is an instrument and among the controls"),
    ):
        with pytest.raises(ModelError, match=re.escape(message)):
            gvc.system(formulas, made)  # type: ignore[arg-type]
    apart = made.assign(a=made["a"].where(made.index < 99), b=made["b"].where(made.index > 99))
    with pytest.raises(ModelError, match="no observation is in all equations"):
        gvc.system(PLAIN, apart)
    never = made.assign(w=made["w"].where(made.index < 99, 1.0), b=made["b"].where(made.index > 99))
    with pytest.raises(ModelError, match="a regressor of 'first' is collinear"):
        gvc.system(PLAIN, never)
    with pytest.raises(ModelError, match="no predictions"):
        gvc.system(PLAIN, made).predict()
