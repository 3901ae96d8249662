"""One result type for every model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import absorbed_parameters
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.families.base import Family
from gvcmetrics.models.inference.covariance import Covariance, Inference, VcovSpec, covariance
from gvcmetrics.models.inference.restrictions import TestResult, likelihood_ratio, wald
from gvcmetrics.models.results.summary import STATISTIC_LABELS, summary_html, summary_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gvcmetrics.models.marginal.result import Margins

# Blow-up and cluster adds the conditional likelihoods of copies of the same unit.
_COMPOSITE = {("Ordered logit", "fixed")}


@dataclass(frozen=True, repr=False, eq=False)
class Results:
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
    statistics : R², σ_u and the like by key; `summary.STATISTIC_LABELS` has their printed names.
    blocks : title → parameters printed under it; parameters in no block are printed first.
    extra : further frames by title (a correlation matrix).
    notes : sentences printed below the table.
    call : the exact call as text.
    sample, inference : the estimation sample, and what covariances are made from.
    predictor : called as `predictor(results, data or None, **options)` by `predict`.
    family : the response, where `predictor` does not hold it.
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
    statistics: Mapping[str, float] = field(default_factory=dict)
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sample: Sample | None = None
    inference: Inference | None = None
    codes: Callable[[str], np.ndarray] | None = None
    predictor: Callable[..., Any] | None = None
    family: Family | None = None

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
        values = 2 * distribution(self.df).sf(np.abs(self.tstats.to_numpy()))
        return pd.Series(values, index=self.params.index, name="p_value")

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals: columns `conf_low`, `conf_high`."""
        if not 0 < level < 1:
            raise ModelError(f"level={level} is not between 0 and 1", remedy="Write 0.95 for 95 %")
        half = distribution(self.df).ppf(0.5 + level / 2) * self.std_errors
        return pd.DataFrame({"conf_low": self.params - half, "conf_high": self.params + half})

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row a parameter: term, estimate, std_error, statistic, p_value, conf_low, conf_high."""
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
        return frame

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
        if key == "n_clusters":
            return min(self.n_clusters.values()) if self.n_clusters else None
        if self.loglik is not None and key in ("loglik", "ll", "aic", "bic"):
            penalty = {"aic": 2.0, "bic": float(np.log(self.nobs))}.get(key)
            return self.loglik if penalty is None else penalty * self.n_parameters - 2 * self.loglik
        return None

    @property
    def n_parameters(self) -> int:
        """Estimated parameters, absorbed effects included and those held by `fix=` not."""
        if self.inference is None:
            return len(self.params)
        return self.inference.parameters + absorbed_parameters(self.inference.absorbed)

    def with_vcov(self, vcov: VcovSpec) -> Results:
        """The same estimates with another covariance, from the stored scores; nothing is fitted again.

        Examples
        --------
        `res.with_vcov({"CRV1": "firm + year"})`, `res.with_vcov("hetero")`.
        """
        codes = self.codes or (self.sample.codes if self.sample else None)
        if self.inference is None or codes is None:
            raise ModelError(
                "this result does not keep what another covariance needs", remedy="Fit with vcov="
            )
        made = covariance(vcov, self.inference, codes)
        return replace(self._with_covariance(made), call=f"{self.call}.with_vcov({vcov!r})")

    def _with_covariance(self, made: Covariance) -> Results:
        names = self.params.index
        cov = pd.DataFrame(made.matrix, index=names, columns=names)
        return replace(self, cov=cov, df=made.df, vcov_label=made.label, n_clusters=made.n_clusters)

    def predict(self, data: pd.DataFrame | None = None, **options: Any) -> Any:
        """Predictions for the estimation sample, or for the rows of `data`; options depend on the model."""
        if self.predictor is None:
            raise ModelError(f"{self.model} with effects={self.effects!r} has no predictions")
        return self.predictor(self, data, **options)

    def test(self, hypotheses: str | Sequence[str]) -> TestResult:
        """Wald test of linear hypotheses, jointly: `"a = b"`, `["a - 2*b = 0", "c"]` (`"c"` is c = 0)."""
        return wald(self.params, self.cov, hypotheses, self.df)

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
        """Likelihood-ratio test against a nested (or nesting) model on the same observations."""
        if self.nobs != other.nobs or self.outcome != other.outcome:
            raise ModelError(
                f"the models differ in their observations ({self.nobs}, {other.nobs}) or outcome "
                f"({self.outcome}, {other.outcome})",
                remedy="Estimate both on the same rows",
            )
        for result in (self, other):
            weighted = result.sample and result.sample.weights is not None and not result.sample.frequency
            if weighted or (result.model, result.effects) in _COMPOSITE:
                because = "sampling weights" if weighted else "fixed effects"
                raise ModelError(
                    f"what {result.model} maximises with {because} is not a likelihood of the sample, so its "
                    "ratio has no χ² distribution",
                    remedy="Use .test(), with clustered errors",
                )
        return likelihood_ratio(
            (self.loglik, self.n_parameters, self.formula), (other.loglik, other.n_parameters, other.formula)
        )

    def summary(self) -> str:
        """The estimates as text, like a paper's column with its notes."""
        return summary_text(self)

    def __str__(self) -> str:
        return summary_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return summary_html(self)

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        tidy = self.tidy()
        ninety = self.conf_int(0.90)
        frame = tidy.rename(
            columns={
                "term": "Coefficient",
                "estimate": "b",
                "std_error": "se",
                "statistic": "t",
                "p_value": "p",
                "conf_low": "ci95l",
                "conf_high": "ci95u",
            }
        ).set_index("Coefficient")
        frame = frame.drop(columns="block", errors="ignore")
        return frame.assign(ci90l=ninety["conf_low"].to_numpy(), ci90u=ninety["conf_high"].to_numpy())

    def __maketables_stat__(self, key: str) -> Any:
        return self.statistic(key)

    @property
    def __maketables_depvar__(self) -> str:
        return self.outcome

    @property
    def __maketables_fixef_string__(self) -> str | None:
        return "+".join(self.absorbed) or None

    @property
    def __maketables_vcov_info__(self) -> dict[str, Any]:
        return {"vcov_type": self.vcov_label, "clustervar": "+".join(self.n_clusters) or None}

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        return {**STATISTIC_LABELS, "N": "Observations", "ll": "Log likelihood"}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        kept = [key for key in ("r2", "r2_within", "pseudo_r2", "sigma_u", "rho") if key in self.statistics]
        return [
            "N",
            *(["n_clusters"] if self.n_clusters else []),
            *kept,
            *(["ll"] if self.loglik is not None else []),
        ]


