"""Estimates without each cluster in turn: the one cluster jackknife of all models."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import ConvergenceWarning, EstimationWarning, ModelError
from gvcmetrics.ground.warn import warn

Refit = Callable[[NDArray[np.bool_]], np.ndarray | None]
# (rows left out) -> X'WX and X'Wy of the others
Moments = Callable[[NDArray[np.intp]], tuple[np.ndarray, np.ndarray]]


def refitted(refit: Refit, parameters: int) -> Callable[[np.ndarray], np.ndarray]:
    """Cluster codes -> estimates (G, k), each fitted to the rows (or units) that `keep` leaves.

    Missing where nothing can be estimated without the cluster, or a regressor is lost.
    """

    def estimates(codes: np.ndarray) -> np.ndarray:
        found = np.full((int(codes.max()) + 1, parameters), np.nan)
        for cluster in range(len(found)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", EstimationWarning)
                warnings.simplefilter("error", ConvergenceWarning)
                try:
                    made = refit(codes != cluster)
                except (ModelError, ConvergenceWarning):
                    continue
            if made is not None:
                found[cluster] = made
        return found

    return estimates


def downdated(codes: np.ndarray, moments: Moments, diagonal: np.ndarray) -> np.ndarray:
    """Least-squares estimates (G, k) without each cluster, from the moments of the other rows.

    diagonal : of X'WX of all rows; scaling by it keeps the rank decision free of the regressors' units.
    """
    groups, k = int(codes.max()) + 1, len(diagonal)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=groups))
    scale = np.sqrt(np.maximum(diagonal, np.finfo(float).tiny))
    found = np.empty((groups, k))
    deficient = 0
    for group in range(groups):
        gram, moment = moments(order[ends[group - 1] if group else 0 : ends[group]])
        solution, _, rank, _ = np.linalg.lstsq(gram / np.outer(scale, scale), moment / scale, rcond=1e-11)
        found[group] = solution / scale
        deficient += rank < k
    if deficient:
        warn(
            f"without {deficient} of {groups} clusters a regressor is collinear; its CRV3 error is void",
        )
    return found
