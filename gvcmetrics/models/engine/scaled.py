"""Every model is estimated on centred and scaled regressors; this brings the estimates back, exactly.

With regressors :math:`z = (x - c)/s` the index is the same for slopes :math:`b = b_z/s` and a constant
:math:`a = a_z - c'b` (cutpoints, which are subtracted from the index, move the other way). That is a linear
map T of the parameters, so scores go by :math:`T^{-1}` and covariances by :math:`T V T'`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gvcmetrics.models.data.batch import Array, EstimationSample
from gvcmetrics.models.data.scaling import Scaling
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.inference.bias_reduced import Working
from gvcmetrics.models.inference.covariance import Inference


def estimate_scaled(
    treatment: Treatment, request: Request, response: Response, sample: EstimationSample
) -> Estimate:
    """The estimate of a treatment, whatever the units of the regressors."""
    scaling = Scaling.of(sample.column_moments, centred=_takes_up_constants(request, response, sample))
    if scaling is None:
        return treatment.estimate(request, response, sample)
    of_name = dict(zip(sample.names, zip(scaling.centre, scaling.scale, strict=True), strict=True))
    if request.fix:
        held = {
            name: value * of_name.get(name.split(": ", 1)[-1], (0.0, 1.0))[1]
            for name, value in request.fix.items()
        }
        asked = replace(request, fix=held)
    else:
        asked = request
    made = treatment.estimate(asked, response, sample.scaled(scaling))
    centre, scale = (np.array([of_name[name][i] for name in made.sample.names]) for i in range(2))
    indices = response.family(made.sample).n_indices
    back = Back.of(made, centre, scale, indices, response.intercept)
    return back.estimate(made, sample)


def _takes_up_constants(request: Request, response: Response, sample: EstimationSample) -> bool:
    """Whether what is subtracted from a regressor leaves the model what it was.

    A constant that is held at a value takes up nothing.
    """
    there = (
        "Intercept" in sample.names
        or bool(sample.absorbed)
        or request.effects == "fixed"
        or not response.intercept
    )
    plain = {name.split(": ", 1)[-1] for name in request.fix or ()}
    return there and plain <= {*sample.names} - {"Intercept"}


@dataclass(frozen=True)
class Back:
    """The map T from parameters of scaled regressors to those of the regressors themselves.

    stretch : the sum of the logarithms of all scales, -log|det T|.
    """

    T: Array
    inverse: Array
    centre: Array
    scale: Array
    stretch: float

    @classmethod
    def of(cls, made: Estimate, centre: Array, scale: Array, indices: int, intercept: bool) -> Back:
        """The map for the parameters of an estimate; they begin with the coefficients of each index."""
        names, count = made.sample.names, len(made.params)
        T, inverse = np.eye(count), np.eye(count)
        k = len(names)
        at = names.index("Intercept") if "Intercept" in names else None
        first = indices * k
        cuts = () if intercept or made.predictor is None or made.predictor.conditional else range(
            first, first + len(made.predictor.family.constants)
        )  # fmt: skip
        for j in range(indices):
            block = slice(j * k, (j + 1) * k)
            T[block, block], inverse[block, block] = np.diag(1.0 / scale), np.diag(scale)
            if at is not None:
                T[j * k + at, block] -= centre / scale
                inverse[j * k + at, block] += centre
            for cut in cuts:
                T[cut, block] += centre / scale
                inverse[cut, block] -= centre
        return cls(T, inverse, centre, scale, indices * float(np.log(scale).sum()))

    def estimate(self, made: Estimate, before: EstimationSample) -> Estimate:
        """The estimate in the units of the regressors of `before`."""
        sample = made.sample.unscaled(before)
        facts = dict(made.statistics)
        if "penalised_loglik" in facts:
            # Half the log determinant of the information, which has units.
            facts["penalised_loglik"] += self.stretch
        return replace(
            made,
            sample=sample,
            params=self.T @ made.params,
            uncorrected=None if made.uncorrected is None else self.T @ made.uncorrected,
            inference=self.inference(made.inference, penalised="penalised_loglik" in facts),
            statistics=facts,
            predictor=None if made.predictor is None else replace(made.predictor, sample=sample),
        )

    def inference(self, made: Inference, *, penalised: bool) -> Inference:
        """Scores, bread and what else covariances and tests are made from."""
        return replace(
            made,
            # Of a file that no covariance needs the scores of, there are none.
            scores=made.scores @ self.inverse if made.scores.shape[1] == len(self.T) else made.scores,
            bread=self.T @ made.bread @ self.T.T,
            estimates=None if made.estimates is None else self.T @ made.estimates,
            jackknife=self._jackknife(made.jackknife),
            restricted=self._restricted(made.restricted),
            working=self._working(made.working),
            profile=self._profile(made.profile, self.stretch if penalised else 0.0),
            own={key: (self.T @ V @ self.T.T, label) for key, (V, label) in made.own.items()},
            regression=None
            if made.regression is None
            else (made.regression[0] @ self.inverse, *made.regression[1:]),
        )

    def _jackknife(
        self, scaled: Callable[[np.ndarray], np.ndarray] | None
    ) -> Callable[[np.ndarray], np.ndarray] | None:
        if scaled is None:
            return None
        return lambda codes: scaled(codes) @ self.T.T

    def _working(self, scaled: Callable[[], Working] | None) -> Callable[[], Working] | None:
        if scaled is None:
            return None

        def working() -> Working:
            made = scaled()
            return replace(made, X=made.X @ self.inverse)

        return working

    def _profile(
        self, scaled: Callable[[np.ndarray, np.ndarray], float] | None, shift: float
    ) -> Callable[[np.ndarray, np.ndarray], float] | None:
        if scaled is None:
            return None
        return lambda base, Z: scaled(self.inverse @ base, self.inverse @ Z) + shift

    def _restricted(
        self, scaled: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None
    ) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None:
        if scaled is None:
            return None

        def under(R: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            scores, bread = scaled(R @ self.T, r)
            return scores @ self.inverse, self.T @ bread @ self.T.T

        return under
