"""What is read off an input-output table directly, and how its measures are labelled.

The notation is that of `ground.input_output`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Concatenate, Literal, ParamSpec

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import Array, InputOutput, some
from gvcmetrics.lineage import KEY

Options = ParamSpec("Options")


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


def national_coefficients(
    table: InputOutput, country: str, *, inputs: Literal["all", "domestic"] = "all"
) -> pd.DataFrame:
    """One country's technical coefficients, industry by industry, wherever the inputs come from.

        a_kj = Σ_o Z_(o,k),(c,j) / x_(c,j)      over all countries o of origin, or c alone

    Parameters
    ----------
    table : the input-output table.
    country : the country that buys.
    inputs : of all origins, or those from home alone.

    Returns
    -------
    frame of selling industries × buying industries, as `completeness` takes it; a column without output is
    zero.

    Raises
    ------
    DataError
        The table has no such country.

    Source: Miller and Blair (2009), chapters 2 and 4.
    """
    mine = table.rows.get_level_values("country") == country
    if not mine.any():
        countries = table.rows.get_level_values("country").unique()
        raise DataError(
            "the table has no such country",
            Place(key=country),
            f"Its countries begin with {some(countries)}.",
        )
    bought = pd.DataFrame(table.A[:, mine], table.rows, table.rows[mine].get_level_values("industry"))
    if inputs == "domestic":
        bought = bought[mine]
    industries = table.rows.get_level_values("industry").unique()
    return bought.groupby(level="industry").sum().reindex(industries).fillna(0.0)


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
    if not isinstance(tables, Iterable):
        raise DataError("by_year takes several tables", remedy="Pass a list or generator of tables.")
    for table in tables:
        if not isinstance(table, InputOutput):
            raise DataError(f"a table is {type(table).__name__}", remedy="Make tables with gvc.input_output.")
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


def share(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Part in whole, missing where the whole is not positive (stocks drawn down can make it negative)."""
    return part / whole.where(whole > 0)


def _region_labels(table: InputOutput, code: Array) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(code.astype(np.intp), categories=pd.Index(table.regions))


def _plain(index: pd.Index) -> pd.Index:
    """The index with strings in place of the categories that kept the table's order."""
    if isinstance(index, pd.MultiIndex):
        levels = [index.get_level_values(k).astype(str) for k in range(index.nlevels)]
        return pd.MultiIndex.from_arrays(levels, names=index.names)
    return index.astype(str)
