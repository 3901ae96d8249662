"""Simulated data for what the plain panels do not reach: effects, domains, shocks, dynamics, instruments.

For testing estimators only. Each frame has `attrs["simulated"] = True` and `attrs["truth"]`, the parameters
by the name that the estimator gives them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.simulate.panels import INTERCEPT, SHIFT, SLOPE, simulate_panel, simulate_survey

VARIANCE = 0.5
PERSISTENCE = 0.4
DISSIMILARITY = 0.6
_DISTRIBUTIONS = {"logit": stats.logistic, "probit": stats.norm}


def simulate_average_effects(
    response: str, *, units: int = 60, periods: int = 24, seed: int = 0
) -> pd.DataFrame:
    r"""A panel with fixed effects whose truth are average effects on the probability, at its unit effects.

    Of x1 the average of :math:`f(\eta_{it})\beta_1`, of d that of
    :math:`F(\eta_{it}|d=1) - F(\eta_{it}|d=0)`.

    Parameters
    ----------
    response : `logit` or `probit`. units, periods : its size.
    """
    if response not in _DISTRIBUTIONS:
        raise ModelError(
            f"there are no simulated average effects of {response!r}", remedy="Choose logit or probit."
        )
    panel = simulate_panel(response, "fixed", units=units, periods=periods, seed=seed)
    error = _DISTRIBUTIONS[response]
    without = INTERCEPT + SLOPE * panel["x1"] + panel["effect"]
    panel.attrs["truth"] = {
        "x1": float((error.pdf(without + SHIFT * panel["d"]) * SLOPE).mean()),
        "d": float((error.cdf(without + SHIFT) - error.cdf(without)).mean()),
    }
    return panel


def simulate_gamma_counts(*, units: int = 200, periods: int = 5, seed: int = 0) -> pd.DataFrame:
    """A panel of counts whose means are multiplied by a gamma variable of the unit, of mean one."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), periods)
    x1 = 0.5 * rng.normal(size=units)[unit] + rng.normal(0, 0.9, len(unit))
    d = rng.integers(0, 2, len(unit)).astype(float)
    factor = rng.gamma(1 / VARIANCE, VARIANCE, units)[unit]
    y = rng.poisson(np.exp(INTERCEPT + SLOPE * x1 + SHIFT * d) * factor)
    truth = {"Intercept": INTERCEPT, "x1": SLOPE, "d": SHIFT, "log_alpha": float(np.log(VARIANCE))}
    frame = pd.DataFrame(
        {"unit": unit, "period": np.tile(np.arange(periods), units), "x1": x1, "d": d, "y": y}
    )
    return _labelled(frame, truth)


def simulate_domain(response: str = "ols", *, seed: int = 0) -> pd.DataFrame:
    """A survey, see `simulate_survey`, with a domain `inside` that few rows of most sampling units are in."""
    frame = simulate_survey(response, strata=16, seed=seed)
    rng = np.random.default_rng([seed, 1])
    often = rng.uniform(size=int(frame["psu"].max()) + 1) < 0.4
    chance = np.where(often[frame["psu"]], 0.7, 0.03)
    frame["inside"] = rng.uniform(size=len(frame)) < chance
    return frame


def simulate_common_shocks(*, units: int = 20, periods: int = 40, seed: int = 0) -> pd.DataFrame:
    r"""A panel whose errors, and x1, share a shock of the period that lasts.

    .. math:: y_{it} = \beta_0 + \beta_1 x_{it} + g_t + e_{it}, \qquad x_{it} = f_t + v_{it}

    with f and g autoregressive processes of the first order, of variance one.
    """
    rng = np.random.default_rng(seed)
    shocks = np.empty((periods, 2))
    shocks[0] = rng.normal(size=2)
    for t in range(1, periods):
        shocks[t] = PERSISTENCE * shocks[t - 1] + np.sqrt(1 - PERSISTENCE**2) * rng.normal(size=2)
    unit, period = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    x1 = shocks[period, 0] + rng.normal(size=len(unit))
    y = INTERCEPT + SLOPE * x1 + shocks[period, 1] + rng.normal(size=len(unit))
    frame = pd.DataFrame({"unit": unit, "period": period, "x1": x1, "y": y})
    return _labelled(frame, {"Intercept": INTERCEPT, "x1": SLOPE})


def simulate_dynamics(*, units: int = 200, periods: int = 7, seed: int = 0) -> pd.DataFrame:
    r"""A panel with a lagged outcome, in its stationary state.

    .. math:: y_{it} = \gamma y_{i,t-1} + \beta x_{it} + \alpha_i + \varepsilon_{it}

    with x strictly exogenous and related to the unit effect.
    """
    rng = np.random.default_rng(seed)
    burn = 20
    alpha = rng.normal(0, 0.5, units)
    y, rows = alpha / (1 - PERSISTENCE), []
    for t in range(burn + periods):
        x = 0.5 * alpha + rng.normal(size=units)
        y = PERSISTENCE * y + SLOPE * x + alpha + rng.normal(size=units)
        if t >= burn:
            rows.append(pd.DataFrame({"unit": np.arange(units), "period": t - burn, "x1": x, "y": y}))
    frame = pd.concat(rows).sort_values(["unit", "period"], ignore_index=True)
    return _labelled(frame, {"L(y)": PERSISTENCE, "x1": SLOPE})


