"""Whether an industry is more localised than chance and its plants' sizes explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, EstimationWarning, Place
from gvcmetrics.ground.warn import warn
from gvcmetrics.lineage import record
from gvcmetrics.measures.clusters.location import SQUARED, region_industry_table
from gvcmetrics.measures.requirements import group_keys


def ellison_glaeser(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
    plant_herfindahl: pd.Series | None = None,
) -> pd.DataFrame:
    """Ellison–Glaeser index γ of the agglomeration of each industry, with its standard error.

    With s the regional shares of the industry's employment, x those of all employment in the frame and
    z the plants' shares of the industry's employment,

    .. math:: G = \\sum_r (s_r - x_r)^2, \\quad H = \\sum_j z_j^2, \\quad
        \\gamma = \\frac{G / (1 - \\sum_r x_r^2) - H}{1 - H}.

    γ is 0 in the mean when plants locate at random (the dartboard). Under that null

    .. math:: Var(G) = 2 \\{H^2 [X_2 - 2X_3 + X_2^2] - \\sum_j z_j^4 [X_2 - 4X_3 + 3X_2^2]\\},
        \\quad X_k = \\sum_r x_r^k,

    and the standard error is :math:`\\sqrt{Var(G)} / [(1 - X_2)(1 - H)]`.

    Parameters
    ----------
    frame : firm (plant) rows, or the result of `region_industry_table`; or any region × industry table
        together with `plant_herfindahl`.
    plant_herfindahl : H for each industry (index: industry), where it is known from elsewhere; the
        standard error is then missing, for it needs Σ z⁴.
    region, industry, employment, weights, by : as in `region_industry_table`. With sampling weights z is
        a row's share w e / Σ w e: a drawn firm brings all that it stands for to one place, and only this
        H keeps the mean of γ at 0. A row that stands for several plants with places of their own (a
        frequency weight) must be split into rows first.

    Returns
    -------
    pandas.DataFrame
        One row for each industry: keys, `n_rows`, `employment`, `raw_concentration` (G),
        `plant_herfindahl` (H), `ellison_glaeser`, `standard_error` and `reason`: why γ is missing, ""
        where it is not. γ is missing with one region (1 − X₂ = 0), one plant (1 − H = 0), and without
        employment. By custom γ below 0.02 is little and above 0.05 strong agglomeration.

    Raises
    ------
    DataError
        As `region_industry_table`; an industry of the frame without a `plant_herfindahl`, or one
        outside (0, 1].

    Source: Ellison and Glaeser (1997); the variance was checked by enumerating pairs of plants.
    """
    moments = _moments(frame, plant_herfindahl, region, industry, employment, weights, by)
    m = {name: moments[name].to_numpy() for name in ("s2", "sx", "x2", "x3", "h", "z4")}
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = m["s2"] - 2 * m["sx"] + m["x2"]
        gamma = (raw / (1 - m["x2"]) - m["h"]) / (1 - m["h"])
        variance = 2 * (
            m["h"] ** 2 * (m["x2"] - 2 * m["x3"] + m["x2"] ** 2)
            - m["z4"] * (m["x2"] - 4 * m["x3"] + 3 * m["x2"] ** 2)
        )
        error = np.sqrt(np.maximum(variance, 0)) / ((1 - m["x2"]) * (1 - m["h"]))
    return _report(moments, raw, gamma, error, "ellison_glaeser", employment)


def maurel_sedillot(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
    plant_herfindahl: pd.Series | None = None,
) -> pd.DataFrame:
    """Maurel–Sédillot index of the agglomeration of each industry, with its standard error.

    .. math:: \\hat\\gamma = \\frac{(\\sum_r s_r^2 - \\sum_r x_r^2) / (1 - \\sum_r x_r^2) - H}{1 - H}

    in the notation of `ellison_glaeser`. It has the same mean, but weighs a region by its size: an
    industry localised in a large region scores higher than one localised in a small region. Under random
    location, with X_k = Σ x^k and Z_k = Σ z^k,

    .. math:: Var(\\sum_r s_r^2) = 2 (H^2 - Z_4)(X_2 - X_2^2) + 4 (H - 2 Z_3 + 2 Z_4 - H^2)(X_3 - X_2^2).

    Parameters and errors as in `ellison_glaeser`; the columns are `raw_concentration` (the first fraction
    above), `maurel_sedillot`, `standard_error`, `reason`.

    Source: Maurel and Sédillot (1999); the variance is derived from the pairs of plants that
    share a region.
    """
    moments = _moments(frame, plant_herfindahl, region, industry, employment, weights, by)
    m = {name: moments[name].to_numpy() for name in ("s2", "x2", "x3", "h", "z3", "z4")}
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = (m["s2"] - m["x2"]) / (1 - m["x2"])
        gamma = (raw - m["h"]) / (1 - m["h"])
        variance = 2 * (m["h"] ** 2 - m["z4"]) * (m["x2"] - m["x2"] ** 2) + 4 * (
            m["h"] - 2 * m["z3"] + 2 * m["z4"] - m["h"] ** 2
        ) * (m["x3"] - m["x2"] ** 2)
        error = np.sqrt(np.maximum(variance, 0)) / ((1 - m["x2"]) * (1 - m["h"]))
    return _report(moments, raw, gamma, error, "maurel_sedillot", employment)


def _moments(
    frame: pd.DataFrame,
    plant_herfindahl: pd.Series | None,
    region: str,
    industry: str,
    employment: str,
    weights: str | None,
    by: Sequence[str] | None,
) -> pd.DataFrame:
    """Σs², Σsx, Σx², Σx³, H, Σz³, Σz⁴ and the totals of every industry, one row each."""
    keys = group_keys(frame, by)
    table = region_industry_table(
        frame, region=region, industry=industry, employment=employment, weights=weights, by=by
    )
    if (
        plant_herfindahl is None
        and (table["n_rows"] == 1).all()
        and table.duplicated([*keys, industry]).any()
    ):
        warn(
            "every region × industry cell is one row: if the rows are cells and not plants, pass "
            "plant_herfindahl, for without it each cell is taken for one plant",
            EstimationWarning,
        )
    regional = table.groupby([*keys, region], observed=True)[employment].sum().rename("e").reset_index()
    everywhere = regional.groupby(keys, observed=True)["e"].transform("sum") if keys else regional["e"].sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        regional["x"] = regional["e"] / everywhere
    regional["x2"], regional["x3"] = regional["x"] ** 2, regional["x"] ** 3
    regional["n_regions"] = (regional["e"] > 0).astype(np.int64)
    powers = ["x2", "x3", "n_regions"]
    cells = table[
        [*keys, region, industry, "n_rows", employment, SQUARED, "employment_cubed", "employment_fourth"]
    ]
    cells = cells.merge(regional[[*keys, region, "x"]], on=[*keys, region], validate="m:1")
    total = cells.groupby([*keys, industry], observed=True)[employment].transform("sum")
    cells["s2"] = (cells[employment] / total) ** 2
    cells["sx"] = cells[employment] / total * cells["x"]
    sums = cells.groupby([*keys, industry], observed=True)
    out = sums[["n_rows", employment, "s2", "sx"]].sum().reset_index()
    if keys:
        out = out.merge(regional.groupby(keys, observed=True)[powers].sum().reset_index(), on=keys)
    else:
        out = out.assign(**regional[powers].sum())
    plants = sums[[SQUARED, "employment_cubed", "employment_fourth"]].sum().reset_index()
    size = out[employment]
    for power, name, column in (
        (2, "h", SQUARED),
        (3, "z3", "employment_cubed"),
        (4, "z4", "employment_fourth"),
    ):
        out[name] = plants[column] / size**power
    if plant_herfindahl is not None:
        out["h"] = out[industry].map(plant_herfindahl).astype(np.float64)
        out["z3"] = out["z4"] = np.nan
        bad = ~((out["h"] > 0) & (out["h"] <= 1))
        if bad.any():
            raise DataError(
                f"the plant Herfindahl is {out.loc[bad, 'h'].iloc[0]}, not in (0, 1]",
                Place(key=str(out.loc[bad, industry].iloc[0])),
                "Give one for every industry of the frame.",
            )
    out.attrs = dict(table.attrs)
    return out


def _report(
    moments: pd.DataFrame, raw: np.ndarray, gamma: np.ndarray, error: np.ndarray, name: str, employment: str
) -> pd.DataFrame:
    """The moments' keys with the index, its standard error, and why the index is missing where it is."""
    reason = np.select(
        [moments[employment] == 0, moments["n_regions"] <= 1, moments["h"] > 1 - 1e-12],
        ["no employment", "one region", "one plant"],
        "",
    )
    undefined = reason != ""
    out = moments.loc[:, :"n_rows"].copy()
    out[employment] = moments[employment]
    out["raw_concentration"] = np.where(moments[employment] == 0, np.nan, raw)
    out["plant_herfindahl"] = moments["h"]
    out[name] = np.where(undefined, np.nan, gamma)
    out["standard_error"] = np.where(undefined, np.nan, error)
    out["reason"] = reason
    for column in ("raw_concentration", "plant_herfindahl", name, "standard_error", "reason"):
        record(out, column, employment, like=moments)
    return out
