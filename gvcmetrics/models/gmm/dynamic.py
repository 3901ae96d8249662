"""Dynamic panel models: difference and system GMM, and the long-run effects that they imply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import independent_columns
from gvcmetrics.ground.numerics.groups import Groups
from gvcmetrics.ground.periods import periods
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.design import evaluate, regressors, require, with_shifts
from gvcmetrics.models.data.formula import Formula, variables_of
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.data.spelling import plain
from gvcmetrics.models.effects.pooled import predictor_of
from gvcmetrics.models.engine.estimate import Estimate, unit_codes
from gvcmetrics.models.engine.fit import fit_one
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.families.ols import family
from gvcmetrics.models.gmm.instruments import (
    DIFFERENCES,
    Grid,
    Instruments,
    Transformation,
    differences,
    lagged,
    orthogonal_deviations,
    parse_lags,
    standard,
    together,
)  # fmt: skip
from gvcmetrics.models.gmm.moments import (
    Moments,
    Step,
    error_variance,
    hansen,
    sargan,
    serial_correlation,
    two_steps,
    without,
)  # fmt: skip
from gvcmetrics.models.inference.covariance import Inference, VcovSpec
from gvcmetrics.models.inference.jackknife import refitted
from gvcmetrics.models.results.results import Results

_TRANSFORMS = {"difference": differences, "orthogonal": orthogonal_deviations}
_OUT_BY = {"difference": "first differences", "orthogonal": "forward orthogonal deviations"}
_PLACES = {"transformed": "transformed equation", "level": "level equation", "both": "both equations"}
CONSTANT = "constant"
_LEVEL_ONLY = "not identified by differences: constant over time"


def estimate(request: Request, response: Response, sample: Sample) -> Estimate:
    """Both steps, the tests, and what other covariances are made from."""
    options = request.options
    system, twostep = bool(options["system"]), bool(options["twostep"])
    sample, instrument_columns = _with_instruments(request, sample)
    sample, moments = _moments(request, sample, instrument_columns)
    one, two = two_steps(moments)
    step = two if twostep else one
    _warn_of_many(moments)
    groups = Groups.of(np.asarray(sample.unit))
    g = moments.moments(step.beta)
    inference = Inference(
        scores=g @ step.weight @ moments.zx,
        bread=step.bread,
        nobs=moments.nobs,
        parameters=len(step.beta),
        linear=False,
        estimates=step.beta,
        of_units=True,
        jackknife=refitted(lambda keep: _refit(moments, keep, twostep), len(step.beta)),
        own=_own(moments, one, two, twostep),
    )
    return Estimate(
        sample=sample,
        names=sample.names,
        params=step.beta,
        inference=inference,
        codes=unit_codes(sample, groups),
        title=f"{'System' if system else 'Difference'} GMM, {'two' if twostep else 'one'}-step",
        statistics=_statistics(moments, one, two, step, int(options["ar"])),
        extra={"Difference-in-Hansen tests": _differences_in_hansen(moments, two)},
        notes=_notes(request, moments),
        predictor=predictor_of(response, family, sample),
    )


def _own(moments: Moments, one: Step, two: Step, twostep: bool) -> dict[str, tuple[Array, str]]:
    if twostep:
        return {
            "hetero": (two.robust, "robust, Windmeijer-corrected"),
            "iid": (two.bread, "two-step, uncorrected (too small)"),
        }
    return {"hetero": (one.robust, "robust"), "iid": (error_variance(moments, one) * one.bread, "iid")}


def _refit(moments: Moments, keep: np.ndarray, twostep: bool) -> Array:
    return two_steps(moments.only(keep).independent())[int(twostep)].beta


def _with_instruments(request: Request, sample: Sample) -> tuple[Sample, list[tuple[str, Array]]]:
    """The sample without rows whose standard instruments are unknown, and these by equation."""
    given = request.options["iv"]
    asked = (
        {"both" if request.options["system"] else "transformed": given} if isinstance(given, str) else given
    )
    columns: list[tuple[str, Array]] = []
    for equation, right in (asked or {}).items():
        if equation not in _PLACES:
            raise ModelError(
                f"iv= names the equation '{equation}'", remedy=f"Use one of {', '.join(_PLACES)}"
            )
        formula = Formula.parse(f"{request.parsed.outcomes[0]} ~ {right}", trusted=request.trusted)
        source = with_shifts(sample.source, formula.shifts, request.unit, request.time, request.step)
        require(source, formula.current_columns)
        columns.append((equation, regressors(formula, source.iloc[sample.rows])[1]))
    known = np.ones(len(sample.rows), dtype=bool)
    for _, values in columns:
        known &= np.isfinite(values).all(axis=1)
    if not known.all():
        sample = sample.select(known, "missing instrument")
        columns = [(equation, values[known]) for equation, values in columns]
    return sample, columns


def _moments(request: Request, sample: Sample, columns: list[tuple[str, Array]]) -> tuple[Sample, Moments]:
    """The equations on the grid of units and periods, without regressors that they do not identify."""
    options, system = request.options, bool(request.options["system"])
    grid, history = _grids(request, sample)
    present = grid.present
    transform = _TRANSFORMS[options["transform"]]
    change = transform(present)
    if not change.rows.any():
        raise ModelError(
            "no unit is observed in two periods that follow one another",
            remedy="Use fewer lags, or transform='orthogonal', which gaps cost less",
        )
    x = grid.spread(sample.X)
    moved = change.forward(x)
    scale = np.abs(x).max(axis=(0, 1))
    varies = np.abs(moved).max(axis=(0, 1)) > 1e-10 * np.where(scale > 0, scale, 1.0)
    if not system and not varies.all():
        lost = [name for name, kept in zip(sample.names, varies, strict=True) if not kept]
        if named := [name for name in lost if name != "Intercept"]:
            warn(f"dropped because {_LEVEL_ONLY}: {', '.join(named)}")
        sample, x = sample.keep_columns(varies), x[:, :, varies]
    parts = [part for each in columns for part in _standard(grid, change, *each)]
    lags = parse_lags(options["gmm"] or {plain(request.parsed.outcomes[0]): (2, None)})
    if isinstance(lags, str):
        raise ModelError(lags, remedy="Write {'n': (2, None)} for lags 2 and earlier, or {'n': (2, 4)}")
    require(sample.source, [column for name in lags for column in variables_of(name)])
    for name, pair in lags.items():
        parts.append(lagged(name, history(name), pair, collapse=bool(options["collapse"]), system=system))
    moments = Moments(
        grid.spread(sample.y), x, present, transform, together(parts), system, int(options["h"])
    ).independent()
    if not moments.instruments.labels:
        raise ModelError(
            "no instrument varies", remedy="Use earlier lags, or name standard instruments in iv="
        )
    return _identified(sample, moments)


def _identified(sample: Sample, moments: Moments) -> tuple[Sample, Moments]:
    """Without regressors that others and the transformation leave nothing of."""
    K = moments.x.shape[2]
    seen = moments.regressors[0].reshape(-1, K)
    if moments.system:
        seen = np.concatenate([seen, moments.x.reshape(-1, K)])
    keep = independent_columns(seen, np.linalg.norm(seen, axis=0), 1e-9)
    if keep.all():
        return sample, moments
    lost = [name for name, kept in zip(sample.names, keep, strict=True) if not kept]
    warn(f"dropped because collinear after the transformation: {', '.join(lost)}")
    return sample.keep_columns(keep), replace(moments, x=moments.x[:, :, keep])


def _standard(grid: Grid, change: Transformation, equation: str, values: Array) -> Iterator[Instruments]:
    """The standard instruments of an equation; a constant is one of its own, which no test leaves out."""
    columns = grid.spread(values)
    constant = (values == 1.0).all(axis=0)
    for which, label in ((constant, CONSTANT), (~constant, f"iv in {_PLACES[equation]}")):
        if which.any():
            yield standard(columns[:, :, which], change, equation, label)


def _grids(request: Request, sample: Sample) -> tuple[Grid, Callable[[str], Array]]:
    """Where the rows of the sample stand, and the whole history of a variable for its units."""
    assert sample.unit_labels is not None
    frame = sample.source
    unit = sample.unit_labels.get_indexer(pd.Index(frame[request.unit]))
    assert request.time is not None
    counted = periods(frame[request.time], request.time).numbers
    known = (unit >= 0) & np.isfinite(counted)
    period = np.zeros(len(frame), dtype=np.int64)
    steps = (counted - counted[known].min()) / request.step
    astray = known & (np.abs(steps - np.round(steps)) > 1e-9)
    if astray.any():
        odd = frame[request.time].iloc[int(astray.argmax())]
        raise ModelError(
            f"'{request.time}' is {odd} in a row, which is not a whole number of steps of {request.step:g} "
            "after the first period",
            remedy="Leave such rows out, or pass the step= that all periods are a multiple of",
        )
    period[known] = np.round(steps[known]).astype(np.int64)
    shape = (len(sample.unit_labels), int(period.max()) + 1)
    everything = Grid(unit[known], period[known], shape)

    def history(name: str) -> Array:
        return everything.spread(evaluate(name, frame)[known], np.nan)

    return Grid(unit[sample.rows], period[sample.rows], shape), history


def _warn_of_many(moments: Moments) -> None:
    units, count = len(moments.present), len(moments.instruments.labels)
    if count > units:
        warn(
            f"{count} instruments for {units} units: Hansen's test then passes whatever is wrong "
            "(Roodman 2009); use fewer lags or collapse=True"
        )


def _statistics(moments: Moments, one: Step, two: Step, step: Step, orders: int) -> dict[str, float]:
    L, K = moments.zx.shape
    found: dict[str, float] = {"units": len(moments.present), "instruments": L}
    for order in range(1, orders + 1):
        found[f"ar{order}"], found[f"ar{order}_p"] = serial_correlation(moments, step, order)
    if L > K:
        for name, value in (("sargan", sargan(moments, one)), ("hansen", hansen(moments, two))):
            found[name], found[f"{name}_p"] = value, float(stats.chi2.sf(value, L - K))
        found["overidentified"] = L - K
    return found


def _differences_in_hansen(moments: Moments, two: Step) -> pd.DataFrame:
    """For each group of instruments: J without it, and by how much J falls, with degrees of freedom and p."""
    L, K = moments.zx.shape
    full, rows = hansen(moments, two), {}
    labels = [label for label in dict.fromkeys(moments.instruments.labels) if label != CONSTANT]
    groups = {label: [label] for label in labels}
    if levels := [label for label in labels if label.startswith(DIFFERENCES)]:
        groups["all differences (level equation)"] = levels
    for name, group in groups.items():
        left = without(moments, two, group)
        if left is None:
            continue
        J, df = left
        rows[name] = {
            "without": J, "df": df, "p": stats.chi2.sf(J, df) if df else np.nan,
            "difference": full - J, "df of difference": L - K - df,
            "p of difference": stats.chi2.sf(full - J, L - K - df),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def _notes(request: Request, moments: Moments) -> tuple[str, ...]:
    counted = {label: moments.instruments.labels.count(label) for label in moments.instruments.labels}
    said = ", ".join(f"{count} {label}" for label, count in counted.items())
    return (
        f"Instruments: {said}; unit effects out by {_OUT_BY[request.options['transform']]}.",
        "AR tests are of differenced errors; Sargan's is not robust, Hansen's is.",
    )


_RESPONSE = Response(
    "dynamic_gmm",
    "Dynamic panel GMM",
    outcomes.NUMBER,
    lambda _: family,
    {"pooled": Treatment(estimate)},
    response_words="expected outcome",
    labels={
        "instruments": "Instruments",
        "sargan": "Sargan test",
        "sargan_p": "Sargan test, p",
        "hansen": "Hansen test",
        "hansen_p": "Hansen test, p",
        "overidentified": "Overidentifying restrictions",
        **{f"ar{order}": f"AR({order}) test, z" for order in range(1, 10)},
        **{f"ar{order}_p": f"AR({order}) test, p" for order in range(1, 10)},
    },
)


def dynamic_gmm(
    formula: str,
    data: pd.DataFrame,
    *,
    unit: str,
    time: str,
    step: float = 1,
    gmm: Mapping[str, Any] | None = None,
    iv: str | Mapping[str, str] | None = None,
    system: bool = False,
    transform: Literal["difference", "orthogonal"] = "difference",
    twostep: bool = True,
    collapse: bool = False,
    h: Literal[1, 2, 3] = 3,
    ar: int = 2,
    vcov: VcovSpec = "hetero",
    trusted: bool = True,
) -> Results:
    r"""Dynamic panel model by difference or system GMM (Arellano & Bond 1991; Blundell & Bond 1998).

    .. math:: y_{it} = \sum_l \gamma_l y_{i,t-l} + x_{it}'\beta + \alpha_i + \varepsilon_{it}, \qquad
       E[z_{i,t-s}\,\Delta\varepsilon_{it}] = 0, \quad E[\Delta z_{i,t-s+1}(\alpha_i + \varepsilon_{it})] = 0

    The second set of moments, of the levels, is used with `system=True`.

    Parameters
    ----------
    formula : `"n ~ L(n) + L(n, 2) + w + L(w) + C(year)"`; lags follow the panel's periods.
    data, unit, time, step, trusted : as in `ols`; a period of the panel is a step.
    gmm : lags of variables as instruments, one a period: `{"n": (2, None), "w": (2, 4)}`, the first and the
        last lag in the transformed equation (None: all there are). Lag 2 is right for what is determined
        together with the outcome, 1 for what only reacts to past errors. In a system the level equation takes
        the difference of the lag before the first. By default lags 2 and earlier of the outcome.
    iv : regressors that instrument themselves, `"w + L(w) + C(year)"`: in the transformed equation, in a
        system in both; or by equation, `{"transformed": "w", "level": "C(year)", "both": "k"}`.
    system : with the level equation.
    transform : `difference`, or `orthogonal` (forward orthogonal deviations, which gaps cost less).
    twostep : weight by the residuals of the first step; errors are then corrected (Windmeijer 2005).
    collapse : one instrument a lag, not one a period and lag.
    h : weight of the first step: 3, the covariance of both equations were errors alike; 2, without that
        between the equations (DPD for Ox); 1, the identity.
    ar : how many orders of serial correlation are tested.
    vcov : `"hetero"`: robust, without small-sample factor, as xtabond2; `{"CRV1": unit}` has it, of one step;
        `"iid"`: classical, of two steps the uncorrected ones, which are too small.

    Returns
    -------
    Results, with tests of serial correlation, Sargan's and Hansen's among the `statistics`, and
    difference-in-Hansen tests of every group of instruments in `extra`.

    Raises
    ------
    ModelError : nothing is left after lags and differences, or there are fewer instruments than coefficients.

    Source
    ------
    Arellano & Bond (1991); Arellano & Bover (1995); Blundell & Bond (1998); Windmeijer (2005); Roodman (2009,
    Stata Journal 9(1)), whose conventions are followed.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> y = np.zeros((60, 8)); effect = rng.normal(size=60)
    >>> for t in range(1, 8): y[:, t] = 0.5 * y[:, t - 1] + effect + rng.normal(size=60)
    >>> frame = pd.DataFrame({"firm": np.repeat(range(60), 8), "year": np.tile(range(8), 60), "y": y.ravel()})
    >>> float(dynamic_gmm("y ~ L(y)", frame, unit="firm", time="year").params["L(y)"].round(2))
    0.52
    """
    if transform not in _TRANSFORMS:
        raise ModelError(f"transform={transform!r} is not known", remedy="Use 'difference' or 'orthogonal'")
    if h not in (1, 2, 3):
        raise ModelError(f"h={h!r} is not known", remedy="Use 1, 2 or 3")
    if not 1 <= ar <= 9:
        raise ModelError(f"ar={ar!r} must be a whole number from 1 to 9")
    return fit_one(
        Request(
            dynamic_gmm, formula, data, unit=unit, time=time, step=step, vcov=vcov, trusted=trusted,
            options={
                "gmm": gmm, "iv": iv, "system": system, "transform": transform, "twostep": twostep,
                "collapse": collapse, "h": h, "ar": ar,
            },
        ),
        _RESPONSE,
    )  # fmt: skip


def long_run(results: Results, variables: Sequence[str] | None = None) -> pd.DataFrame:
    r"""Long-run effects of a dynamic model, with delta-method errors.

    .. math:: \theta_x = \frac{\sum_l \beta_{x,l}}{1 - \sum_l \gamma_l}

    over the lags of a variable x, and :math:`\gamma` the coefficients of the lagged outcome.

    Parameters
    ----------
    results : of a model whose formula has lags of its outcome, `L(y)`.
    variables : whose effects are wanted; by default all but the lagged outcome and the constant.

    Returns
    -------
    Frame by variable: `estimate`, `std_error`, `statistic`, `p_value`.

    Raises
    ------
    ModelError : no lag of the outcome is among the regressors; a variable is not.
    """
    base = {name: _unlagged(name) for name in results.params.index}
    own = [name for name, behind in base.items() if behind == results.outcome]
    if not own:
        raise ModelError(f"no lag of '{results.outcome}' is among the regressors", remedy="Write L(y)")
    known = dict.fromkeys(v for v in base.values() if v not in (results.outcome, "Intercept"))
    rows = {}
    left = 1.0 - float(results.params[own].sum())
    for variable in variables if variables is not None else known:
        if variable not in known:
            raise ModelError(f"'{variable}' is not a regressor", remedy=f"They are {', '.join(known)}")
        terms = [name for name, behind in base.items() if behind == variable]
        effect = float(results.params[terms].sum()) / left
        gradient = pd.Series(0.0, index=results.params.index)
        gradient[terms], gradient[own] = 1.0 / left, effect / left
        error = float(np.sqrt(gradient.to_numpy() @ results.cov.to_numpy() @ gradient.to_numpy()))
        rows[variable] = (effect, error, effect / error, 2.0 * stats.norm.sf(abs(effect / error)))
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["estimate", "std_error", "statistic", "p_value"]
    )


def _unlagged(name: str) -> str:
    """The variable behind a term: `w` of `L(w)` and of `L(w, 2)`."""
    return name[2:-1].split(",")[0].strip() if name.startswith("L(") and name.endswith(")") else name
