"""Power by brute force: many economies, each examined by the claim's own equations."""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
import warnings
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from gvcmetrics.claims.claim import Claim
from gvcmetrics.claims.examine import examine_claim, row
from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.files import replacing
from gvcmetrics.planning.design import Design
from gvcmetrics.simulate.economies.make import economy

CHUNK = 10
"""Economies to a file of results."""
Work = tuple[Claim, Design, tuple[int, ...], Path | None]
KEPT = ("rule", "sign", "estimate", "std_error", "p_value", "favours", "n", "reason")


def replicate(
    claim: Claim, design: Design, replications: int, workers: int, folder: Path | None, seed: int
) -> pd.DataFrame:
    """Every rule's estimate and p-value in `replications` economies; progress on stderr.

    Where a folder is given each chunk of economies has a file in it, and a run that was stopped goes on.

    Raises
    ------
    DataError : the folder holds results of another design.
    """
    if folder is not None:
        _claimed(folder, claim, design, seed)
    chunks: list[Work] = []
    for first in range(0, replications, CHUNK):
        seeds = tuple(seed + each for each in range(first, min(first + CHUNK, replications)))
        path = None if folder is None else folder / f"economies_{seeds[0]:06d}_{seeds[-1]:06d}.parquet"
        chunks.append((claim, design, seeds, path))
    if workers > 1:
        # A process that has threads cannot be forked safely.
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            return _gathered(pool.map(_chunk, chunks), replications)
    return _gathered(map(_chunk, chunks), replications)


def _gathered(found: Iterable[pd.DataFrame], replications: int) -> pd.DataFrame:
    rows = []
    for number, each in enumerate(found, 1):
        rows.append(each)
        done = min(number * CHUNK, replications)
        print(f"\r{done}/{replications} economies", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return pd.concat(rows, ignore_index=True)


def _claimed(folder: Path, claim: Claim, design: Design, seed: int) -> None:
    """Mark a folder as that of this claim and design, or refuse one that is of another."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = hashlib.sha256(f"{claim!r}\n{design!r}\n{seed}".encode()).hexdigest()
    file = folder / "design.txt"
    if file.exists() and file.read_text("utf-8").split("\n")[0] != mark:
        raise DataError(
            f"{folder} holds economies of another design",
            Place(key="folder"),
            "Name another folder, or empty it",
        )
    with replacing(file) as temporary:
        Path(temporary).write_text(f"{mark}\n{claim.id}: {design}\n", "utf-8")


def _chunk(work: Work) -> pd.DataFrame:
    claim, design, seeds, path = work
    if path is not None and path.exists():
        return pd.read_parquet(path)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        found = pd.concat([_one(claim, design, seed) for seed in seeds], ignore_index=True)
    if path is not None:
        with replacing(path) as temporary:
            found.to_parquet(temporary, index=False)
    return found


def _one(claim: Claim, design: Design, seed: int) -> pd.DataFrame:
    made = economy(design.planned(), seed=seed)
    frame = made.firms.drop(columns=list(design.drop))
    matched, findings = examine_claim(claim, frame, claim.contract)
    rows = pd.DataFrame([row(claim, "firms", matched, finding) for finding in findings]).reindex(columns=KEPT)
    types = {"estimate": float, "std_error": float, "p_value": float, "n": float, "reason": str}
    rows = rows.astype(types).assign(favours=rows["favours"].eq(True), seed=seed)
    truth = made.truth.loc[made.truth["hypothesis"] == claim.id, ["effect", "value"]]
    rows["effect"] = rows["rule"].str.rsplit(": ", n=1).str[0]
    return rows.merge(truth, on="effect", how="left").rename(columns={"value": "truth"})


def summarised(draws: pd.DataFrame, level: float) -> pd.DataFrame:
    """One row a rule: power, errors of sign and size, each with its simulation error where it is a share.

    What cannot be estimated counts as not found.
    """
    found = draws["p_value"].le(level)
    one_sided = draws["sign"].isin(["positive", "negative"])
    table = draws.assign(
        found=found,
        supported=found & draws["favours"],
        wrong=(np.sign(draws["estimate"]) != np.sign(draws["truth"])).where(found & one_sided),
        larger=(draws["estimate"] / draws["truth"]).abs().where(found & one_sided),
    )
    groups = table.groupby("rule", sort=False)
    power, count = groups["supported"].mean(), groups.size()
    return pd.DataFrame(
        {
            "effect": groups["truth"].mean(),
            "mean_estimate": groups["estimate"].mean(),
            "std_error": groups["estimate"].std(),
            "power": power,
            "simulation_error": np.sqrt(power * (1 - power) / count),
            "type_s": groups["wrong"].mean(),
            "type_m": groups["larger"].mean(),
            "not_estimable": groups["p_value"].apply(lambda p: p.isna().mean()),
            "economies": count,
        }
    )
