"""Productivity of firms: per worker, total factor productivity by seven estimators, and mark-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, EstimationWarning, ModelError, Place
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import record
from gvcmetrics.measures.firms.production.estimate import (
    FLEXIBLE,
    METHODS,
    PROXY_METHODS,
    Estimate,
    Options,
    estimate,
)
from gvcmetrics.measures.firms.production.firm_years import Inputs, Sample, build_sample, logs
from gvcmetrics.measures.firms.production.forms import FORMS, Parametric, term_names
from gvcmetrics.measures.firms.production.plausible import implausible
from gvcmetrics.measures.requirements import (
    amounts,
    numbers,
    require_columns,
    require_unique,
    require_whole_numbers,
)


@dataclass(frozen=True)
class ProductionFunction:
    """An estimated production function, by group.

    Attributes
    ----------
    method : one of `METHODS`.
    coefficients : one row for each group and input: `group`, `input`, `estimate`, `std_error`.
    groups : one row for each group: `group`, `rows`, `firms`, `solutions` (of the second stage's moments),
        `bootstrap_draws` (those that had a solution), `status` (``"estimated"`` or why not).
    elasticities : aligned to the frame, the output elasticity of each input in each row (the same in all rows
        of a group for Cobb–Douglas); feed one to `markups`.
    productivity : aligned to the frame: `log_tfp`, y − x'β, which is productivity, constant and noise
        together; `first_stage_residual`, the noise, for the proxy methods. Missing where an input or output
        is not positive, or the group was not estimated.
    draws : bootstrap estimates, one row for each draw, `group` and one column for each input; missing where
        a draw had no solution (such draws do not enter the standard errors).
    solutions : every solution of the second stage, the one that was taken among them: `group`, `taken`, and
        one column for each input.
    """

    method: str
    coefficients: pd.DataFrame
    groups: pd.DataFrame
    elasticities: pd.DataFrame
    productivity: pd.DataFrame
    draws: pd.DataFrame
    solutions: pd.DataFrame

    def __repr__(self) -> str:
        lines = [f"ProductionFunction by {self.method}: {len(self.groups)} groups"]
        for name, rows in list(self.coefficients.groupby("group", sort=False))[:5]:
            said = ", ".join(
                f"{row['input']} {row['estimate']:.3f}"
                + (f" ({row['std_error']:.3f})" if row["std_error"] == row["std_error"] else "")
                for _, row in rows.iterrows()
            )
            lines.append(f"  {name}: {said}")
        return "\n".join(lines + (["  …"] if len(self.groups) > 5 else []))


def labour_productivity(
    frame: pd.DataFrame, *, output: str = "value_added_usd", employment: str = "employment"
) -> pd.Series:
    """Output per worker.

    Returns
    -------
    pandas.Series
        `labour_productivity`, aligned to the frame; missing where employment is zero or either is missing.
        Value added may be negative; employment may not.

    Raises
    ------
    DataError
        For missing columns and negative employment.
    """
    require_columns(frame, output, employment)
    amounts(frame, employment)
    ratio = (
        pd.Series(numbers(frame, output), frame.index) / frame[employment].where(frame[employment] > 0)
    ).rename("labour_productivity")
    return record(ratio, "labour_productivity", output, employment, like=frame)


def production_function(
    frame: pd.DataFrame,
    *,
    output: str = "value_added_usd",
    free: Sequence[str] = ("employment",),
    state: Sequence[str] = ("capital_usd",),
    proxy: str | None = None,
    share: str | None = None,
    by: str | None = None,
    unit: str = "firm_id",
    time: str = "year",
    method: str,
    form: str = "cobb_douglas",
    degree: int | None = None,
    markov_degree: int = 3,
    year_effects: bool = False,
    survival: bool = False,
    bootstrap: int = 0,
    seed: int = 0,
    objective: Literal["residuals", "moments"] = "residuals",
) -> ProductionFunction:
    """Estimate a production function and the total factor productivity that it implies.

    .. math:: y_{it} = \\alpha + x_{it}'\\beta + \\omega_{it} + \\varepsilon_{it}

    in logs, where firms see ω before they choose free inputs. A value-added function has materials as proxy
    only; a gross-output function has sales as output and materials among the free inputs.

    Methods
    -------
    ``"ols"``, ``"fixed_effects"`` : benchmarks, biased by simultaneity (fixed effects unless ω is constant).
    ``"olley_pakes"`` : proxy is investment (rows with positive investment); with `survival`, a probit of
        staying in the panel enters productivity's process.
    ``"levinsohn_petrin"`` : proxy is an intermediate input. Both regress y on free inputs and a polynomial of
        (state, proxy), then find the state coefficients.
    ``"ackerberg_caves_frazer"`` : the proxy is inverted given all inputs; all coefficients are found in the
        second stage.
    ``"wooldridge"`` : both stages of Levinsohn and Petrin (or Olley and Pakes) at once, by two-step GMM.
    ``"gandhi_navarro_rivers"`` : gross output as an unknown function f(m, s) of one flexible input m, the
        only `free` one, and inputs s that are fixed before the year (`state`, labour among them), without a
        proxy. The first-order condition of m says that its cost share in revenue is its elasticity but for
        noise, ln S = ln D(m, s) + ln E[e^ε] − ε with D = ∂f/∂m, which gives D by non-linear least squares and
        ε; ∫D dm is f but for a function C(s), which the innovations of productivity find, E[ξ p(s)] = 0 for
        every term of C. D and C are polynomials of `degree`. Elasticities vary by row; the coefficients are
        their means, and their errors are bootstrapped. Firms must take the prices of m and output.

    The second stages rest on ξ, the innovation of productivity given a polynomial of its lag. For Olley and
    Pakes, and for Levinsohn and Petrin with value added, two objectives find the state inputs' coefficients:

    ``objective="residuals"`` minimises Σ (ξ + noise)², as the authors and R's prodest and estprod do: what a
        referee re-runs. ``"moments"`` solves E[z ξ] = 0 with z the current state inputs.

    In a correct model both find the same. They part where the model fails, so a large difference between
    them is a finding about the data, to be reported and not to be chosen from. Where an input moves with the
    shock (a proxy among the inputs, all of Ackerberg, Caves and Frazer) minimising is inconsistent, and
    moments are used whatever the objective: z are the current state and the lagged free inputs. These
    equations can have several solutions: under constant returns one gives state inputs no weight and takes
    wages for productivity (Ackerberg, Caves and Frazer discuss it). All starts are tried; the solution with
    the largest smallest coefficient is taken, and a warning shows all of them. A warning also names negative
    elasticities and returns to scale outside [0.5, 1.5], which a root of the equations may well have.
    Gross-output coefficients are identified only where lagged
    materials predict current ones given lagged productivity and the state inputs, as with prices of the
    firm's own that persist (Gandhi, Navarro and Rivers 2020); nothing here can check that, and their own
    method does not need it.

    Parameters
    ----------
    frame : firm panel with one row for each firm and year; amounts at constant prices.
    output, free, state, proxy : columns in levels; logs are taken here, rows without a positive value
        (value added may be negative) are left out.
    form : ``"cobb_douglas"``, or ``"translog"`` (OLS, fixed effects and Ackerberg–Caves–Frazer), whose
        logs are in deviations from the group's means, where first-order coefficients are then elasticities.
    by : column within which functions are estimated apart, as a rule the industry.
    share : of Gandhi, Navarro and Rivers: column with the flexible input's cost over revenue, both in
        current prices. By default the input over output as they are, which is right where one deflator served
        both.
    degree : of the polynomial of the first stage, by default 3, and 2 for Gandhi, Navarro and Rivers, as in
        their paper; markov_degree : of productivity's process.
    year_effects : year dummies in the (first-stage) regression.
    bootstrap : draws of firms with replacement, for standard errors of the proxy methods (and of OLS and
        fixed effects, whose errors are otherwise clustered by firm; Wooldridge's always are).

    Returns
    -------
    ProductionFunction

    Raises
    ------
    DataError
        For missing columns, repeated firm-years, negative inputs, and a panel without any firm's
        consecutive years for a method that needs them (in one cross-section use `revenue_tfp`).
    ModelError
        For an unknown method or form, a method without its proxy, and when no group could be estimated.

    Source: Olley and Pakes (1996); Levinsohn and Petrin (2003); Ackerberg, Caves and Frazer (2015);
    Wooldridge (2009); Gandhi, Navarro and Rivers (2020), section V; Rovigatti and Mollisi (2018) on what
    prodest computes.
    """
    if objective not in ("residuals", "moments"):
        raise ModelError(f"there is no objective '{objective}'", remedy="Choose 'residuals' or 'moments'.")
    inputs = Inputs(output, tuple(free), tuple(state), proxy, share)
    _check_request(method, inputs, survival, form, year_effects)
    require_columns(frame, *inputs.columns, unit, time, *([by] if by else []))
    require_unique(frame, [unit, time])
    require_whole_numbers(frame, time)
    # Value added and investment may well be negative; such rows have no log and are left out.
    proxies = [proxy] if proxy and method != "olley_pakes" else []
    for column in [*inputs.names, *proxies, *([share] if share else [])]:
        amounts(frame, column)
    if method not in ("ols",) and not frame.duplicated(unit).any():
        raise DataError(
            "every firm is seen once, so productivity cannot be told from noise",
            Place(column=unit),
            "In one cross-section use revenue_tfp, which is labelled as what it is.",
        )
    degree = degree if degree is not None else 2 if method == FLEXIBLE else 3
    options = Options(method, degree, markov_degree, survival, bootstrap, seed, objective)
    # Row numbers as labels, so that a frame with a repeated index is served too.
    numbered = frame.reset_index(drop=True)
    groups = [(str(name), rows) for name, rows in numbered.groupby(by)] if by else [("all", numbered)]
    parts = [
        _one_group(name, rows, build_sample(rows, inputs, unit, time, year_effects, form), options)
        for name, rows in groups
    ]
    facts, coefficients, elasticity, tfp, draws, solutions = (
        list(pieces) for pieces in zip(*parts, strict=True)
    )
    table = pd.DataFrame(facts)
    failed = table[table["status"] != "estimated"]
    if len(failed) == len(table):
        raise ModelError(f"no group could be estimated; the first: {failed['status'].iloc[0].rstrip('.')}")
    if len(failed):
        warn(f"not estimated: {', '.join(map(str, failed['group']))}", EstimationWarning)
    found = pd.concat(solutions, ignore_index=True)
    for problem in implausible(found, dict(zip(table["group"], elasticity, strict=True))):
        warn(problem, EstimationWarning)
    aligned = [pd.concat(rows).reindex(numbered.index).set_axis(frame.index) for rows in (elasticity, tfp)]
    for measures in aligned:
        for measure in measures.columns:
            record(measures, measure, *inputs.columns, like=frame)
    return ProductionFunction(
        method,
        pd.concat(coefficients, ignore_index=True),
        table,
        aligned[0],
        aligned[1],
        pd.concat(draws, ignore_index=True),
        found,
    )


def revenue_tfp(
    frame: pd.DataFrame,
    *,
    output: str = "sales_usd",
    inputs: Sequence[str] = ("wages_usd", "capital_usd", "materials_usd"),
    by: str | None = None,
    elasticities: str = "ols",
) -> pd.Series:
    """Revenue TFP of a cross-section: the residual of log sales given log inputs.

    In one cross-section productivity cannot be told from prices, mark-ups or noise, and inputs that respond
    to it bias the coefficients; the measure is labelled so and compares firms within the group only.

    Parameters
    ----------
    frame : firms, one row each.
    output, inputs : sales and inputs, in levels.
    by : column within which the function is estimated apart, as a rule the industry (or country × industry).
    elasticities : ``"ols"``: by least squares; ``"cost shares"``: each group's median share of the
        input in the sum of inputs (constant returns, all inputs in money).

    Returns
    -------
    pandas.Series
        `revenue_tfp_residual`, mean zero in each group, aligned to the frame; missing where output or an
        input is zero or missing, and in groups with no more firms than coefficients.

    Raises
    ------
    DataError
        For missing columns, negative amounts, an unknown choice of elasticities.

    Source: Syverson (2011) on what such residuals contain; Foster, Haltiwanger and Syverson (2008).
    """
    require_columns(frame, output, *inputs, *([by] if by else []))
    for column in (output, *inputs):
        amounts(frame, column)
    if elasticities not in ("ols", "cost shares"):
        raise DataError(
            f"there are no elasticities '{elasticities}'", remedy="Choose 'ols' or 'cost shares'."
        )
    logged = logs(frame, [output, *inputs]).to_numpy()
    group = np.zeros(len(frame), dtype=int) if by is None else frame.groupby(by).ngroup().to_numpy()
    usable = ~np.isnan(logged).any(axis=1) & (group >= 0)
    residual = np.full(len(frame), np.nan)
    for label in np.unique(group[usable]):
        rows = usable & (group == label)
        if rows.sum() > len(inputs) + 1:
            residual[rows] = _residual(logged[rows, 0], logged[rows, 1:], elasticities)
    series = pd.Series(residual, frame.index, name="revenue_tfp_residual")
    return record(series, "revenue_tfp_residual", output, *inputs, like=frame)


def markups(
    frame: pd.DataFrame,
    *,
    expenditure: str = "materials_usd",
    revenue: str = "sales_usd",
    elasticity: float | pd.Series,
    first_stage_residual: pd.Series | None = None,
) -> pd.Series:
    """Mark-up of price over marginal cost, from a variable input's elasticity and its share in revenue.

    .. math:: \\mu_{it} = \\theta^v_{it} / \\alpha_{it}, \\quad
              \\alpha_{it} = P^v_{it} V_{it} \\, e^{\\hat\\varepsilon_{it}} / (P_{it} Q_{it})

    Parameters
    ----------
    elasticity : output elasticity of the input: one number, or a series aligned to the frame, such as a
        column of `ProductionFunction.elasticities`.
    expenditure : spending on the same input, which the firm must be free to vary.
    revenue : sales.
    first_stage_residual : of a proxy method, to take noise out of revenue; without it, revenue is as
        reported.

    Returns
    -------
    pandas.Series
        `markup`, aligned to the frame; missing where expenditure or revenue is zero or missing.

    Raises
    ------
    DataError
        For missing columns, negative amounts, a series with another index.

    Source: De Loecker and Warzynski (2012).
    """
    require_columns(frame, expenditure, revenue)
    amounts(frame, expenditure)
    amounts(frame, revenue)
    for series in (elasticity, first_stage_residual):
        if isinstance(series, pd.Series) and not series.index.equals(frame.index):
            raise DataError(
                "a series has another index than the frame", remedy="Align it with reindex first."
            )
    if not isinstance(elasticity, pd.Series) and not isinstance(elasticity, Real):
        raise DataError(f"the elasticity is {elasticity!r}", remedy="Give a number, or a series of numbers.")
    noise = 1.0 if first_stage_residual is None else np.exp(first_stage_residual)
    spent = frame[expenditure].where(frame[expenditure] > 0)
    share = spent / (frame[revenue].where(frame[revenue] > 0) / noise)
    return record((elasticity / share).rename("markup"), "markup", expenditure, revenue, like=frame)


def _check_request(method: str, inputs: Inputs, survival: bool, form: str, year_effects: bool) -> None:
    proxy = inputs.proxy
    if method not in METHODS:
        raise ModelError(f"there is no method '{method}'", remedy=f"Choose from {', '.join(METHODS)}.")
    needs = method in (*PROXY_METHODS, "wooldridge")
    if needs != (proxy is not None):
        raise ModelError(
            f"{method} {'needs' if needs else 'takes no'} proxy",
            remedy="Pass investment for Olley and Pakes, materials (or energy) for the others.",
        )
    if form not in FORMS:
        raise ModelError(f"there is no form '{form}'", remedy=f"Choose from {', '.join(FORMS)}.")
    if form == "translog" and method in ("olley_pakes", "levinsohn_petrin", "wooldridge"):
        raise ModelError(
            f"{method} is Cobb–Douglas here", remedy="Use ackerberg_caves_frazer for translog functions."
        )
    if method == FLEXIBLE and (len(inputs.free) != 1 or not inputs.state or form != "cobb_douglas"):
        raise ModelError(
            f"{method} takes one free input, inputs that are fixed before the year, and no form",
            remedy="Pass free=('materials_usd',), state=('employment', 'capital_usd') and sales as output.",
        )
    if method == FLEXIBLE and year_effects:
        raise ModelError(f"{method} takes no year effects", remedy="Deflate output and inputs instead.")
    if inputs.share is not None and method != FLEXIBLE:
        raise ModelError(f"{method} takes no share", remedy=f"It belongs to {FLEXIBLE}.")
    if survival and method != "olley_pakes":
        raise ModelError("the survival correction belongs to olley_pakes", remedy="Drop survival=True.")


def _one_group(
    name: str, rows: pd.DataFrame, sample: Sample, options: Options
) -> tuple[dict[str, object], pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Facts, coefficients, elasticities, productivity, draws and solutions of one group."""
    inputs, names = sample.inputs, term_names(sample.inputs.names, sample.form)
    facts: dict[str, object] = {"group": name, "rows": len(sample.y), "firms": sample.n_firms}
    try:
        if sample.n_firms < 2 or len(sample.y) <= sample.x.shape[1] + 1:
            raise ModelError(f"{sample.n_firms} firms and {len(sample.y)} rows are too few")
        fit = estimate(sample, options)
    except (ModelError, np.linalg.LinAlgError) as error:
        fit = _nothing(len(names))
        status = str(error)
    else:
        status = "estimated"
    solved = int((~np.isnan(fit.draws).any(axis=1)).sum())
    facts |= {"solutions": len(fit.solutions), "bootstrap_draws": solved, "status": status}
    coefficients = pd.DataFrame(
        {"group": name, "input": names, "estimate": fit.coefficients, "std_error": fit.std_errors}
    )
    logged = logs(rows, [inputs.output, *inputs.names])
    base = logged[inputs.names].to_numpy() - sample.centre
    surface = fit.surface or Parametric(fit.coefficients, sample.form)
    productivity = pd.DataFrame({"log_tfp": logged[inputs.output] - surface.value(base)})
    slopes = surface.elasticities(base)
    slopes[np.isnan(base).any(axis=1)] = np.nan
    if fit.first_stage_residual is not None:
        productivity["first_stage_residual"] = pd.Series(fit.first_stage_residual, sample.index)
    draws = pd.DataFrame(fit.draws, columns=names)
    draws.insert(0, "group", name)
    by_row = pd.DataFrame(slopes, rows.index, inputs.names)
    solutions = pd.DataFrame(fit.solutions, columns=names)
    solutions.insert(0, "taken", [bool(np.array_equal(root, fit.coefficients)) for root in fit.solutions])
    solutions.insert(0, "group", name)
    return facts, coefficients, by_row, productivity, draws, solutions


def _nothing(inputs: int) -> Estimate:
    missing = np.full(inputs, np.nan)
    return Estimate(missing, missing, [], np.empty((0, inputs)), None)


def _residual(y: np.ndarray, x: np.ndarray, elasticities: str) -> np.ndarray:
    if elasticities == "ols":
        design = np.column_stack([np.ones(len(x)), x])
        return y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    spent = np.exp(x)
    shares = np.median(spent / spent.sum(axis=1, keepdims=True), axis=0)
    index = y - x @ (shares / shares.sum())
    return index - index.mean()
