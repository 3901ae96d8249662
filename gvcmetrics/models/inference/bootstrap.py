r"""Wild cluster bootstrap: tests and intervals that hold their size with few clusters.

Linear models: the wild cluster bootstrap-t of Cameron, Gelbach & Miller (2008), null imposed (WCR) or
not (WCU), by the fast algorithm of Roodman, Nielsen, MacKinnon & Webb (2019). Likelihood models: the score
bootstrap of Kline & Santos (2012), whose statistic is that of a score test with the null imposed, of a Wald
test without.

The p-value is the share of draws whose statistic is at least as far from zero as the sample's, the
sample itself counted as one draw: :math:`(1 + \#\{|t^*_b| \ge |t|\})/(B + 1)`, or the share alone
when all :math:`2^H` Rademacher draws are enumerated, of which the sample is one. It is never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formula import split_outside
from gvcmetrics.models.inference.covariance import Inference, cluster_factor
from gvcmetrics.models.inference.estimates import Estimates
from gvcmetrics.models.inference.restrictions import linear_hypotheses
from gvcmetrics.models.inference.wild_scores import (
    WildScores,
    likelihood_scores,
    line_moments,
    linear_scores,
    moments,
)

_MOST_ENUMERATED = 16
# Statistics that only rounding tells apart are ties, and the sample ties with itself.
_TIE = 1.0 - 1e-9
_WEBB = np.sqrt([0.5, 1.0, 1.5])
_MAMMEN_LOW, _MAMMEN_HIGH = (1 - np.sqrt(5)) / 2, (1 + np.sqrt(5)) / 2
_MAMMEN_SHARE = (np.sqrt(5) + 1) / (2 * np.sqrt(5))


@dataclass(frozen=True, eq=False)
class BootstrapTest:
    """A bootstrap test of linear hypotheses.

    Attributes
    ----------
    statistic : t of a single hypothesis (signed), Wald's W of several.
    pvalue : two-sided.
    conf_low, conf_high : interval of the left-hand side by inversion; missing for several hypotheses.
    draws : (B) statistics of the draws; those whose variance is not positive are missing.
    n_clusters : of the bootstrap. enumerated : whether the draws are all there are.
    """

    name: str
    null: str
    statistic: float
    pvalue: float
    conf_low: float
    conf_high: float
    level: float
    draws: np.ndarray = field(repr=False)
    n_clusters: int
    weights: str
    enumerated: bool

    def __str__(self) -> str:
        how = "all" if self.enumerated else "seeded"
        lines = [
            f"{self.name}: {self.statistic:.4f}, p = {self.pvalue:.4f}",
            f"H0: {self.null}",
            f"{len(self.draws)} {self.weights} draws ({how}) of {self.n_clusters} clusters",
        ]
        if not np.isnan(self.conf_low):
            lines.insert(1, f"{self.level:.0%} interval: {self.conf_low:.4f} to {self.conf_high:.4f}")
        return "\n".join(lines)

    __repr__ = __str__


def wild_bootstrap(
    results: Estimates,
    hypotheses: str | Sequence[str],
    cluster: str,
    *,
    bootstrap_cluster: str | None = None,
    draws: int = 999,
    weights: str = "rademacher",
    impose_null: bool = True,
    interval: bool = True,
    level: float = 0.95,
    seed: int = 1,
) -> BootstrapTest:
    """Wild cluster bootstrap test of linear hypotheses after any model.

    Parameters
    ----------
    results : of a linear or a likelihood model; nothing of its `vcov` matters.
    hypotheses : as in `Results.test`: `"x"` (x = 0), `"a = b"`, or several, tested jointly.
    cluster : column that the errors are clustered by, `"region"`; `"region + year"` for several ways.
    bootstrap_cluster : column whose groups are drawn; by default the way with the fewest groups
        (MacKinnon, Nielsen & Webb 2021).
    draws : number of draws B; choose it so that (1 − level)(B + 1) is whole. All :math:`2^H` sign patterns
        are taken instead when they are not more than B + 1.
    weights : `rademacher`; `webb` (six points; fewer than about ten clusters); `mammen`.
    impose_null : restrict the estimates by the null when residuals or scores are made.
    interval : whether to invert the test; in likelihood models with the null imposed each point takes a fit.
    level : of the interval.
    seed : of the draws; the same seed, clusters and B give the same draws.

    Raises
    ------
    ModelError : one cluster only; the model keeps no residuals or cannot be restricted; see the message.

    Examples
    --------
    >>> import pandas as pd
    >>> from gvcmetrics.models import ols
    >>> frame = pd.DataFrame({
    ...     "region": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6],
    ...     "rd": [1, 2, 3, 1, 4, 6, 2, 5, 3, 4, 1, 6],
    ...     "sales": [1, 3, 2, 2, 5, 6, 1, 7, 4, 3, 2, 5]})
    >>> wild_bootstrap(ols("sales ~ rd", frame), "rd", "region")
    Wild cluster bootstrap t (null imposed): 4.4485, p = 0.0625
    95% interval: -0.3895 to 1.9898
    H0: rd = 0
    64 rademacher draws (all) of 6 clusters
    """
    if not 0 < level < 1:
        raise ModelError(f"level={level} is not between 0 and 1", remedy="Write 0.95 for 95 %")
    R, r, null = linear_hypotheses(list(results.params.index), hypotheses)
    setting = Setting.of(results, cluster, bootstrap_cluster)
    v, enumerated = draw_weights(setting.n_clusters, draws, weights, seed)
    observed, drawn, statistic_at = setting.statistics(R, r, v, impose_null, line=interval and len(R) == 1)
    single = len(R) == 1
    low = high = np.nan
    if single and interval:
        estimate = float((R @ results.params.to_numpy())[0])

        def pvalue_at(value: float) -> float:
            return bootstrap_pvalue(*statistic_at(value), enumerated)

        low, high = _invert(pvalue_at, estimate, setting.std_error(R), 1 - level)
    linear = setting.inference.linear
    kind = "Wild cluster bootstrap" if linear else "Score cluster bootstrap"
    return BootstrapTest(
        name=f"{kind} {'t' if single else 'Wald'} ({'null imposed' if impose_null else 'null not imposed'})",
        null=null,
        statistic=observed,
        pvalue=bootstrap_pvalue(observed, drawn, enumerated),
        conf_low=low,
        conf_high=high,
        level=level,
        draws=drawn,
        n_clusters=setting.n_clusters,
        weights=weights,
        enumerated=enumerated,
    )


def draw_weights(n_clusters: int, draws: int, kind: str, seed: int) -> tuple[np.ndarray, bool]:
    """Weights (H, B) of the clusters, and whether they are all sign patterns.

    rademacher : −1, 1. webb : ±√½, ±1, ±√1.5 (Webb 2014). mammen : (1 ∓ √5)/2 (Mammen 1993).
    """
    if not isinstance(draws, int) or draws < 1:
        raise ModelError(f"draws={draws!r} must be a whole number above zero", remedy="Use 999 or 9999")
    if kind == "rademacher" and n_clusters <= _MOST_ENUMERATED and 2**n_clusters <= draws + 1:
        patterns = np.arange(2**n_clusters)[None, :] >> np.arange(n_clusters)[:, None]
        return 1.0 - 2.0 * (patterns & 1), True
    rng = np.random.default_rng(seed)
    shape = (n_clusters, draws)
    if kind == "rademacher":
        return 1.0 - 2.0 * rng.integers(0, 2, shape), False
    if kind == "webb":
        return rng.choice(np.concatenate([-_WEBB, _WEBB]), shape), False
    if kind == "mammen":
        return np.where(rng.random(shape) < _MAMMEN_SHARE, _MAMMEN_LOW, _MAMMEN_HIGH), False
    raise ModelError(f"weights={kind!r} are not known", remedy="Use rademacher, webb or mammen")


def bootstrap_pvalue(statistic: float, drawn: np.ndarray, enumerated: bool) -> float:
    """Share of draws at least as far from zero; the sample counts as a draw unless it is one already."""
    known = drawn[np.isfinite(drawn)]
    if not (len(known) and np.isfinite(statistic)):
        raise ModelError(
            "the variance of the sample or of every draw is not positive",
            remedy="Use another bootstrap_cluster",
        )
    beyond = int((np.abs(known) >= abs(statistic) * _TIE).sum())
    return beyond / len(known) if enumerated else (1 + beyond) / (1 + len(known))


Statistics = tuple[float, np.ndarray]


@dataclass(frozen=True, eq=False)
class Setting:
    """A model with the codes of its error clusters and of the clusters that are drawn."""

    params: np.ndarray
    inference: Inference
    ways: tuple[np.ndarray, ...]
    boot: np.ndarray
    boot_name: str

    @classmethod
    def of(cls, results: Estimates, cluster: str, bootstrap_cluster: str | None) -> Setting:
        """Look the clusters up; the fewest groups are drawn unless told otherwise."""
        codes = results.codes
        if results.inference is None or codes is None:
            raise ModelError("this result does not keep what the bootstrap needs")
        names = [name.strip() for name in split_outside(cluster, "+")]
        ways = {name: codes(name) for name in names}
        drawn = bootstrap_cluster or min(ways, key=lambda name: int(ways[name].max()))
        boot = ways[drawn] if drawn in ways else codes(drawn)
        for name, groups in [*ways.items(), (drawn, boot)]:
            if int(groups.max()) < 1:
                raise ModelError(f"'{name}' has one group only; the bootstrap needs at least two")
        return cls(results.params.to_numpy(), results.inference, tuple(ways.values()), boot, drawn)

    @property
    def n_clusters(self) -> int:
        """Groups that are drawn."""
        return int(self.boot.max()) + 1

    def std_error(self, R: np.ndarray) -> float:
        """CRV1 error of the one hypothesis."""
        _, variance = self._observed(R)
        return float(np.sqrt(max(self._factor * variance[0, 0], 1e-300)))

    def statistics(
        self, R: np.ndarray, r: np.ndarray, draws: np.ndarray, impose_null: bool, line: bool = False
    ) -> tuple[float, np.ndarray, Callable[[float], Statistics]]:
        """The sample's statistic, those of the draws, and both as functions of r.

        line : whether that function will be called (it costs a linear model as much again).
        """
        if self.inference.linear:
            return self._linear(R, r, draws, impose_null, line)
        return self._likelihood(R, r, draws, impose_null)

    def _linear(
        self, R: np.ndarray, r: np.ndarray, draws: np.ndarray, impose_null: bool, line: bool
    ) -> tuple[float, np.ndarray, Callable[[float], Statistics]]:
        if self.inference.regression is None:
            raise ModelError("this result does not keep the residuals that the bootstrap needs")
        X, residuals, _ = self.inference.regression
        pull = self.inference.bread @ R.T @ np.linalg.inv(R @ self.inference.bread @ R.T)
        gap = R @ self.params - r
        _, variance = self._observed(R)
        observed = self._studentised(gap[:, None], variance[:, :, None])[0]
        start = residuals + X @ pull @ gap if impose_null else residuals
        first = self._scores_of(R, start)
        drawn = self._studentised(*moments(first, draws))

        def moved(value: float) -> float:
            return float(self._studentised(gap[:, None] - (value - r[0]), variance[:, :, None])[0])

        if not (line and impose_null):
            return float(observed), drawn, lambda value: (moved(value), drawn)
        n0, n1, v00, v01, v11 = line_moments(first, self._scores_of(R, -(X @ pull)[:, 0]), draws)

        def at(value: float) -> Statistics:
            d = value - r[0]
            spread = v00 + 2 * d * v01 + d**2 * v11
            return moved(value), self._studentised((n0 + d * n1)[None], spread[None, None])

        return float(observed), drawn, at

    def _likelihood(
        self, R: np.ndarray, r: np.ndarray, draws: np.ndarray, impose_null: bool
    ) -> tuple[float, np.ndarray, Callable[[float], Statistics]]:
        if not impose_null:
            variance = self._observed(R)[1][:, :, None]
            drawn = self._studentised(*moments(self._observed(R)[0], draws))

            def wald(value: np.ndarray) -> float:
                return float(self._studentised((R @ self.params - value)[:, None], variance)[0])

            return wald(r), drawn, lambda value: (wald(np.array([value])), drawn)

        def at(value: np.ndarray) -> Statistics:
            if self.inference.restricted is None:
                raise ModelError(
                    "this model cannot be fitted under a restriction here", remedy="Use impose_null=False"
                )
            scores, bread = self.inference.restricted(R, value)
            made = likelihood_scores(scores, bread, R, self.ways, self.boot)
            own = moments(made, np.ones((self.n_clusters, 1)))
            return float(self._studentised(*own)[0]), self._studentised(*moments(made, draws))

        observed, drawn = at(r)
        return observed, drawn, lambda value: at(np.array([value]))

    def _observed(self, R: np.ndarray) -> tuple[WildScores, np.ndarray]:
        """Scores at the estimates, and the variance of Rβ without small-sample factor."""
        made = likelihood_scores(self.inference.scores, self.inference.bread, R, self.ways, self.boot)
        return made, moments(made, np.ones((self.n_clusters, 1)))[1][:, :, 0]

    def _scores_of(self, R: np.ndarray, residuals: np.ndarray) -> WildScores:
        return linear_scores(self.inference, R, residuals, self.ways, self.boot)

    @property
    def _factor(self) -> float:
        return cluster_factor(self.inference, self.ways)

    def _studentised(self, numerator: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """t (signed) of one hypothesis, Wald's W of several; missing where the variance is not positive."""
        if len(numerator) == 1:
            spread = self._factor * variance[0, 0]
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(spread > 0, numerator[0] / np.sqrt(spread), np.nan)
        matrices = self._factor * np.moveaxis(variance, 2, 0)
        usable = np.linalg.eigvalsh(matrices)[:, 0] > 1e-12 * np.trace(matrices, axis1=1, axis2=2)
        found = np.full(numerator.shape[1], np.nan)
        gaps = numerator.T[usable]
        found[usable] = np.einsum(
            "bi,bi->b", gaps, np.linalg.solve(matrices[usable], gaps[:, :, None])[:, :, 0]
        )
        return found


def _invert(
    pvalue_at: Callable[[float], float], estimate: float, step: float, alpha: float
) -> tuple[float, float]:
    """The ends of the hypotheses around the estimate with p above alpha; infinite where p stays above."""

    def end(direction: int) -> float:
        inside, outside, width = estimate, estimate + direction * 2 * step, 2 * step
        while pvalue_at(outside) > alpha:
            inside, width = outside, 2 * width
            outside = estimate + direction * width
            if width > 1e4 * step:
                return direction * np.inf
        while abs(outside - inside) > 1e-5 * step:
            middle = (inside + outside) / 2
            if pvalue_at(middle) > alpha:
                inside = middle
            else:
                outside = middle
        return (inside + outside) / 2

    return end(-1), end(1)
