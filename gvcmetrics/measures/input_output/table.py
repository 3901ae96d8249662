"""The inter-country input-output table and the equations that every other measure starts from.

Notation, as in the papers: n rows (country × industry) in R regions; Z (n × n) intermediate use,
Y (n × R) final use by region, x output, A = Z x̂⁻¹, B = (I − A)⁻¹, L_s = (I − A_ss)⁻¹,
v = value added / output, E (n × R) gross exports by destination. A region is a country, or a
group of countries made by `group_countries`. Money is in the table's unit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from typing import Concatenate, ParamSpec

import numpy as np
import pandas as pd
from scipy.linalg import LinAlgWarning, lu_factor, lu_solve
from scipy.linalg.lapack import dgecon

from gvcmetrics.errors import DataError, Place
from gvcmetrics.lineage import KEY

Array = np.ndarray
Options = ParamSpec("Options")

# Below this reciprocal condition number a solution has no correct digit left to speak of.
_SINGULAR = 1e-13


@dataclass(frozen=True, eq=False)
class InputOutput:
    """One year's inter-country input-output table, balanced and labelled.

    Build it with `from_wide`, `from_matrices` or `from_pymrio`, which check the table; the
    matrices below are computed once, when first used.

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


def recorded(
    measure: Callable[Concatenate[InputOutput, Options], pd.DataFrame],
) -> Callable[Concatenate[InputOutput, Options], pd.DataFrame]:
    """The measure, with the lineage of its columns: the cells of its table."""

    @wraps(measure)
    def measured(table: InputOutput, *args: Options.args, **kwargs: Options.kwargs) -> pd.DataFrame:
        frame = measure(table, *args, **kwargs)
        others = frame.attrs.get(KEY, {})
        cells = f"{table.name}.value"
        frame.attrs[KEY] = {name: sorted({cells, *others.get(name, ())}) for name in frame.columns}
        return frame

    return measured


def technical_coefficients(table: InputOutput) -> pd.DataFrame:
    """Technical coefficients A = Z x̂⁻¹, rows and columns labelled by country and industry.

    A column without output is zero.

    Source: Miller and Blair (2009), Input-output analysis, chapter 2.
    """
    return pd.DataFrame(table.A, index=table.rows, columns=table.rows)


def leontief_inverse(table: InputOutput) -> pd.DataFrame:
    """The Leontief inverse B = (I − A)⁻¹, rows and columns labelled by country and industry.

    Raises
    ------
    DataError
        I − A is singular.

    Source: Leontief (1936); Miller and Blair (2009), chapter 2.
    """
    return pd.DataFrame(table.B, index=table.rows, columns=table.rows)


def local_inverses(table: InputOutput) -> dict[str, pd.DataFrame]:
    """The local Leontief inverses L_s = (I − A_ss)⁻¹ by region.

    Source: Wang, Wei and Zhu (2013), section 2.
    """
    return {
        region: pd.DataFrame(L, index=table.rows[block], columns=table.rows[block])
        for region, L, block in zip(table.regions, table.L, table.blocks, strict=True)
    }


@recorded
def gross_exports(table: InputOutput, *, by: Sequence[str] = ("exporter",)) -> pd.DataFrame:
    """Gross exports E_sr = Y_sr + A_sr x_r, with their intermediate and final parts.

    Parameters
    ----------
    table : the input-output table.
    by : any of exporter, industry, importer; the rest is summed. A group of countries exports
        only what leaves the group.

    Returns
    -------
    frame indexed by `by`: `gross_exports`, `intermediate_exports`, `final_exports`.

    Source: Koopman, Wang and Wei (2014), section II.
    """
    return labelled(
        table,
        {
            "gross_exports": table.exports,
            "intermediate_exports": table.exports - table.final_exports,
            "final_exports": table.final_exports,
        },
        by,
    )