def simulate_selection(*, rows: int = 500, seed: int = 0) -> pd.DataFrame:
    r"""An outcome that is seen where z and x1 say so, and the errors of both are related.

    .. math:: y_i = \beta_0 + \beta_1 x_i + \varepsilon_i \text{ is seen if } x_i + z_i + u_i > 0, \qquad
       \varepsilon_i = \rho u_i + \sqrt{1-\rho^2}\, v_i
    """
    rng = np.random.default_rng(seed)
    x1, z, u, v = rng.normal(size=(4, rows))
    y = INTERCEPT + SLOPE * x1 + PERSISTENCE * u + np.sqrt(1 - PERSISTENCE**2) * v
    frame = pd.DataFrame({"x1": x1, "z": z, "y": np.where(x1 + z + u > 0, y, np.nan)})
    return _labelled(frame, {"y: x1": SLOPE, "selected: z": 1.0, "rho": PERSISTENCE})


def simulate_zeros(kind: str, *, rows: int = 1000, seed: int = 0) -> pd.DataFrame:
    r"""Counts of which some are zero for certain (`zero_inflated`), or that pass a hurdle (`hurdle`).

    .. math:: \mu_i = e^{\beta_0 + \beta_1 x_i}, \qquad P(\text{passes}) = \Lambda(\beta_1 x_i + 0.5)
    """
    rng = np.random.default_rng(seed)
    x1 = rng.normal(size=rows)
    mean = np.exp(INTERCEPT + SLOPE * x1)
    passes = rng.random(rows) < 1.0 / (1.0 + np.exp(-SLOPE * x1 - 0.5))
    count = rng.poisson(mean)
    if kind == "hurdle":
        # The smallest count whose distribution function passes a share that is above that of zero.
        share = np.exp(-mean) + rng.random(rows) * -np.expm1(-mean)
        count = stats.poisson.ppf(share, mean).astype(int)
    second = "above" if kind == "hurdle" else "inflate"
    sign = 1.0 if kind == "hurdle" else -1.0
    frame = pd.DataFrame({"x1": x1, "y": np.where(passes, count, 0)})
    return _labelled(frame, {"y: x1": SLOPE, f"{second}: x1": sign * SLOPE})


def simulate_levels(
    response: str, *, clusters: int = 60, firms: int = 3, rows: int = 4, seed: int = 0
) -> pd.DataFrame:
    r"""Firms in clusters, each observed several times, with effects of both (`linear`, `logit`).

    .. math:: \eta_{cfi} = \beta_0 + \beta_1 x_{cfi} + \beta_1 z_c + u_c + v_{cf}

    with z of the cluster.
    """
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), firms * rows)
    firm = np.repeat(np.arange(clusters * firms), rows)
    x, z = rng.normal(size=len(cluster)), rng.normal(size=clusters)[cluster]
    u = 0.7 * rng.normal(size=clusters)
    eta = INTERCEPT + SLOPE * (x + z) + u[cluster] + 0.5 * rng.normal(size=clusters * firms)[firm]
    y = eta + rng.logistic(size=len(eta)) if response == "logit" else eta + rng.normal(size=len(eta))
    frame = pd.DataFrame({"cluster": cluster, "firm": firm, "x": x, "z": z})
    frame["y"] = (y > 0) * 1 if response == "logit" else y
    return _labelled(frame, {"Intercept": INTERCEPT, "x": SLOPE, "z": SLOPE})


