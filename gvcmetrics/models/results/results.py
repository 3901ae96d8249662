"""One result type for every model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError, unsteering
from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.inference.bias_reduced import BiasReduced
from gvcmetrics.models.inference.covariance import Covariance, Inference, Vcov, VcovSpec, covariance
from gvcmetrics.models.inference.nested import likelihood_ratio
from gvcmetrics.models.inference.profile import profile_interval
from gvcmetrics.models.inference.restrictions import TestResult, distribution, linear_combinations, wald
from gvcmetrics.models.marginal.predictor import Predictor
from gvcmetrics.models.results.by_errors import ByErrors
from gvcmetrics.models.results.carried import Carried
from gvcmetrics.models.results.maketables import ForMaketables
from gvcmetrics.models.results.ratios import as_ratios
from gvcmetrics.models.results.summary import STATISTIC_LABELS, summary_html, summary_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gvcmetrics.models.marginal.result import Margins


def _none() -> None:
    """What a result does not have; a default value of the class would hide what a file could not keep."""


@dataclass(frozen=True, repr=False, eq=False)
class Results(Carried, ForMaketables):
    """Estimates of one model.

    Attributes
    ----------
    model : "OLS", "Ordered logit", ….
    params : estimates, every parameter of the model (cutpoints and correlations too).
    cov : their covariance, a frame.
    nobs : observations.
    df : degrees of freedom of the t distribution of the tests; ∞ is the normal distribution.
    df_resid : nobs less all parameters, absorbed effects included.
    vcov_label, n_clusters : what kind of covariance, and groups by cluster column.
    effects : how unit effects are treated; `absorbed` names the absorbed effects.
    loglik : log likelihood, None where there is none.
    dropped : reason → rows left out.
    facts : R², σ_u and the like by key, which no covariance moves; `statistics` adds those that it does.
    tested : name of a statistic → parameters that it tests jointly (`mundlak`: the unit means).
    blocks : title → parameters printed under it; parameters in no block are printed first.
    ancillary : titles of blocks that hold no coefficients, and come last. untested : of those among them in
        which no parameter is tested against zero.
    extra : further frames by title (a correlation matrix).
    notes : sentences printed below the table.
    call : the exact call as text.
    vcov_note : a sentence where the covariance is not what was asked for.
    adjusted : what tests need after CR2, where `df` is the smallest of the parameters' own
        (`df_by_parameter`).
    sample, inference : the estimation sample, and what covariances are made from. codes : cluster codes of
        the rows of its scores.
    predictor : what makes expected outcomes of the parameters; None where there are none.
    quadrature : makes the table of `quadrature_check`; None without quadrature.
    renewed, moved : what the model says beside its estimates that the covariance moves: of any, and of this.
    response, request : what sort of outcome it is, and what was asked for.
    """

    model: str
    params: pd.Series
    cov: pd.DataFrame
    nobs: int
    df: float
    vcov_label: str
    outcome: str
    formula: str
    call: str
    effects: str = "pooled"
    absorbed: tuple[str, ...] = ()
    loglik: float | None = None
    df_resid: float = float("inf")
    n_clusters: Mapping[str, int] = field(default_factory=dict)
    converged: bool = True
    dropped: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    tested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ancillary: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    vcov_note: str = ""
    adjusted: BiasReduced | None = None
    sample: EstimationSample | None = field(default_factory=_none)
    inference: Inference | None = field(default_factory=_none)
    codes: Callable[[str], np.ndarray] | None = field(default_factory=_none)
    predictor: Predictor | None = field(default_factory=_none)
    quadrature: Callable[[], pd.DataFrame] | None = field(default_factory=_none)
    renewed: Callable[[VcovSpec | Vcov], ByErrors] | None = field(default_factory=_none)
    moved: ByErrors = field(default_factory=ByErrors)
    response: Any = None
    request: Any = None

    @cached_property
    def statistics(self) -> Mapping[str, float]:
        """Numbers about the whole model by key; tests among them are by the covariance of this result.

        A test that the covariance cannot carry (more hypotheses than clusters) is missing.
        """
        found = {**self.facts, **self.moved.statistics}
        for key, test in self._joint_tests.items():
            value, p = (test.statistic, test.pvalue) if isinstance(test, TestResult) else (np.nan, np.nan)
            found |= {key: value, f"{key}_p": p}
        return found

    @property
    def unavailable(self) -> tuple[str, ...]:
        """Why statistics are missing, a sentence each."""
        return tuple(
            f"{STATISTIC_LABELS.get(key, key)} not available: {test.problem}."
            for key, test in self._joint_tests.items()
            if isinstance(test, ModelError)
        )

    @cached_property
    def _joint_tests(self) -> Mapping[str, TestResult | ModelError]:
        return {key: self._joint_test(names) for key, names in self.tested.items()}

    def _joint_test(self, names: Sequence[str]) -> TestResult | ModelError:
        try:
            return self.test([f"`{name}`" for name in names])
        except ModelError as error:
            return error

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self.cov.to_numpy())), index=self.params.index, name="std_error")

    @property
    def tstats(self) -> pd.Series:
        """Estimates over their standard errors."""
        return (self.params / self.std_errors).rename("statistic")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values, from t with `df` degrees of freedom, or the normal distribution."""
        values = 2 * distribution(self.df_by_parameter).sf(np.abs(self.tstats.to_numpy()))
        return pd.Series(values, index=self.params.index, name="p_value")

    @property
    def df_by_parameter(self) -> np.ndarray | float:
        """Degrees of freedom of the test of each parameter, where they differ; else `df`."""
        return self.df if self.adjusted is None else self.adjusted.by_parameter

    def conf_int(self, level: float = 0.95, method: Literal["wald", "profile"] = "wald") -> pd.DataFrame:
        """Confidence intervals: columns `conf_low`, `conf_high`.

        method : `"profile"` inverts the likelihood-ratio test, with `firth=True` that of the penalised
            likelihood, and needs classical errors; for models whose likelihood is in the parameters
            that are printed.
        """
        if not 0 < level < 1:
            raise ModelError(f"level={level} is not between 0 and 1", remedy="Write 0.95 for 95 %")
        if method == "profile":
            return self._profile_intervals(level)
        if method != "wald":
            raise ModelError(f"method={method!r} is not known", remedy="Use 'wald' or 'profile'")
        half = distribution(self.df_by_parameter).ppf(0.5 + level / 2) * self.std_errors
        return pd.DataFrame({"conf_low": self.params - half, "conf_high": self.params + half})

    def _profile_intervals(self, level: float) -> pd.DataFrame:
        profile = None if self.inference is None else self.inference.profile
        if profile is None or self.request.fix or self.vcov_label != "iid":
            raise ModelError(
                "profile intervals need a likelihood in the parameters that are printed, none of them held, "
                "and classical errors",
                remedy="Use method='wald'",
            )
        values, errors = self.params.to_numpy(), self.std_errors.to_numpy()
        bounds = [profile_interval(profile, values, j, errors[j], level) for j in range(len(values))]
        return pd.DataFrame(bounds, index=self.params.index, columns=["conf_low", "conf_high"])

    def confint(self, level: float = 0.95, *, profile: bool = False) -> pd.DataFrame:
        """`conf_int`, by the likelihood-ratio test with `profile=True`."""
        return self.conf_int(level, "profile" if profile else "wald")

    def tidy(self, level: float = 0.95, *, exponentiate: bool = False) -> pd.DataFrame:
        """One row a parameter: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        exponentiate : odds, relative-risk, incidence-rate or hazard ratios exp(b), errors exp(b)·se by the
            delta method, the ends of the intervals exp(·); tests are those of b = 0. Cutpoints and parameters
            that are no coefficients stay as they are.
        """
        frame = pd.DataFrame(
            {
                "term": list(self.params.index),
                "estimate": self.params.to_numpy(),
                "std_error": self.std_errors.to_numpy(),
                "statistic": self.tstats.to_numpy(),
                "p_value": self.pvalues.to_numpy(),
            }
        )
        interval = self.conf_int(level)
        frame["conf_low"], frame["conf_high"] = (
            interval["conf_low"].to_numpy(),
            interval["conf_high"].to_numpy(),
        )
        if self.blocks:
            title = {term: title for title, terms in self.blocks.items() for term in terms}
            frame.insert(0, "block", [title.get(term, "") for term in frame["term"]])
        return as_ratios(self, frame) if exponentiate else frame

    def glance(self) -> pd.DataFrame:
        """One row: model, outcome, effects, nobs, log likelihood, AIC, BIC, clusters and all `statistics`."""
        row: dict[str, Any] = {
            "model": self.model,
            "outcome": self.outcome,
            "effects": self.effects,
            "vcov": self.vcov_label,
            "nobs": self.nobs,
            "n_clusters": min(self.n_clusters.values()) if self.n_clusters else None,
            "df_resid": self.df_resid,
            "converged": self.converged,
            "loglik": self.loglik,
            "aic": self.statistic("aic"),
            "bic": self.statistic("bic"),
        }
        return pd.DataFrame([{**row, **self.statistics}])

    def statistic(self, key: str) -> float | None:
        """A number about the whole model by its key (`nobs`, `r2`, `aic`, …); None when it has none."""
        if key in self.statistics:
            return self.statistics[key]
        if key in ("nobs", "N"):
            return self.nobs
        if key == "outcome_mean":
            return self._outcome_mean()
        if key == "n_clusters":
            return min(self.n_clusters.values()) if self.n_clusters else None
        if self.loglik is not None and key in ("loglik", "ll", "aic", "bic"):
            penalty = {"aic": 2.0, "bic": float(np.log(self.nobs))}.get(key)
            return self.loglik if penalty is None else penalty * self.n_parameters - 2 * self.loglik
        return None

    def _outcome_mean(self) -> float | None:
        """Weighted mean over the sample; None for several outcomes and for categories."""
        sample = self.sample
        if sample is None or len(sample.outcome) > 1 or sample.categories is not None:
            return None
        values, weights = sample.values()
        return float(np.average(values if values.ndim == 1 else values[:, 0], weights=weights))

    @property
    def n_parameters(self) -> int:
        """Estimated parameters, absorbed effects included and those held by `fix=` not."""
        if self.inference is None:
            return len(self.params)
        return self.inference.total_parameters

    def with_vcov(self, vcov: VcovSpec) -> Results:
        """The same estimates with another covariance, from the stored scores; nothing is fitted again.

        Examples
        --------
        `res.with_vcov({"CRV1": "firm + year"})`, `res.with_vcov("hetero")`.
        """
        if self.inference is None or self.codes is None:
            raise ModelError(
                "this result does not keep what another covariance needs", remedy="Fit with vcov="
            )
        made = covariance(vcov, self.inference, self.codes)
        changed = labelled(made, self.params.to_numpy(), list(self.params.index))
        moved = self.moved if self.renewed is None else self.renewed(vcov)
        return replace(
            self, **changed, moved=moved, extra={**self.extra, **moved.extra},
            call=f"{self.call}.with_vcov({vcov!r})",
        )  # fmt: skip

    def predict(
        self,
        data: Any = None,
        kind: str = "mean",
        *,
        outcomes: Sequence[str] | None = None,
        interval: bool = False,
        level: float = 0.95,
        unit_effect: Literal["averaged", "zero"] = "averaged",
    ) -> pd.Series | pd.DataFrame:
        """Expected outcomes, row by row; rows with a missing regressor have missing ones.

        Parameters
        ----------
        data : rows to predict for; by default those of the estimates. Rows whose absorbed effects the
            estimates have are predicted with them; others, and rows with a category that the estimates left
            out, are missing, with a warning. A category that was never seen is refused.
        kind : `"mean"`: the expected outcome, or the probability of each category; `"index"`: the linear
            index; or another scale of the model (see `margins`): of a joint probit `"marginal"`, `"joint"`
            and `"conditional"` probabilities.
        outcomes : some of the categories or probabilities, by name, as in `margins`.
        interval : with errors by the delta method, and confidence intervals of the expected outcome (not of
            an outcome), by this result's covariance: columns `estimate`, `std_error`, `conf_low`,
            `conf_high`, for each category below its name; after CR2 by each row's own degrees of
            freedom. Not with absorbed effects, whose noise the covariance does not hold.
        level : of the intervals.
        unit_effect : random effects: averaged over the normal unit effect, or of a unit whose effect is zero.

        Raises
        ------
        ModelError : the model has no such kind. DataError : a column is absent, a category was never seen.
        """
        predictor = self._predictor()
        if not 0 < level < 1:
            raise ModelError(f"level={level} is not between 0 and 1", remedy="Write 0.95 for 95 %")
        made = predictor.predict(
            self.params.to_numpy(), data, kind, outcomes=outcomes, unit_effect=unit_effect,
            covariance=self.cov.to_numpy() if interval else None,
            adjusted=self.adjusted if interval else None,
        )  # fmt: skip
        return made.with_interval(level, self.df) if interval else made.plain()

    def _predictor(self) -> Predictor:
        if self.predictor is None:
            raise ModelError(f"{self.model} with effects={self.effects!r} has no predictions")
        return self.predictor

    @property
    def fitted_values(self) -> pd.Series | pd.DataFrame:
        """Expected outcomes of the rows of the estimates, absorbed effects included: `predict()`."""
        return self.predict()

    @property
    def residuals(self) -> pd.Series | pd.DataFrame:
        """Outcomes less their expectation; of categories (or combinations) 1 or 0 less the probability."""
        fitted, predictor = self.fitted_values, self._predictor()
        y = predictor.outcomes()
        if isinstance(fitted, pd.Series):
            return (y - fitted).rename("residual")
        return (y[:, None] == np.arange(fitted.shape[1])) - fitted

    def fixed_effects(self) -> pd.DataFrame:
        r"""The absorbed effects, one row a level.

        Returns
        -------
        Frame with `effect`, `level`, `estimate`, `nobs`, `component` (the connected set that the level is in)
        and `identified`. With several effects only their sum is known in each connected set: there all but
        the first have mean zero over its rows, and levels are compared within a set only. A level that even
        then can move with others is not identified, and missing.

        Notes
        -----
        Of a conditional logit the effects are the maximum of the likelihood given the coefficients, over the
        units whose outcome changes; with T periods they are noisy, and their spread too large, however many
        units there are (Neyman & Scott 1948). So are those of absorbed effects with few rows (`nobs`).

        Raises
        ------
        ModelError : the model has no such effects.
        """
        return self._predictor().absorbed_effects(self.params.to_numpy()).frame()

    def lincom(self, expressions: str | Sequence[str], level: float = 0.95) -> pd.DataFrame:
        """Linear combinations of the parameters with their errors, one row each, columns as of `tidy`.

        Parameters
        ----------
        expressions : `"a - 2*b"`, `"a + b - 1"`; of an equation, `"a = b"`, its left side less its right.
            Names as printed, in backticks if they could be read otherwise.

        Examples
        --------
        `res.lincom(["rd + rd_squared", "`C(g)[T.b]` - `C(g)[T.c]`"])`
        """
        return linear_combinations(self.params, self.cov, expressions, self.df, level, self.adjusted)

    def test(self, hypotheses: str | Sequence[str]) -> TestResult:
        """Wald test of linear hypotheses, jointly: `"a = b"`, `["a - 2*b = 0", "c"]` (`"c"` is c = 0)."""
        return wald(self.params, self.cov, hypotheses, self.df, self.adjusted)

    def margins(self, variables: str | Sequence[str] | None = None, **options: Any) -> Margins:
        """Marginal effects on the expected outcome, see `gvcmetrics.models.marginal.effects.margins`."""
        from gvcmetrics.models.marginal.effects import margins

        return margins(self, variables, **options)

    def plot_margins(self, variables: str | Sequence[str] | None = None, **options: Any) -> Figure:
        """Marginal effects as a figure; options as of `margins` and of `plots.plot_margins`."""
        from gvcmetrics.models.results.plots import plot_margins

        drawing = {name: options.pop(name) for name in ("x", "title", "labels") if name in options}
        return plot_margins(self.margins(variables, **options), **drawing)

    def plot_coefs(self, **options: Any) -> Figure:
        """Coefficients with their intervals, see `gvcmetrics.models.results.plots.plot_coefs`."""
        from gvcmetrics.models.results.plots import plot_coefs

        return plot_coefs(self, **options)

    def lr_test(self, other: Results) -> TestResult:
        """Likelihood-ratio test against a nested (or nesting) model on the same rows of the same data.

        With `firth=True` of the penalised likelihood; against a model without random effect, or without
        dispersion, by the mixture of χ² that holds on the boundary. Quasi-likelihoods, sampling weights,
        bias corrections and errors that are robust or clustered are refused: `test` is for them.
        """
        return likelihood_ratio(self, other)

    def quadrature_check(self) -> pd.DataFrame:
        """Log likelihood and estimates by number of quadrature points, as Stata's `quadchk`.

        Estimates that change from row to row by more than a small part of their standard errors need more
        points.
        """
        if self.quadrature is None:
            raise ModelError(f"{self.model} with effects={self.effects!r} uses no quadrature")
        return self.quadrature()

    def summary(self, *, exponentiate: bool = False) -> str:
        """The estimates as text, like a paper's column with its notes; as ratios, see `tidy`."""
        return unsteering(summary_text(self, exponentiate=exponentiate))

    def __str__(self) -> str:
        return self.summary()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return summary_html(self)


def labelled(made: Covariance, params: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """The fields of `Results` that a covariance fills."""
    index = pd.Index(list(names), dtype=object)
    return {
        "params": pd.Series(params, index=index, name="estimate"),
        "cov": pd.DataFrame(made.matrix, index=index, columns=index),
        "df": made.df,
        "vcov_label": made.label,
        "n_clusters": made.n_clusters,
        "vcov_note": made.note,
        "adjusted": made.adjusted,
    }