def group_countries(table: InputOutput, groups: Mapping[str, Iterable[str]]) -> InputOutput:
    """The same table seen with groups of countries as one region each.

    Nothing is aggregated: industries of the members stay apart in Z. What changes is what counts
    as a border: trade within a group is domestic, a group's exports are what leaves it, and
    its local inverse covers all its members. Measures by industry sum over the members.

    Parameters
    ----------
    table : the input-output table.
    groups : name of each group → its countries; other countries stay on their own.

    Raises
    ------
    DataError
        A country is not in the table, or is in two groups, or a group has a country's name.

    Source: Miroudot and Ye (2021) on perimeters; Borin and Mancini (2023).
    """
    country = table.rows.get_level_values("country").to_numpy(dtype=object)
    known = set(table.regions)
    member_of: dict[str, str] = {}
    for group, members in groups.items():
        for member in members:
            if member not in known:
                raise DataError(
                    f"country of group {group} is not a region of the table",
                    Place(key=member),
                    f"Regions are: {some(table.regions)}.",
                )
            if member in member_of:
                raise DataError(
                    f"country is in two groups, {member_of[member]} and {group}",
                    Place(key=member),
                    "Put each country in one group only.",
                )
            member_of[member] = group
    clash = set(groups) & (known - set(member_of))
    if clash:
        raise DataError("a group has the name of a country", Place(key=min(clash)), "Rename the group.")

    names = tuple(dict.fromkeys(member_of.get(region, region) for region in table.regions))
    column = np.array([names.index(member_of.get(region, region)) for region in table.regions])
    code = column[table.region_of_row]
    order = np.argsort(code, kind="stable")
    Y = np.zeros((len(code), len(names), len(table.uses)))
    for position, group_position in enumerate(column):
        Y[:, group_position] += table.Y[:, position]
    return replace(
        table,
        rows=pd.MultiIndex.from_arrays(
            [country[order], table.rows.get_level_values("industry").to_numpy(dtype=object)[order]],
            names=["country", "industry"],
        ),
        regions=names,
        region_of_row=code[order],
        Z=table.Z[np.ix_(order, order)],
        Y=Y[order],
        x=table.x[order],
    )


def by_year(tables: Iterable[InputOutput], measure: Callable[[InputOutput], pd.DataFrame]) -> pd.DataFrame:
    """One measure over several tables, with `year` as the outermost index level.

    Tables are taken one at a time, so a generator keeps only one of them in memory.

    Raises
    ------
    DataError
        A table has no year, two have the same, or there is none.
    """
    results: dict[int, pd.DataFrame] = {}
    for table in tables:
        if table.year is None or table.year in results:
            raise DataError(
                "a table has no year" if table.year is None else f"two tables are of {table.year}",
                remedy="Give each table its own year when building it.",
            )
        results[table.year] = measure(table)
    if not results:
        raise DataError("there is no table to measure", remedy="Pass at least one.")
    return pd.concat(results, names=["year"])


def labelled(table: InputOutput, values: Mapping[str, Array], by: Sequence[str]) -> pd.DataFrame:
    """Arrays by row and partner, (n, R) each, as a frame indexed by the levels asked for.

    Levels that are left out are summed; the diagonal (a region and itself) is left out.

    Raises
    ------
    DataError
        A level is not exporter, industry or importer.
    """
    levels = ("exporter", "industry", "importer")
    if not by or set(by) - set(levels) or len(set(by)) < len(by):
        raise DataError(f"by={tuple(by)!r} is not a choice of levels", remedy=f"Choose from {levels}.")
    exporter = _region_labels(table, table.region_of_row)
    names = table.rows.get_level_values("industry")
    industry = pd.Categorical(names, categories=names.unique())
    if "importer" not in by:
        frame = pd.DataFrame({name: array.sum(axis=1) for name, array in values.items()})
        frame.index = pd.MultiIndex.from_arrays([exporter, industry], names=levels[:2])
    else:
        row, column = np.nonzero(table.abroad)
        frame = pd.DataFrame({name: array[row, column] for name, array in values.items()})
        importer = _region_labels(table, column)
        frame.index = pd.MultiIndex.from_arrays([exporter[row], industry[row], importer], names=levels)
    frame = frame.groupby(level=list(by), observed=True).sum()
    return frame.set_axis(_plain(frame.index), axis=0)


def divide(numerator: Array, denominator: Array) -> Array:
    """Quotient that is zero where the denominator is zero."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    return np.divide(numerator, denominator, out=np.zeros(shape), where=denominator != 0)


def share(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Part in whole, missing where the whole is not positive (stocks drawn down can make it negative)."""
    return part / whole.where(whole > 0)


def _factor(M: Array) -> tuple[Array, Array]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)
        return lu_factor(M, overwrite_a=True, check_finite=False)


def _region_labels(table: InputOutput, code: Array) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(code.astype(np.intp), categories=pd.Index(table.regions))


def _plain(index: pd.Index) -> pd.Index:
    """The index with strings in place of the categories that kept the table's order."""
    if isinstance(index, pd.MultiIndex):
        levels = [index.get_level_values(k).astype(str) for k in range(index.nlevels)]
        return pd.MultiIndex.from_arrays(levels, names=index.names)
    return index.astype(str)


def some(items: Iterable[object], most: int = 5) -> str:
    """The first few items in words, and how many more there are."""
    listed = [" ".join(item) if isinstance(item, tuple) else str(item) for item in items]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more if listed else "none"
