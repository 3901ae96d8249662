"""What a response is: all that sets one outcome function apart from another, in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.data.outcomes import BINARY, Coding
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.likelihood.expected import Scale, index, outcome_of
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.marginal.predictor import equations

TREATMENTS = ("pooled", "absorbed", "fixed", "random", "correlated", "correlated_pooled")
"""What can be done about units: effects after `|` are `absorbed`, the others are values of `effects=`."""
WITH_SLOPES = "ols and poisson"
"""The responses whose absorbed effects may have slopes by group."""
NOT_CONDITIONAL = (
    "Only the logit has a statistic that conditions unit effects away; unit dummies would bias every "
    "coefficient when periods are few (Neyman & Scott 1948). Use {logit} with effects='fixed', or "
    "effects='correlated' here"
)


@dataclass(frozen=True)
class Treatment:
    """One treatment of unit effects.

    estimate : (request, response, sample) -> estimates.
    absorbs_unit : whether `fixed` means that the unit joins the absorbed effects.
    from_file : whether it takes a sample that is read batch by batch.
    coding : what the outcome may be, where that is less than the response allows elsewhere.
    """

    estimate: Callable[[Request, Response, Any], Estimate]
    absorbs_unit: bool = False
    from_file: bool = False
    coding: Coding | None = None


@dataclass(frozen=True)
class Response:
    """A response.

    Attributes
    ----------
    name, title : the function's name, and the model's in print.
    coding : what the outcome may be.
    family : sample -> family.
    treatments : of unit effects, those that exist.
    instead : for a treatment that does not exist, why, and what to use.
    intercept : whether X has a constant.
    scales : (family, sample, conditional) -> what can be expected, by name; the first is the default.
    cut : family of 1[y > j], where its slopes are the same at every cut j: what Brant's test tests.
    independent : whether alternatives are independent of one another: what Hausman and McFadden test.
    labels : printed names of statistics that no other response has.
    quasi : whether what is maximised on a sample is no likelihood of its rows, so that ratios have no χ²
        distribution.
    ratio : what exp(b) of a coefficient is called; None where it is no ratio.
    slopes : whether absorbed effects may have slopes by group.
    limit : the response that this one becomes at the edge of what its last constant may be.
    index_words, response_words : what the two usual scales are called in print.
    """

    name: str
    title: str
    coding: Coding
    family: Callable[[EstimationSample], Family]
    treatments: Mapping[str, Treatment]
    instead: Mapping[str, str] = field(default_factory=dict)
    intercept: bool = True
    cut: Family | None = None
    independent: bool = False
    quasi: Callable[[EstimationSample], bool] = lambda _: False
    ratio: str | None = None
    slopes: bool = False
    limit: str | None = None
    index_words: str = "linear index"
    response_words: str = "probability"
    labels: Mapping[str, str] = field(default_factory=dict)
    scales: Callable[[Response, Family, EstimationSample, bool], Mapping[str, Scale]] | None = None

    @property
    def binary(self) -> bool:
        """Whether the outcome is one 0/1 outcome."""
        return self.coding is BINARY

    def scales_of(
        self, family: Family, sample: EstimationSample, *, conditional: bool
    ) -> Mapping[str, Scale]:
        """What can be expected of this response, by name of the scale."""
        made = self.scales or usual_scales
        return made(self, family, sample, conditional)

    def instead_of(self, treatment: str) -> str:
        """What to use where a treatment does not exist."""
        offered = [name for name in self.treatments if name != "absorbed"]
        return self.instead.get(treatment, f"Use one of {', '.join(offered)}")


def usual_scales(
    response: Response, family: Family, sample: EstimationSample, conditional: bool
) -> dict[str, Scale]:
    """The response (an expected number, or the probability of each category) and the index."""
    m = family.n_indices
    names = [""] if m == 1 else equations(sample)
    on_index = Scale(response.index_words, {name: index(j) for j, name in enumerate(names)})
    if conditional:
        return {"index": on_index}
    if family.outcomes is None or not sample.categories:
        outcomes = {"": outcome_of(family, 1)}
    else:
        outcomes = {str(label): outcome_of(family, j) for j, label in enumerate(sample.categories)}
    return {"response": Scale(response.response_words, outcomes), "index": on_index}
