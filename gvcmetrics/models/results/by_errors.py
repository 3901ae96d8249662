"""What a model says beside its estimates that depends on how its errors are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from gvcmetrics.models.inference.covariance import Vcov


@dataclass(frozen=True)
class ByErrors:
    """Statistics, frames by title and sentences, of the covariance `errors`; see `Results`."""

    statistics: Mapping[str, float] = field(default_factory=dict)
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    errors: Vcov | None = None
