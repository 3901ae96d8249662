"""Coefficients as ratios: odds, relative risks, incidence rates, hazards."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.inference.estimates import Estimates


def ratio_of(results: Estimates) -> str:
    """What exp(b) of the model is called.

    Raises
    ------
    ModelError : it is no ratio.
    """
    ratio: str | None = None if results.response is None else results.response.ratio
    if ratio is None:
        raise ModelError(
            f"exp(b) of {results.model} is no ratio",
            remedy="It is one of logit, ordered_logit, multinomial_logit, fractional_logit, cloglog, poisson "
            "and negative_binomial; of other models see margins(scale='semi_elasticity')",
        )
    return ratio


def as_ratios(results: Estimates, tidy: pd.DataFrame) -> pd.DataFrame:
    r"""A tidy frame with :math:`e^b`, errors :math:`e^b s` and intervals of these, of coefficients alone."""
    ratio_of(results)
    other = {term for title in results.ancillary for term in results.blocks.get(title, ())}
    rows = ~tidy["term"].isin(other).to_numpy()
    made = tidy.copy()
    ratio = np.exp(tidy["estimate"].to_numpy())
    made["std_error"] = np.where(rows, ratio * tidy["std_error"], tidy["std_error"])
    for column in ("estimate", "conf_low", "conf_high"):
        made[column] = np.where(rows, np.exp(tidy[column].to_numpy()), tidy[column])
    return made
