"""Simulated firms that choose inputs knowing part of their productivity; for testing estimators only."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError

LABOUR, CAPITAL = 0.6, 0.4
"""Output elasticities; with constant returns the investment rule has a closed form."""

_RHO, _SD_OMEGA = 0.7, 0.3
_RHO_WAGE, _SD_WAGE = 0.3, 0.1
_DISCOUNT, _DEPRECIATION = 0.95, 0.2
_SD_OUTPUT_ERROR, _SD_LABOUR_ERROR = 0.1, 0.37
_HORIZON = 80

DESIGNS = ("early labour", "labour errors")


def simulate_firms(
    n_firms: int = 1000,
    n_years: int = 10,
    *,
    design: str = "early labour",
    adjustment_cost_spread: float = 0.6,
    seed: int = 0,
    burn_in: int = 90,
) -> pd.DataFrame:
    """Simulated firm panel with simultaneity: inputs respond to productivity that the analyst does not see.

    Value added is :math:`Y = K^{0.4} L^{0.6} e^{\\omega + \\varepsilon}`, log productivity ω is AR(1) (0.7,
    standard deviation 0.3), ε is noise (0.1). Capital is built from last year's investment under quadratic
    adjustment costs that differ between firms; the rule is the exact optimum. Materials are proportional to
    planned output before noise.

    - ``"early labour"``: labour is chosen half a year ahead, at a wage of the firm's own (AR(1), 0.3, sd
      0.1). Materials reveal productivity given capital *and* labour, as Ackerberg, Caves and Frazer assume;
      given capital alone, as Levinsohn and Petrin assume, they do not.
    - ``"labour errors"``: labour is chosen at once and at a common wage, but realised with error (sd 0.37)
      after materials are ordered. Levinsohn and Petrin's assumptions hold, and without the spread of
      adjustment costs Olley and Pakes'.

    Parameters
    ----------
    design : one of `DESIGNS`.
    adjustment_cost_spread : standard deviation across firms of the log of the inverse adjustment cost; at 0,
        investment reveals productivity as Olley and Pakes assume.
    burn_in : years simulated before the first that is kept. Initial capital is spread widely (log standard
        deviation 1) around its steady state; after a short burn-in firms still differ in it for no reason of
        productivity.

    Returns
    -------
    pandas.DataFrame
        A firm panel of `firm_id`, `year`, `value_added_usd`, `employment`, `capital_usd`, `materials_usd`,
        `investment_usd`, `wages_usd`, and `true_log_productivity`, with ``attrs["simulated"] = True`` and
        ``attrs["truth"]``, the elasticities by column.

    Raises
    ------
    ModelError
        For an unknown design.

    Source: Ackerberg, Caves and Frazer (2015), section 5 and appendix, processes 1 and 2.
    """
    if design not in DESIGNS:
        raise ModelError(f"there is no design '{design}'", remedy=f"Choose from {', '.join(DESIGNS)}.")
    early = design == "early labour"
    lead = 0.5 if early else 0.0
    sd_wage = _SD_WAGE if early else 0.0
    sd_labour = 0.0 if early else _SD_LABOUR_ERROR
    rng = np.random.default_rng(seed)
    inverse_cost = np.exp(rng.normal(0, adjustment_cost_spread, n_firms))
    omega = rng.normal(0, _SD_OMEGA, n_firms)
    wage = rng.normal(0, sd_wage, n_firms)
    investment = _investment(omega, wage, inverse_cost, lead, sd_wage)
    capital = investment / _DEPRECIATION * np.exp(rng.normal(0, 1, n_firms))
    years = []
    for year in range(burn_in + n_years):
        at_choice = _ar1(omega, _RHO ** (1 - lead), _SD_OMEGA, rng)
        omega = _ar1(at_choice, _RHO**lead, _SD_OMEGA, rng)
        wage = _ar1(wage, _RHO_WAGE, sd_wage, rng)
        capital = (1 - _DEPRECIATION) * capital + investment
        log_k = np.log(capital)
        expected = _RHO**lead * at_choice + _SD_OMEGA**2 * (1 - _RHO ** (2 * lead)) / 2
        planned = (np.log(LABOUR) + expected + CAPITAL * log_k - wage) / (1 - LABOUR)
        labour = planned + rng.normal(0, sd_labour, n_firms)
        investment = _investment(omega, wage, inverse_cost, lead, sd_wage)
        noise = rng.normal(0, _SD_OUTPUT_ERROR, n_firms)
        if year >= burn_in:
            years.append(
                {
                    "firm_id": np.arange(n_firms),
                    "year": np.full(n_firms, year - burn_in),
                    "value_added_usd": np.exp(CAPITAL * log_k + LABOUR * labour + omega + noise),
                    "employment": np.exp(labour),
                    "capital_usd": capital,
                    "materials_usd": np.exp(CAPITAL * log_k + LABOUR * planned + omega),
                    "investment_usd": investment,
                    "wages_usd": np.exp(wage + labour),
                    "true_log_productivity": omega,
                }
            )
    frame = pd.concat(map(pd.DataFrame, years)).sort_values(["firm_id", "year"], ignore_index=True)
    frame.attrs["simulated"] = True
    frame.attrs["truth"] = {"employment": LABOUR, "capital_usd": CAPITAL}
    return frame


def _ar1(last: NDArray[np.float64], rho: float, sd: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Next value of a process with autocorrelation rho and stationary standard deviation sd."""
    return rho * last + rng.normal(0, sd * np.sqrt(1 - rho**2), len(last))


def _investment(
    omega: NDArray[np.float64],
    wage: NDArray[np.float64],
    inverse_cost: NDArray[np.float64],
    lead: float,
    sd_wage: float,
) -> NDArray[np.float64]:
    """Optimal investment: the discounted sum of expected marginal profits of capital, over the cost slope.

    With constant returns the marginal profit of capital s years on is
    (1 − β_l) β_l^{β_l/(1−β_l)} E[e^ω]^{1/(1−β_l)} W^{−β_l/(1−β_l)}, log-normal given today's ω and wage.
    """
    power, wage_power = 1 / (1 - LABOUR), LABOUR / (1 - LABOUR)
    total = np.zeros_like(omega)
    for ahead in range(1, _HORIZON + 1):
        known = _RHO**lead
        late_variance = _SD_OMEGA**2 * (1 - known**2)
        variance = _SD_OMEGA**2 * (1 - _RHO ** (2 * (ahead - lead))) * known**2
        wage_variance = sd_wage**2 * (1 - _RHO_WAGE ** (2 * ahead))
        log_mean = (
            power * (_RHO**ahead * omega + late_variance / 2)
            + power**2 * variance / 2
            - wage_power * _RHO_WAGE**ahead * wage
            + wage_power**2 * wage_variance / 2
        )
        total += (_DISCOUNT * (1 - _DEPRECIATION)) ** (ahead - 1) * np.exp(log_mean)
    return inverse_cost * _DISCOUNT * (1 - LABOUR) * LABOUR**wage_power * total
