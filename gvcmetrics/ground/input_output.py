"""The inter-country input-output table, and the matrices that everything about it starts from.

Notation, as in the papers: n rows (country × industry) in R regions; Z (n × n) intermediate use,
Y (n × R) final use by region, x output, A = Z x̂⁻¹, B = (I − A)⁻¹, L_s = (I − A_ss)⁻¹,
v = value added / output, E (n × R) gross exports by destination. A region is a country, or a
group of countries made by `measures.group_countries`. Money is in the table's unit.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.linalg import LinAlgWarning, lu_factor, lu_solve
from scipy.linalg.lapack import dgecon

from gvcmetrics.errors import DataError

Array = np.ndarray

# Below this reciprocal condition number a solution has no correct digit left to speak of.
_SINGULAR = 1e-13


@dataclass(frozen=True, eq=False)
class InputOutput:
    """One year's inter-country input-output table, balanced and labelled.

    One class from raw file to measure: as a panel holds it, a table is as it was published, and its rows
    may miss output by a little; `measures.from_wide` and its kin, and `gvc.input_output`, give it closed.
    The matrices below are computed once, when first used.

    Parameters
    ----------
    year : year of the table, or None.
    rows : country and industry of each of the n rows; rows of one region stand together.
    regions : the R regions in the order in which they stand; countries unless grouped.
    region_of_row : position in `regions` of each row, (n,).
    uses : final-use categories.
    Z : intermediate use, (n, n).
    Y : final use by region and category, (n, R, number of uses).
    x : gross output, (n,).
    inventories : the category of `uses` that holds changes in inventories, or None.
    primary : primary inputs by buying row (value added, taxes less subsidies on products), (n,), where the
        source states them.
    name : what lineage calls the table: its measures are made from the raw column `name.value`.
    """

    year: int | None
    rows: pd.MultiIndex
    regions: tuple[str, ...]
    region_of_row: Array
    uses: tuple[str, ...]
    Z: Array
    Y: Array
    x: Array
    inventories: str | None = None
    primary: Array | None = None
    name: str = "input_output"

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """The rows of each region."""
        ends = np.searchsorted(self.region_of_row, np.arange(len(self.regions)), side="right")
        return tuple(slice(int(a), int(b)) for a, b in zip(np.r_[0, ends[:-1]], ends, strict=True))

    @cached_property
    def abroad(self) -> Array:
        """True where the region of the column is not the region of the row, (n, R)."""
        return self.region_of_row[:, None] != np.arange(len(self.regions))[None, :]

    @cached_property
    def final_use(self) -> Array:
        """Final use by region, all categories together, (n, R)."""
        return self.Y.sum(axis=2)

    @cached_property
    def final_exports(self) -> Array:
        """Final use abroad, Y_sr for r ≠ s and zero at home, (n, R)."""
        return self.final_use * self.abroad

    @cached_property
    def value_added(self) -> Array:
        """Output less intermediate purchases, taxes and margins therefore included, (n,)."""
        return self.x - self.Z.sum(axis=0)

    @cached_property
    def v(self) -> Array:
        """Value added per unit of output, (n,).

        One where there is neither output nor purchases: what such an industry delivers comes out of
        stock, is all its own, and V B = 1 holds for it too.
        """
        return np.where(self.x != 0, divide(self.value_added, self.x), 1.0)

    @cached_property
    def A(self) -> Array:
        """Technical coefficients Z x̂⁻¹; a column without output is zero, (n, n)."""
        return divide(self.Z, self.x[None, :])

    @cached_property
    def exports(self) -> Array:
        """Gross exports by destination, intermediate and final, zero at home, (n, R)."""
        starts = [block.start for block in self.blocks]
        return (np.add.reduceat(self.Z, starts, axis=1) + self.final_use) * self.abroad

    @cached_property
    def L(self) -> tuple[Array, ...]:
        """The local Leontief inverses (I − A_ss)⁻¹, one per region.

        Raises
        ------
        DataError
            I − A_ss is singular.
        """
        inverses = []
        for region, b in zip(self.regions, self.blocks, strict=True):
            M = np.eye(b.stop - b.start) - self.A[b, b]
            try:
                inverse = np.linalg.inv(M)
            except np.linalg.LinAlgError:
                inverse = np.full_like(M, np.inf)
            if not np.linalg.norm(M, 1) * np.linalg.norm(inverse, 1) < 1 / _SINGULAR:
                raise self._singular(f"I − A of {region}", b)
            inverses.append(inverse)
        return tuple(inverses)

    @cached_property
    def factors(self) -> tuple[Array, Array]:
        """The LU factors of I − A; everything that needs B solves with these.

        Raises
        ------
        DataError
            I − A is singular: some group of industries buys as much as it makes.
        """
        M = np.eye(len(self.x)) - self.A
        norm = np.abs(M).sum(axis=0).max()
        factors = _factor(M)
        reciprocal_condition, _ = dgecon(factors[0], norm)
        if not reciprocal_condition > _SINGULAR:
            raise self._singular("I − A", slice(None))
        return factors

    @cached_property
    def B(self) -> Array:
        """The global Leontief inverse (I − A)⁻¹, (n, n)."""
        return self.solve(np.eye(len(self.x)))

    def _singular(self, what: str, rows: slice) -> DataError:
        empty = self.rows[rows][(self.v[rows] <= 0) & (self.x[rows] != 0)]
        return DataError(
            f"{what} is singular, so its Leontief inverse does not exist; industries without value "
            f"added: {some(empty)}",
            remedy="Check their columns: output must exceed purchases somewhere in every chain.",
        )

    def solve(self, right: Array) -> Array:
        """B times `right`, without forming B."""
        return lu_solve(self.factors, right, check_finite=False)

    def solve_transposed(self, right: Array) -> Array:
        """B′ times `right`, without forming B."""
        return lu_solve(self.factors, right, trans=1, check_finite=False)

    @cached_property
    def output_by_destination(self) -> Array:
        """Output that ends in each region's final use, B Y, (n, R)."""
        return self.solve(self.final_use)

    @cached_property
    def content_by_origin(self) -> Array:
        """Value added of region t in a unit of final delivery of row j, V_t B_tj, (n, R)."""
        return self.solve_transposed(self.v[:, None] * ~self.abroad)

    def local(self, values: Array) -> Array:
        """L_s times the rows of each region s: output that stays within each region, same shape."""
        return np.concatenate([L @ values[b] for b, L in zip(self.blocks, self.L, strict=True)])

    def at_home(self, values: Array) -> Array:
        """From (n, R), the column of each row's own region, (n,)."""
        return values[np.arange(len(self.x)), self.region_of_row]

    def block_diagonal(self, values: Array) -> Array:
        """From (n,), the (n, R) matrix with each region's rows in its own column."""
        return values[:, None] * ~self.abroad


def regions_of(labels: Iterable[tuple[str, str]]) -> tuple[pd.MultiIndex, tuple[str, ...], Array]:
    """Rows with each country's together, the countries, and the position of each row's country.

    Countries and industries stand in the order in which they come first.
    """
    once = list(dict.fromkeys(labels))
    regions = tuple(dict.fromkeys(country for country, _ in once))
    place = {country: position for position, country in enumerate(regions)}
    once.sort(key=lambda label: place[label[0]])
    rows = pd.MultiIndex.from_tuples(once, names=["country", "industry"])
    return rows, regions, np.array([place[country] for country, _ in once])


def divide(numerator: Array, denominator: Array) -> Array:
    """Quotient that is zero where the denominator is zero."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    return np.divide(numerator, denominator, out=np.zeros(shape), where=denominator != 0)


def some(items: Iterable[object], most: int = 5) -> str:
    """The first few items in words, and how many more there are."""
    listed = [" ".join(item) if isinstance(item, tuple) else str(item) for item in items]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more if listed else "none"


def _factor(M: Array) -> tuple[Array, Array]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)
        return lu_factor(M, overwrite_a=True, check_finite=False)