def simulate_choices(kind: str, *, choosers: int = 300, seed: int = 0) -> pd.DataFrame:
    r"""Choices among four alternatives, of which each chooser lacks the last with a chance of one in four.

    .. math:: U_{ij} = \beta_{u(i)} x_{ij} + \gamma z_i 1[j = b] + \varepsilon_{ij}

    Parameters
    ----------
    kind : `conditional`; `nested`, where the errors of b and c go together; `mixed`, where :math:`\beta` is
        normal and four choices of a unit share it. choosers : their number.
    """
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(choosers, 4)), rng.normal(size=choosers)
    errors = rng.gumbel(size=(choosers, 4))
    unit = np.arange(choosers) // 4
    truth = {"x": SLOPE, "b: z": SHIFT}
    beta = np.full(choosers, SLOPE)
    if kind == "nested":
        errors[:, 1:3] = _in_one_nest(rng, choosers, DISSIMILARITY)
        truth["dissimilarity: bc"] = DISSIMILARITY
    if kind == "mixed":
        beta = SLOPE + rng.normal(size=choosers // 4 + 1)[unit]
        truth["sd: x"] = 1.0
    utility = beta[:, None] * x + errors
    utility[:, 1] += SHIFT * z
    there = np.ones((choosers, 4), dtype=bool)
    there[:, 3] = rng.random(choosers) > 0.25
    taken = np.where(there, utility, -np.inf).argmax(axis=1)
    frame = pd.DataFrame(
        {
            "chooser": np.repeat(np.arange(choosers), 4), "unit": np.repeat(unit, 4),
            "alternative": np.tile([*"abcd"], choosers), "x": x.ravel(), "z": np.repeat(z, 4),
            "chosen": (np.arange(4) == taken[:, None]).ravel().astype(int),
        }
    )[there.ravel()].reset_index(drop=True)  # fmt: skip
    return _labelled(frame, truth)


def _in_one_nest(rng: np.random.Generator, rows: int, dissimilarity: float) -> np.ndarray:
    """Two Gumbel errors with the joint distribution of a nest, through a positive stable variable."""
    angle, size = rng.uniform(0, np.pi, rows), rng.exponential(size=rows)
    stable = (
        np.sin(dissimilarity * angle) / np.sin(angle) ** (1 / dissimilarity)
        * (np.sin((1 - dissimilarity) * angle) / size) ** ((1 - dissimilarity) / dissimilarity)
    )  # fmt: skip
    return np.asarray(dissimilarity * (np.log(stable)[:, None] + rng.gumbel(size=(rows, 2))))


def simulate_gravity(*, countries: int = 12, periods: int = 5, seed: int = 0) -> pd.DataFrame:
    r"""Trade between countries with exporter-year, importer-year and pair effects, and agreements by pair.

    .. math:: y_{ijt} = \exp(\beta_1 \mathrm{rta}_{ijt} + \beta_2 x_{ijt} + \alpha_{it} + \gamma_{jt} +
       \eta_{ij})\, \omega_{ijt}, \qquad E\omega = 1

    with errors ω of a pair that are related over time, and x related to the effects.
    """
    rng = np.random.default_rng(seed)
    i, j, t = np.indices((countries, countries, periods)).reshape(3, -1)
    own = rng.normal(0, 0.3, (2, countries, periods))
    pair = rng.normal(0, 0.3, (countries, countries))
    effects = own[0, i, t] + own[1, j, t] + pair[i, j]
    signed = rng.integers(0, 2 * periods, (countries, countries))
    rta, x = (t >= signed[i, j]).astype(float), effects + rng.normal(0, 0.5, len(i))
    noise = rng.normal(size=(countries, countries, periods))
    for s in range(1, periods):
        noise[:, :, s] = PERSISTENCE * noise[:, :, s - 1] + np.sqrt(1 - PERSISTENCE**2) * noise[:, :, s]
    spread = 0.5
    omega = np.exp(spread * noise[i, j, t] - spread**2 / 2)
    trade = np.exp(SLOPE * rta + SLOPE * x + effects) * omega
    names = np.array([f"C{k:02d}" for k in range(countries)])
    frame = pd.DataFrame(
        {"exporter": names[i], "importer": names[j], "year": 2000 + t, "rta": rta, "x": x, "trade": trade}
    )
    return _labelled(frame[i != j].reset_index(drop=True), {"rta": SLOPE, "x": SLOPE})


def simulate_instruments(response: str = "ols", *, units: int = 500, seed: int = 0) -> pd.DataFrame:
    r"""Rows with a regressor x1 whose error v is part of the outcome's, and two instruments for it.

    .. math:: x_1 = z_1 + z_2/2 + d/2 + v, \qquad \eta = \beta_0 + \beta_1 x_1 + \beta_2 d + v/2,

    with an error of its own beside. Of a probit, whose error given v has variance one, the truth is of
    that index; of a count :math:`e^\eta` is the mean given v.

    Parameters
    ----------
    response : `ols`, `probit` or `poisson`. units : rows.
    """
    if response not in ("ols", "probit", "poisson"):
        raise ModelError(
            f"there are no simulated instruments of {response!r}", remedy="Choose ols, probit or poisson."
        )
    rng = np.random.default_rng(seed)
    z1, z2, v, e = rng.normal(size=(4, units))
    d = rng.integers(0, 2, units).astype(float)
    x1 = z1 + 0.5 * z2 + 0.5 * d + v
    shrink = 0.5 if response == "poisson" else 1.0
    eta = INTERCEPT + shrink * SLOPE * x1 + SHIFT * d + 0.5 * v
    y = {"ols": eta + e, "probit": 1.0 * (eta + e > 0), "poisson": rng.poisson(np.exp(eta)).astype(float)}
    frame = pd.DataFrame({"unit": np.arange(units), "y": y[response], "x1": x1, "d": d, "z1": z1, "z2": z2})
    return _labelled(frame, {"Intercept": INTERCEPT, "x1": shrink * SLOPE, "d": SHIFT})


def _labelled(frame: pd.DataFrame, truth: dict[str, float]) -> pd.DataFrame:
    frame.attrs["simulated"] = True
    frame.attrs["truth"] = truth
    return frame
