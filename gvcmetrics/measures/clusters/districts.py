"""Industrial districts: the Sforzi–ISTAT algorithm on local labour systems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.rows import first_line
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, group_keys, require_columns, sampling_weights

SIZES = ("small", "medium", "large")


def industrial_districts(
    frame: pd.DataFrame,
    *,
    region: str = "region",
    industry: str = "industry",
    sector: str = "sector",
    employment: str = "employment",
    weights: str | None = "weight",
    by: Sequence[str] | None = None,
    manufacturing: str = "manufacturing",
    rivals: Sequence[str] = ("business_services", "consumer_services"),
    quotient_threshold: float = 1.0,
    size_limits: tuple[float, float] = (50, 250),
    sme_share_threshold: float = 0.5,
    single_medium_ratio: float = 1.0,
    minimum_employment: float = 0.0,
) -> pd.DataFrame:
    """Find the industrial districts among local labour systems, and say where each other system fails.

    A location quotient (LQ) compares a share in the local system with the country's; the prevalence of an
    activity is its jobs above those that the country's share would give. In turn:

    1. the system is manufacturing: LQ of manufacturing in all employment above `quotient_threshold`, and
       its prevalence above that of each of the `rivals`;
    2. small or medium firms dominate it: of the LQs of small, medium and large firms in manufacturing
       employment the largest is not that of large firms alone;
    3. it has a main industry: of the manufacturing industries whose LQ in manufacturing employment
       exceeds the threshold, the one with the highest prevalence;
    4. small and medium firms have more than `sme_share_threshold` of the main industry's employment; and
       where there is exactly one medium firm in it, the small ones employ more than `single_medium_ratio`
       times as many;
    5. the main industry employs at least `minimum_employment`.

    Parameters
    ----------
    frame : plants. A region × industry table cannot be used: sizes decide.
    region, industry, sector, employment, weights : columns; `region` holds the local system, `sector`
        groups all industries (agriculture, manufacturing, construction, business services ...).
    by : columns within which countries are told apart; by default country and year where present.
    manufacturing, rivals : labels of `sector`.
    quotient_threshold, sme_share_threshold, single_medium_ratio : thresholds. The last is 1 as Boix (2008)
        reads ISTAT: one medium firm that out-employs the small ones makes no district.
    size_limits : employment from which a plant is medium, and large (the EU's 50 and 250).
    minimum_employment : 250 in Boix and Galletto, 0 in ISTAT.

    Returns
    -------
    pandas.DataFrame
        One row for each local system: keys, `employment`, `manufacturing_quotient`,
        `manufacturing_prevalence`, `quotient_small`, `quotient_medium`, `quotient_large`,
        `main_industry`, `main_industry_quotient`, `main_industry_employment`, `sme_share`, `district`
        (bool) and `stage`: "district", or the first condition that fails ("not manufacturing", "large
        firms", "no main industry", "main industry of large firms", "single medium firm", "too small").
        Later columns are missing where an earlier stage leaves them undefined.

    Raises
    ------
    DataError
        Absent columns, negative or missing employment, missing weights or keys, no plant in
        `manufacturing`, or a country with a single local system (it is its own average).

    Source: ISTAT (1997, 2006) after Sforzi; stages and thresholds as described by Boix (2008), annex 1,
    with stage 5 from Boix and Galletto (2008).
    """
    keys = group_keys(frame, by)
    require_columns(frame, region, industry, sector, employment)
    size = amounts(frame, employment)
    given = sampling_weights(frame, weights)
    labels = [*keys, region, industry, sector]
    holes = frame[labels].isna().any(axis=1).to_numpy() | np.isnan(size)
    if holes.any():
        raise DataError(
            f"{int(holes.sum())} plants have no {', '.join(labels)} or {employment}",
            Place(row=first_line(holes)),
            "Leave them out first: whether a system is a district may turn on them.",
        )
    if not (frame[sector] == manufacturing).any():
        raise DataError(
            f"no plant is in '{manufacturing}'", Place(column=sector), "Pass the label that stands for it."
        )
    plants = frame[labels].copy()
    plants["_size"] = pd.Categorical.from_codes(np.digitize(size, size_limits), pd.Index(SIZES))
    plants["_firms"] = 1.0 if given is None else given
    plants["_jobs"] = size * plants["_firms"]
    found = []
    groups: Iterable[tuple[Any, pd.DataFrame]] = (
        plants.groupby(keys, observed=True) if keys else [((), plants)]
    )
    for key, country in groups:
        if country[region].nunique() < 2:
            raise DataError(
                "the country has one local system, which is its own average",
                Place(column=region, key=", ".join(map(str, key)) or None),
                "Districts need other systems to compare with.",
            )
        systems = _stages_one_and_two(country, region, sector, manufacturing, rivals)
        systems = systems.join(
            _main_industries(country, region, industry, sector, manufacturing, quotient_threshold)
        )
        for name, value in zip(keys, key, strict=True):
            systems[name] = value
        found.append(systems.rename_axis(region).reset_index())
    out = pd.concat(found, ignore_index=True)
    out = out[[*keys, *out.columns.difference(keys, sort=False)]]
    beaten = out["manufacturing_prevalence"] <= out["_best_rival"]
    large = out["quotient_large"] > out[["quotient_small", "quotient_medium"]].max(axis=1)
    one_medium = (out["_medium_firms"] - 1).abs() < 1e-9
    conditions = {
        "not manufacturing": ~(out["manufacturing_quotient"] > quotient_threshold) | beaten,
        "large firms": large,
        "no main industry": out["main_industry"].isna(),
        "main industry of large firms": ~(out["sme_share"] > sme_share_threshold),
        "single medium firm": one_medium & ~(out["_small_jobs"] > single_medium_ratio * out["_medium_jobs"]),
        "too small": out["main_industry_employment"] < minimum_employment,
    }
    out["stage"] = np.select([c.to_numpy() for c in conditions.values()], list(conditions), "district")
    out.insert(out.shape[1] - 1, "district", out["stage"] == "district")
    out = out.drop(columns=[c for c in out.columns if c.startswith("_")])
    sources = [employment, sector, industry] + ([] if given is None else [str(weights)])
    for column in out.columns.difference([*keys, region]):
        record(out, column, *sources, like=frame)
    return out


def _quotients(jobs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """LQ and prevalence of the columns of a local system × activity table of jobs."""
    row, column = jobs.sum(axis=1), jobs.sum(axis=0)
    expected = pd.DataFrame(np.outer(row, column) / row.sum(), jobs.index, jobs.columns)
    return jobs / expected.where(expected > 0), jobs - expected


def _table(plants: pd.DataFrame, row: str, column: str) -> pd.DataFrame:
    """Jobs by two labels, zero where there are none."""
    return plants.pivot_table(
        index=row, columns=column, values="_jobs", aggfunc="sum", fill_value=0.0, observed=True
    )


def _stages_one_and_two(
    plants: pd.DataFrame, region: str, sector: str, manufacturing: str, rivals: Sequence[str]
) -> pd.DataFrame:
    """Manufacturing against other sectors, and firm sizes in manufacturing, for every local system."""
    jobs = _table(plants, region, sector)
    if manufacturing not in jobs.columns:
        jobs[manufacturing] = 0.0
    quotient, prevalence = _quotients(jobs)
    out = pd.DataFrame(
        {
            "employment": jobs.sum(axis=1),
            "manufacturing_quotient": quotient[manufacturing],
            "manufacturing_prevalence": prevalence[manufacturing],
            # A rival sector that the country lacks has no jobs above expectation.
            "_best_rival": prevalence.reindex(columns=list(rivals)).fillna(-np.inf).max(axis=1),
        }
    )
    by_size = _table(plants[plants[sector] == manufacturing], region, "_size")
    quotient, _ = _quotients(by_size)
    for size in SIZES:
        column = quotient[size] if size in quotient.columns else 0.0 * quotient.sum(axis=1)
        out[f"quotient_{size}"] = column.reindex(out.index)
    return out


def _main_industries(
    plants: pd.DataFrame,
    region: str,
    industry: str,
    sector: str,
    manufacturing: str,
    quotient_threshold: float,
) -> pd.DataFrame:
    """Main industry of every local system with manufacturing, and the sizes of its firms."""
    made = plants[plants[sector] == manufacturing]
    jobs = _table(made, region, industry)
    quotient, prevalence = _quotients(jobs)
    eligible = prevalence.where(quotient > quotient_threshold, -np.inf)
    has = eligible.max(axis=1) > -np.inf
    main = eligible.idxmax(axis=1).astype("object")[has]
    out = pd.DataFrame({"main_industry": main})
    place = (jobs.index.get_indexer(main.index), jobs.columns.get_indexer(pd.Index(main)))
    out["main_industry_quotient"] = quotient.to_numpy()[place]
    out["main_industry_employment"] = jobs.to_numpy()[place]
    inside = made[made[industry].astype("object") == made[region].map(main)]
    for size in ("small", "medium"):
        part = inside[inside["_size"] == size].groupby(region, observed=True)[["_jobs", "_firms"]].sum()
        out[[f"_{size}_jobs", f"_{size}_firms"]] = part.reindex(out.index).fillna(0.0)
    out["sme_share"] = (out["_small_jobs"] + out["_medium_jobs"]) / out["main_industry_employment"]
    return out
