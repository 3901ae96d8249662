"""The simulated firms: labelled, repeatable, and behaving as the model says."""

from __future__ import annotations

import numpy as np
import pytest

from gvcmetrics.errors import ModelError
from gvcmetrics.simulate import firms as simulator
from gvcmetrics.simulate.firms import simulate_firms


def test_firms_are_labelled_as_simulated_and_repeatable():
    one, two = simulate_firms(30, 4, seed=3), simulate_firms(30, 4, seed=3)
    assert one.equals(two)
    assert not one.equals(simulate_firms(30, 4, seed=4))
    assert one.attrs == {"simulated": True, "truth": {"employment": 0.6, "capital_usd": 0.4}}
    assert len(one) == 120
    assert not one.duplicated(["firm_id", "year"]).any()


@pytest.mark.parametrize("design", simulator.DESIGNS)
def test_technology_productivity_and_capital_follow_their_laws(design):
    panel = simulate_firms(3000, 6, design=design, seed=5)
    wide = {c: panel.pivot(index="firm_id", columns="year", values=c).to_numpy() for c in panel.columns[2:]}
    omega = wide["true_log_productivity"]
    assert np.std(omega) == pytest.approx(0.3, abs=0.01)
    assert np.corrcoef(omega[:, :-1].ravel(), omega[:, 1:].ravel())[0, 1] == pytest.approx(0.7, abs=0.02)
    expected = 0.8 * wide["capital_usd"][:, :-1] + wide["investment_usd"][:, :-1]
    np.testing.assert_allclose(wide["capital_usd"][:, 1:], expected, rtol=1e-12)
    noise = np.log(wide["value_added_usd"]) - (
        0.4 * np.log(wide["capital_usd"]) + 0.6 * np.log(wide["employment"]) + omega
    )
    assert np.std(noise) == pytest.approx(0.1, abs=0.003)
    # Simultaneity: labour knows productivity.
    assert np.corrcoef(np.log(wide["employment"]).ravel(), omega.ravel())[0, 1] > 0.3


@pytest.mark.parametrize(("lead", "sd_wage"), [(0.5, 0.1), (0.0, 0.0)])
def test_investment_satisfies_the_euler_equation(lead, sd_wage):
    """I(ω, w) = β E[marginal profit'] + β (1 − δ) E[I(ω', w')], expectations by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    omega, wage = 0.2, 0.05
    labour = simulator.LABOUR

    def invest(o: np.ndarray, w: np.ndarray) -> np.ndarray:
        o, w = np.broadcast_arrays(o, w)
        return simulator._investment(o.ravel(), w.ravel(), np.ones(o.size), lead, sd_wage).reshape(o.shape)

    def steps(mean: float, rho: float, sd: float) -> np.ndarray:
        return rho * mean + sd * np.sqrt(1 - rho**2) * nodes

    at_choice = steps(omega, 0.7 ** (1 - lead), 0.3)[:, None, None]
    late = 0.7**lead * at_choice + 0.3 * np.sqrt(1 - 0.7 ** (2 * lead)) * nodes[None, :, None]
    wages = steps(wage, 0.3, sd_wage)[None, None, :]
    chance = weights[:, None, None] * weights[None, :, None] * weights[None, None, :]
    expected_level = np.exp(0.7**lead * at_choice + 0.09 * (1 - 0.7 ** (2 * lead)) / 2)
    hired = (labour * expected_level / np.exp(wages)) ** (1 / (1 - labour))  # for one unit of capital
    profit = expected_level * hired**labour - np.exp(wages) * hired
    total = (chance * (0.95 * profit + 0.95 * 0.8 * invest(late, wages))).sum()
    got = invest(np.array([omega]), np.array([wage]))[0]
    assert got == pytest.approx(total, rel=1e-6)


def test_unknown_design_is_refused():
    with pytest.raises(ModelError, match="no design 'late labour'"):
        simulate_firms(design="late labour")
