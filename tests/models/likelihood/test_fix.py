"""What `fix=` holds is what is printed, whatever the likelihood is written in; over every response."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.models.registry import responses

OUTCOMES = {
    "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung", "ordered_probit": "rung",
    "multinomial_logit": "rung", "fractional_logit": "share", "negative_binomial": "count",
    "joint_probit": "yes + also",
}  # fmt: skip
CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if name in OUTCOMES and effects != "absorbed"
]


def panel(units: int = 60, periods: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = units * periods
    unit = np.repeat(np.arange(units), periods)
    x = rng.normal(size=n)
    latent = 0.5 * x + rng.normal(size=units)[unit] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "unit": unit,
            "x": x,
            "yes": (latent > 0).astype(int),
            "also": (latent + rng.normal(size=n) > 0).astype(int),
            "third": (latent + 2 * rng.normal(size=n) > 0).astype(int),
            "rung": np.digitize(latent, [-0.5, 0.7]),
            "share": 1 / (1 + np.exp(-latent)),
            "count": rng.poisson(np.exp(0.3 * latent)),
        }
    )


def fit(
    name: str, effects: str, fix: dict[str, float] | None, outcome: str | None = None
) -> gvc.models.Results:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return getattr(gvc, name)(
            f"{outcome or OUTCOMES[name]} ~ x", panel(), unit="unit", effects=effects, fix=fix
        )


def holds_what_is_printed(
    free: gvc.models.Results, held: gvc.models.Results, name: str, value: float
) -> None:
    """The value, no error, and at the estimate itself the very estimates."""
    assert held.params[name] == pytest.approx(value, rel=1e-9)
    assert held.std_errors[name] == pytest.approx(0.0, abs=1e-12)
    assert held.n_parameters == free.n_parameters - 1


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_every_parameter_is_held_at_what_is_printed(name: str, effects: str) -> None:
    free = fit(name, effects, None)
    for parameter, value in free.params.items():
        held = fit(name, effects, {parameter: value})
        holds_what_is_printed(free, held, parameter, value)
        np.testing.assert_allclose(held.params, free.params, rtol=2e-4, atol=2e-5)
        assert held.loglik == pytest.approx(free.loglik, abs=1e-6)


def test_the_standard_deviation_of_the_unit_effect_is_held_itself() -> None:
    held = fit("logit", "random", {"sigma_u": 0.5})
    assert held.params["sigma_u"] == pytest.approx(0.5)
    for value in (0.0, -1.0):
        with pytest.raises(ModelError, match="sigma_u at"):
            fit("logit", "random", {"sigma_u": value})


def test_correlations_of_three_outcomes_are_held_themselves() -> None:
    """A correlation is a function of several parameters of the likelihood here."""
    outcome = "yes + also + third"
    free = fit("joint_probit", "pooled", None, outcome)
    for name in ("rho(also, yes)", "rho(third, also)"):
        held = fit("joint_probit", "pooled", {name: free.params[name]}, outcome)
        holds_what_is_printed(free, held, name, free.params[name])
        np.testing.assert_allclose(held.params, free.params, rtol=1e-4, atol=1e-5)
        # Held errors are those of the free model given the held parameter.
        others = [other for other in free.params.index if other != name]
        given = (
            free.cov.loc[others, others]
            - np.outer(free.cov.loc[others, name], free.cov.loc[others, name]) / (free.cov.loc[name, name])
        )
        np.testing.assert_allclose(held.cov.loc[others, others], given, rtol=1e-3, atol=1e-7)
    elsewhere = fit("joint_probit", "pooled", {"rho(third, also)": 0.1}, outcome)
    assert elsewhere.params["rho(third, also)"] == pytest.approx(0.1)
    assert elsewhere.lr_test(free).df == 1
    with pytest.raises(ModelError, match="edge"):
        fit("joint_probit", "pooled", {"rho(third, also)": 1.2}, outcome)
