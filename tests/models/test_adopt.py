"""Results of other libraries in our tables and tests, by their own numbers."""

from __future__ import annotations

from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import pyfixest
import pytest
import statsmodels.formula.api as smf
from linearmodels import IV2SLS, PanelOLS

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError

N = 120
RNG = np.random.default_rng(1)
FRAME = pd.DataFrame({"x": RNG.normal(size=N), "z": RNG.normal(size=N), "g": np.arange(N) % 12})
FRAME["y"] = FRAME["x"] - FRAME["z"] + RNG.normal(size=N)
FRAME["yes"] = (FRAME["y"] > 0).astype(int)
FRAME["count"] = RNG.poisson(np.exp(0.2 * FRAME["x"]))
PANEL = FRAME.assign(t=np.arange(N) // 12).set_index(["g", "t"])


CASES: dict[str, tuple[Any, Any, Any, Any]] = {
    name: (fit, fit.params, getattr(fit, errors), fit.pvalues)
    for name, fit, errors in (
        ("ols", smf.ols("y ~ x + z", FRAME).fit(), "bse"),
        ("hc1", smf.ols("y ~ x + z", FRAME).fit(cov_type="HC1"), "bse"),
        (
            "clustered",
            smf.ols("y ~ x + z", FRAME).fit(cov_type="cluster", cov_kwds={"groups": FRAME["g"]}, use_t=True),
            "bse",
        ),
        ("logit", smf.logit("yes ~ x + z", FRAME).fit(disp=0), "bse"),
        ("iv", IV2SLS.from_formula("y ~ 1 + [x ~ z]", FRAME).fit(cov_type="robust"), "std_errors"),
        ("panel", PanelOLS.from_formula("y ~ x + z + EntityEffects", PANEL).fit(), "std_errors"),
    )
}
for _name, _fit in (
    ("feols", pyfixest.feols("y ~ x + z | g", FRAME, vcov={"CRV1": "g"})),
    ("fepois", pyfixest.fepois("count ~ x + z | g", FRAME, vcov="hetero")),
):
    CASES[_name] = (_fit, _fit.coef(), _fit.se(), _fit.pvalue())


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_their_own(name: str) -> None:
    fit, params, errors, pvalues = CASES[name]
    found = gvc.adopt(fit)
    assert found.params.to_numpy() == pytest.approx(np.asarray(params))
    assert found.std_errors.to_numpy() == pytest.approx(np.asarray(errors))
    assert found.pvalues.to_numpy() == pytest.approx(np.asarray(pvalues), abs=1e-12)
    assert found.nobs == N
    assert found.outcome in ("y", "yes", "count")


def test_they_stand_beside_ours_and_are_tested_and_drawn() -> None:
    ours = gvc.ols("y ~ x + z", FRAME)
    theirs = gvc.adopt(CASES["ols"][0], title="OLS")
    assert str(gvc.table([ours, theirs])).count("120") == 2
    assert theirs.test("x + z = 0").pvalue == pytest.approx(ours.test("x + z = 0").pvalue)
    assert isinstance(gvc.plot_coefs([ours, theirs]), matplotlib.figure.Figure)
    assert gvc.adopt(CASES["feols"][0]).n_clusters == {"g": 12}
    pd.testing.assert_frame_equal(ours.tidy(), theirs.tidy())


def test_what_needs_the_rows_is_refused() -> None:
    found = gvc.adopt(CASES["ols"][0])
    for asked in (lambda: found.with_vcov("hetero"), found.predict):
        with pytest.raises(ModelError):
            asked()


@pytest.mark.parametrize("wrong", [3, smf.ols("y ~ x", FRAME), smf.mnlogit("g ~ x", FRAME[:60]).fit(disp=0)])
def test_what_is_no_result_is_refused(wrong: Any) -> None:
    with pytest.raises(ModelError, match=r"cannot be adopted|has not what|several equations"):
        gvc.adopt(wrong)
