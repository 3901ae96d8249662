"""From a request to Results, for models of two equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.frames import panel_of
from gvcmetrics.models.engine.conclude import conclude
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.likelihood.newton import one_blas_thread
from gvcmetrics.models.paired.pair import Pair
from gvcmetrics.models.results.results import Results


def travel(
    request: Request,
    response: Response,
    rows: Callable[[Request], Pair],
    estimate: Callable[[Request, Response, Pair], Estimate],
) -> Results:
    """Rows, estimates, errors."""
    if request.path is not None:
        raise ModelError(f"{response.name} is not fitted from a file", remedy="Read it with pd.read_parquet")
    data, unit, time = panel_of(request.data, request.unit, request.time)
    request = replace(request, data=data, unit=unit, time=time)
    with one_blas_thread():
        return conclude(request, response, estimate(request, response, rows(request)), ())
