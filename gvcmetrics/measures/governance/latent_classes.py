"""Latent classes of firms from survey items: the alternative to rules, where the data draw the types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvcmetrics.errors import ConvergenceWarning, DataError, Place
from gvcmetrics.ground.vocabulary import UNCLASSIFIED
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import record
from gvcmetrics.measures.items import checked_items
from gvcmetrics.measures.requirements import sampling_weights


@dataclass(frozen=True)
class LatentClasses:
    """A latent class model and each row's probability of every class.

    Attributes
    ----------
    shares : share of each class; classes are ordered by their expected sum of answers, lowest first.
    response_probabilities : probability of each answer (index: item, answer) in each class.
    posterior : probability of each class for every row; missing where no item is answered.
    log_likelihood, n_parameters, n_rows, n_iterations, converged : of the best start.
    """

    shares: pd.Series
    response_probabilities: pd.DataFrame
    posterior: pd.DataFrame
    log_likelihood: float
    n_parameters: int
    n_rows: int
    n_iterations: int
    converged: bool

    @property
    def aic(self) -> float:
        """Akaike criterion, −2 log L + 2 k."""
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Bayesian criterion, −2 log L + k log n."""
        return float(-2 * self.log_likelihood + self.n_parameters * np.log(self.n_rows))

    @property
    def relative_entropy(self) -> float:
        """1 − Σ −p ln p / (n ln C): 1 where every row has one sure class (Ramaswamy et al. 1993)."""
        p = self.posterior.dropna().to_numpy()
        return float(1 + (p * np.log(np.where(p > 0, p, 1.0))).sum() / (len(p) * np.log(p.shape[1])))

    def most_likely(self, minimum: float = 0.0) -> pd.Series:
        """Most likely class of each row; unclassified where its probability is below `minimum` or unknown."""
        best = self.posterior.fillna(-1.0).max(axis=1)
        label = self.posterior.fillna(-1.0).idxmax(axis=1).where((best >= minimum) & (best > 0), UNCLASSIFIED)
        found = pd.Categorical(label, [*self.posterior.columns, UNCLASSIFIED])
        classes = pd.Series(found, self.posterior.index, name="class")
        return record(classes, "class", *self.posterior.columns, like=self.posterior)