def make_results(
    made: Covariance,
    estimates: np.ndarray,
    names: Sequence[str],
    sample: Sample,
    inference: Inference,
    **facts: Any,
) -> Results:
    """Results from a covariance and the arrays of an estimate; `facts` are further fields of `Results`."""
    index = pd.Index(list(names), dtype=object)
    fields: dict[str, Any] = {
        "outcome": " + ".join(sample.outcome),
        "formula": sample.formula.text,
        "absorbed": tuple(sample.absorbed),
        "dropped": dict(sample.dropped),
        "nobs": inference.nobs,
        "df_resid": float(inference.nobs - inference.parameters - absorbed_parameters(inference.absorbed)),
    }
    return Results(
        params=pd.Series(estimates, index=index, name="estimate"),
        cov=pd.DataFrame(made.matrix, index=index, columns=index),
        df=made.df,
        vcov_label=made.label,
        n_clusters=made.n_clusters,
        sample=sample,
        inference=inference,
        **{**fields, **facts},
    )


def call_text(function: Callable[..., Any], formula: str, options: Mapping[str, Any]) -> str:
    """The call as the user would write it, options at their default left out."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}
    given = [
        f"{name}={value!r}" for name, value in options.items() if name in defaults and value != defaults[name]
    ]
    return f"gvc.{function.__name__}({', '.join([repr(formula), 'data', *given])})"


def distribution(df: float) -> Any:
    """The distribution of test statistics: normal, or t when `df` is finite."""
    return stats.norm() if np.isinf(df) else stats.t(df)
