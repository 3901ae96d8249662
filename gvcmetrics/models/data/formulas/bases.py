r"""Polynomials that keep their basis: what is computed of new rows is in the coordinates of the estimates.

Orthogonal ones follow the three-term recurrence
:math:`p_k(x) = (x - a_{k-1})\,p_{k-1}(x) - b_{k-1}\,p_{k-2}(x)`, with a and b from the rows of the estimates
(Kennedy & Gentle 1980, section 8.3), scaled to unit length there, as R's `poly`. Complex numbers are carried
through, which is how margins differentiate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from formulaic.materializers.types import FactorValues
from formulaic.utils.stateful_transforms import stateful_transform


@stateful_transform
def poly(x: Any, degree: int = 1, raw: bool = False, _state: dict[str, Any] = {}) -> FactorValues[Any]:  # noqa: B006
    """The columns x, …, x^degree, or orthogonal polynomials of these degrees; (n, degree)."""
    values = np.asarray(x)
    values = values if np.iscomplexobj(values) else values.astype(np.float64)
    names = tuple(str(power) for power in range(1, degree + 1))
    if raw:
        return FactorValues(np.stack([values**k for k in range(1, degree + 1)], axis=1), column_names=names)
    if not _state:
        _state.update(_recurrence(values[np.isfinite(values)], degree))
    centres, lengths = _state["centres"], _state["lengths"]
    P = [np.ones_like(values)]
    for k in range(1, degree + 1):
        P.append((values - centres[k - 1]) * P[k - 1])
        if k > 1:
            P[k] = P[k] - lengths[k - 1] / lengths[k - 2] * P[k - 2]
    made = np.stack([P[k] / np.sqrt(lengths[k]) for k in range(1, degree + 1)], axis=1)
    return FactorValues(made, column_names=names)


def _recurrence(x: np.ndarray, degree: int) -> dict[str, list[float]]:
    """The centres a and the squared lengths of the polynomials of degree 0, 1, …"""
    before, now = np.zeros_like(x), np.ones_like(x)
    centres, lengths = list[float](), [float(now @ now)]
    for k in range(degree):
        centres.append(float(x @ now**2) / lengths[k])
        back = 0.0 if k == 0 else lengths[k] / lengths[k - 1]
        before, now = now, (x - centres[k]) * now - back * before
        lengths.append(float(now @ now))
    return {"centres": centres, "lengths": lengths}
