"""The rows of a subset; those of a subpopulation, and which outside it belong to the design of a survey."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.rows import line
from gvcmetrics.models.data.design import evaluate
from gvcmetrics.models.data.formula import variables_of

Codes = Callable[[str], np.ndarray]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a survey design knows beside the groups of the rows of the estimates.

    levels : column -> its number in each of the groups that its codes count. subpop : the domain, None where
    it is everybody. outside : column -> codes of the rows outside the domain, in the numbering of those
    inside and on from it. rows : how many there are.
    """

    levels: Codes = field(repr=False)
    subpop: str | None = None
    outside: Codes | None = field(default=None, repr=False)
    rows: int = 0


@dataclass(frozen=True, eq=False)
class Domain:
    """Masks of the rows (n): inside, and outside with a place in the design. dropped : counts by reason."""

    inside: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    dropped: Mapping[str, int]


def rows_in(source: pd.DataFrame, subset: str | Sequence[bool]) -> NDArray[np.bool_]:
    """Mask of the rows in which a condition is true, or of those of a mask; unknown ones are out.

    Raises
    ------
    DataError : it is something else than true and false, or a mask of another length. ModelError : no row is
        in it.
    """
    if isinstance(subset, str):
        known = source[list(variables_of(subset))].notna().all(axis=1).to_numpy()
        said = np.zeros(len(source))
        said[known] = evaluate(subset, source[known]) if known.any() else 0.0
        name = f"subset {subset!r}"
    else:
        given = pd.Series(subset)
        name = "subset"
        if len(given) != len(source):
            raise DataError(f"the mask in subset= has {len(given)} entries for {len(source)} rows")
        said = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        said = np.where(np.isnan(said), 0.0, said)
    odd = ~np.isin(said, (0.0, 1.0))
    if odd.any():
        row = int(odd.argmax())
        raise DataError(
            f"a {name} is true or false, and not {said[row]:g}", Place(row=line(row)), "Write 'size > 10'"
        )
    if not said.any():
        raise ModelError(f"no row is in the {name}")
    inside: NDArray[np.bool_] = said == 1.0
    return inside


def domain_of(
    source: pd.DataFrame, subpop: str | None, columns: Sequence[str], weights: str | None
) -> Domain | None:
    """The rows where `subpop` is true or 1; None where it is everybody.

    Parameters
    ----------
    columns : that say whether a row is in the subpopulation and where it stands in the design; rows that miss
        one are neither inside nor outside, as those of weight zero.

    Raises
    ------
    DataError : `subpop` is something else than true and false. ModelError : it is nobody.
    """
    if subpop is None:
        return None
    known = source[list(dict.fromkeys(columns))].notna().all(axis=1).to_numpy()
    said = np.full(len(source), np.nan)
    # A comparison with a missing value is false, and would count as outside.
    said[known] = evaluate(subpop, source[known])
    odd = known & ~np.isin(said, (0.0, 1.0))
    if odd.any():
        row = int(odd.argmax())
        raise DataError(
            f"a subpopulation is true or false, 1 or 0, and not {said[row]:g}",
            Place(row=line(row), column=subpop),
            f"Write a condition, as '{subpop} == 2'",
        )
    inside = known & (said == 1.0)
    if not inside.any():
        raise ModelError(f"no row is in the subpopulation '{subpop}'")
    outside = known & ~inside
    if weights:
        counted = pd.to_numeric(source[weights], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        outside &= counted > 0
    dropped = {f"outside the subpopulation {subpop}": int((known & ~inside).sum())}
    unknown = int((~known).sum())
    return Domain(
        inside, outside, {**dropped, **({"missing place in the design": unknown} if unknown else {})}
    )
