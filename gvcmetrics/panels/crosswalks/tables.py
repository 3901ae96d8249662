"""The tables behind the crosswalks, as files of the concordances folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gvcmetrics.errors import MissingSourceError, Place
from gvcmetrics.panels.classifications import ALL_REVISIONS, GROUPS_OF, file_name
from gvcmetrics.panels.crosswalks.industry_groups import industry_of_division
from gvcmetrics.panels.sources.catalogue import source as catalogue_source
from gvcmetrics.panels.sources.fetch import how_to_get, mirror_path


def folder(needed: Sequence[str]) -> Path:
    """The folder that holds the tables.

    Raises
    ------
    MissingSourceError : it is not on this machine; the error names the files that are `needed`, and the
        remedy says how to get them.
    """
    entry = catalogue_source("concordances")
    path = mirror_path(entry)
    if path is None or not path.is_dir():
        problem = f"the crosswalk tables are not on this machine (needed: {', '.join(needed)})"
        raise MissingSourceError(problem, Place(key=entry.name), how_to_get(entry))
    return path


def levels(source: str, target: str, where: Path) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """The codes of one table at every level: of the source, of the target, and the file's name.

    Each row is one link; columns run from the finest level to the coarsest.

    Raises
    ------
    MissingSourceError : the file is not in the folder.
    """
    path = where / file_name(source, target)
    if not path.is_file():
        entry = catalogue_source("concordances")
        raise MissingSourceError(
            f"the crosswalk {source} → {target} needs '{path.name}', which is not on this machine",
            Place(key=entry.name),
            how_to_get(entry),
        )
    table = pd.read_parquet(path, partitioning=None)
    return _codes(table, source, path.stem), _codes(table, target, path.stem), path.name


def _codes(table: pd.DataFrame, classification: str, name: str) -> pd.DataFrame:
    if classification == "WIOD2013":
        number = table["WIOT2013_n"]
        return pd.DataFrame({"c": ("c" + number.astype("Int64").astype("string")).astype(object)})
    if classification in GROUPS_OF:
        industries = industry_of_division(classification)
        return pd.DataFrame({"c": table[f"{GROUPS_OF[classification]}_2d"].map(industries).astype(object)})
    prefix = "HS" if name in ALL_REVISIONS and classification.startswith("HS") else classification
    return table[[column for column in table if str(column).startswith(f"{prefix}_")]].astype(object)
