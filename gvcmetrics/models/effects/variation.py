"""Rows that say nothing of a binary model with absorbed effects."""

from __future__ import annotations

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.groups import varies
from gvcmetrics.models.data.sample import Sample, drop_collinear

NO_VARIATION = "group of an absorbed effect whose outcome never changes"


def with_variation(sample: Sample) -> Sample:
    """Drop the groups of absorbed effects within which the outcome is constant, until none is left."""
    while True:
        keep = np.ones(len(sample.y), dtype=bool)
        for codes in sample.absorbed.values():
            keep &= varies(sample.y, codes)
        if keep.all():
            return drop_collinear(sample, [*sample.absorbed.values()])
        if not keep.any():
            raise ModelError(
                f"'{sample.outcome[0]}' varies within no group of {' + '.join(sample.absorbed)}",
                remedy="Absorb coarser effects",
            )
        sample = sample.select(keep, NO_VARIATION)
