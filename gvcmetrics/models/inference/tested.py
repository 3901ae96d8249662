"""What tests ask of an estimate, whatever the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from gvcmetrics.models.inference.covariance import Inference


class Tested(Protocol):
    """Estimates with what their covariances are made from."""

    @property
    def model(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def params(self) -> pd.Series: ...
    @property
    def cov(self) -> pd.DataFrame: ...
    @property
    def df(self) -> float: ...
    @property
    def n_clusters(self) -> Mapping[str, int]: ...
    @property
    def inference(self) -> Inference | None: ...
    @property
    def codes(self) -> Callable[[str], np.ndarray] | None: ...
    @property
    def sample(self) -> Any: ...
    def test(self, hypotheses: Any) -> Any: ...