def latent_classes(
    frame: pd.DataFrame,
    items: Sequence[str],
    n_classes: int,
    *,
    weights: str | None = None,
    scale: tuple[int, int] = (0, 1),
    starts: int = 20,
    tolerance: float = 1e-13,
    max_iterations: int = 5000,
    seed: int = 0,
) -> LatentClasses:
    """Latent class analysis of categorical items by the EM algorithm.

    .. math:: \\log L = \\sum_i w_i \\log \\sum_c \\pi_c \\prod_{j \\in answered(i)} p_{c j y_{ij}}

    Answers are independent within a class. A missing answer drops out of the product (missing at
    random). The best of `starts` random starts is kept.

    Parameters
    ----------
    frame : rows of firms or ties.
    items : items with whole-number answers on `scale`.
    n_classes : at least two.
    scale : lowest and highest answer; answers that nobody gives are left out of the model.
    weights : sampling weight, scaled to mean one (a pseudo-likelihood); unweighted by default.
    starts, seed : random starts and the seed that makes them repeatable.
    tolerance : stop when the log likelihood, relative to its size, grows by less.
    max_iterations : in each start.

    Returns
    -------
    LatentClasses

    Raises
    ------
    DataError
        Items off the scale, fewer than two classes, no answered row, or more parameters than the items'
        answer patterns can carry (not identified).

    Warns
    -----
    ConvergenceWarning
        The best start reached `max_iterations`.

    Source: Lazarsfeld and Henry (1968); Goodman (1974); Linzer and Lewis (2011) for missing
    answers.
    """
    answers = checked_items(frame, items, scale=scale)
    given = sampling_weights(frame, weights)
    mass = np.ones(len(frame)) if given is None else given
    used = answers.notna().any(axis=1).to_numpy() & (mass > 0)
    if not used.any():
        raise DataError("no row answers any item", Place(column=items[0]))
    levels = [np.unique(answers[item].dropna().to_numpy()) for item in items]
    n_parameters = n_classes - 1 + n_classes * sum(len(level) - 1 for level in levels)
    freedom = int(np.prod([len(level) for level in levels])) - 1
    if n_classes < 2 or n_parameters > freedom:
        raise DataError(
            f"{n_classes} classes need {n_parameters} parameters and the items' patterns carry {freedom}",
            remedy="Ask for at least two and fewer classes, or declare more items.",
        )
    mass = np.where(used, mass, 0.0)
    mass = mass * (used.sum() / mass.sum())
    patterns, place = np.unique(answers.fillna(np.inf).to_numpy(), axis=0, return_inverse=True)
    place = place.ravel()
    mass = np.bincount(place, mass, len(patterns))
    # One indicator column for each answer of each item; a row with a missing answer has none set.
    indicators = np.hstack([patterns[:, [j]] == level for j, level in enumerate(levels)]).astype(np.float64)
    blocks = np.repeat(np.arange(len(items)), [len(level) for level in levels])

    rng = np.random.default_rng(seed)
    best = max(
        (_em(indicators, blocks, mass, n_classes, rng, tolerance, max_iterations) for _ in range(starts)),
        key=lambda fit: fit[0],
    )
    log_likelihood, shares, probabilities, posterior, iterations, converged = best
    if not converged:
        warn(
            f"the EM algorithm stopped at {max_iterations} iterations before it converged",
            ConvergenceWarning,
        )
    order = np.argsort(np.concatenate(levels) @ probabilities)
    names = pd.Index([f"class_{c + 1}" for c in range(n_classes)], name="class")
    answered = np.isfinite(patterns).any(axis=1, keepdims=True)
    by_row = np.where(answered, posterior, np.nan)[place]
    index = pd.MultiIndex.from_arrays(
        [np.repeat(np.array(items, dtype=object), [len(level) for level in levels]), np.concatenate(levels)],
        names=["item", "answer"],
    )
    by_class = pd.DataFrame(by_row[:, order], frame.index, names)
    for name in names:
        record(by_class, name, *items, like=frame)
    return LatentClasses(
        shares=pd.Series(shares[order], names, name="share"),
        response_probabilities=pd.DataFrame(probabilities[:, order], index, names),
        posterior=by_class,
        log_likelihood=float(log_likelihood),
        n_parameters=n_parameters,
        n_rows=int(used.sum()),
        n_iterations=iterations,
        converged=converged,
    )


def _em(
    indicators: np.ndarray,
    blocks: np.ndarray,
    mass: np.ndarray,
    n_classes: int,
    rng: np.random.Generator,
    tolerance: float,
    max_iterations: int,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, int, bool]:
    """One start: log likelihood, class shares, answer probabilities (answer × class), posterior."""
    shares = np.full(n_classes, 1 / n_classes)
    of_item = (blocks[:, None] == blocks).astype(np.float64)  # answer × answer: the same item
    probabilities = rng.uniform(0.1, 0.9, (len(blocks), n_classes))
    probabilities /= of_item @ probabilities
    previous = -np.inf
    posterior = np.empty((len(mass), n_classes))
    for iteration in range(1, max_iterations + 1):
        joint = np.log(shares) + indicators @ np.log(probabilities)
        peak = joint.max(axis=1, keepdims=True)
        likelihood = np.exp(joint - peak)
        row = likelihood.sum(axis=1, keepdims=True)
        posterior = likelihood / row
        value = float(mass @ (peak + np.log(row)).ravel())
        if value - previous < tolerance * abs(value):
            return value, shares, probabilities, posterior, iteration, True
        previous = value
        expected = posterior * mass[:, None]
        shares = np.maximum(expected.sum(axis=0) / mass.sum(), 1e-300)
        counts = np.maximum(indicators.T @ expected, 1e-300)
        probabilities = counts / (of_item @ counts)
    return previous, shares, probabilities, posterior, max_iterations, False
