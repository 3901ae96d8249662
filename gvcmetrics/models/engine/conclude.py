"""From an estimate to Results: the one place where errors are made and printed facts put together."""

from __future__ import annotations

from dataclasses import replace

from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.inference.covariance import covariance
from gvcmetrics.models.results.by_errors import ByErrors
from gvcmetrics.models.results.results import Results, labelled


def conclude(request: Request, response: Response, made: Estimate, means: tuple[str, ...]) -> Results:
    """The Results of an estimate.

    means : names of unit means among the regressors, which are tested jointly.
    """
    sample = made.sample
    inference = (
        replace(made.inference, around=sample.around) if isinstance(sample, Sample) else made.inference
    )
    errors = covariance(request.errors, inference, made.codes)
    tested, blocks = _unit_means(made, means)
    moved = ByErrors() if made.renewed is None else made.renewed(request.errors)
    note = () if sample.note is None else (sample.note,)
    return Results(
        **labelled(errors, made.params, made.names),
        response=response,
        request=request,
        model=made.title or response.title,
        outcome=" + ".join(sample.outcome),
        formula=sample.formula.text,
        call=request.call,
        effects=request.effects,
        absorbed=(*sample.absorbed, *(sample.slopes if isinstance(sample, Sample) else ())),
        dropped=dict(sample.dropped),
        nobs=inference.nobs,
        df_resid=float(inference.nobs - inference.total_parameters),
        loglik=made.loglik,
        converged=made.converged,
        facts=made.statistics,
        tested={**made.tested, **tested},
        blocks=blocks,
        ancillary=made.ancillary,
        untested=made.untested,
        extra={**made.extra, **moved.extra},
        notes=(*_correction(request, made), *made.notes, *note),
        sample=sample,
        inference=inference,
        codes=made.codes,
        predictor=made.predictor,
        quadrature=made.quadrature,
        renewed=made.renewed,
        moved=moved,
    )


def _correction(request: Request, made: Estimate) -> tuple[str, ...]:
    if made.uncorrected is None:
        return ()
    before = ", ".join(f"{name} {b:.4f}" for name, b in zip(made.names, made.uncorrected, strict=True))
    return (f"Bias corrected ({request.bias_correction}); before: {before}.",)


def _unit_means(
    made: Estimate, means: tuple[str, ...]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """What is tested jointly, by name of the statistic, and the blocks with the means in one of their own."""
    blocks = dict(made.blocks)
    if not means:
        return {}, blocks
    plain = {name: name.split(": ", 1)[-1] for name in made.names}
    tested = tuple(name for name, without in plain.items() if without in means)
    if not any(name in terms for terms in blocks.values() for name in tested):
        blocks = {"Unit means": tested, **blocks}
    return {"mundlak": tested}, blocks
