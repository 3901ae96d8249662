"""Where value added, jobs, wages or emissions in trade come from, and the balances that follow."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.input_output import divide, some
from gvcmetrics.measures.input_output.participation import value_added_in_exports, value_added_in_final_use
from gvcmetrics.measures.input_output.table import Array, InputOutput, gross_exports, recorded, share


@recorded
def satellite_in_trade(
    table: InputOutput, satellite: pd.Series, *, of: Literal["exports", "final_use"] = "exports"
) -> pd.DataFrame:
    """Employment, wages, emissions or any other row beside the table, in exports or in final use.

        q̂ B Ê (exports of each region in its column)      q̂ B Y (final use of each region)

    with q the satellite's amount for a unit of output of each row.

    Parameters
    ----------
    table : the input-output table.
    satellite : amounts (jobs, money, tonnes) by country and industry, whole numbers of the year and not per
        unit of output; every row of the table once, in any order.
    of : in what the satellite is embodied.

    Returns
    -------
    frame indexed by origin, industry and exporter (destination for final use), with one column of the series'
    name (`satellite` where it has none), in its unit. Over all destinations it adds up to the satellite of
    the industries that produce.

    Raises
    ------
    DataError
        A row of the table has no amount, or two; an unknown `of`.

    Source: Timmer, Erumban, Los, Stehrer and de Vries (2014); Peters (2008) for emissions.
    """
    if of not in ("exports", "final_use"):
        raise DataError(f"a satellite is not in '{of}'", remedy="Choose 'exports' or 'final_use'.")
    missing = table.rows[~table.rows.isin(satellite.dropna().index)]
    if not satellite.index.is_unique or len(missing):
        raise DataError(
            f"the satellite lacks {len(missing)} rows of the table, or repeats one: {some(missing)}",
            Place(column=str(satellite.name or "satellite")),
            "Give every country and industry of the table one amount, 0 where there is none.",
        )
    amount = satellite.reindex(table.rows).to_numpy(dtype=np.float64)
    intensity = divide(amount, table.x)[:, None]
    if of == "exports":
        values = intensity * table.solve(table.block_diagonal(table.exports.sum(axis=1)))
    else:
        values = intensity * table.output_by_destination
    partner = "exporter" if of == "exports" else "destination"
    return _long(table, values, partner, str(satellite.name or "satellite"))


@recorded
def value_added_in_bilateral_exports(table: InputOutput) -> pd.DataFrame:
    """Value added in each industry's exports to each partner, by the country where it is made.

        V_t B_ts(i) E_sr(i)      origin t, exporter s, industry i of s, importer r

    Over origins it adds up to gross exports. It holds R² times the rows of the table; choose from it by
    ``.xs``.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by origin, exporter, industry, importer: `value_added`.

    Source: Koopman, Wang and Wei (2014), section II; Wang, Wei and Zhu (2013).
    """
    content, regions = table.content_by_origin, np.asarray(table.regions, dtype=object)
    row, importer = np.nonzero(table.abroad)
    values = content[row].T * table.exports[row, importer]
    origin = np.repeat(np.arange(len(regions)), len(row))
    industry = table.rows.get_level_values("industry").to_numpy(dtype=object)
    index = pd.MultiIndex.from_arrays(
        [
            regions[origin],
            np.tile(regions[table.region_of_row[row]], len(regions)),
            np.tile(industry[row], len(regions)),
            np.tile(regions[importer], len(regions)),
        ],
        names=["origin", "exporter", "industry", "importer"],
    )
    frame = pd.DataFrame({"value_added": values.ravel()}, index=index)
    return frame if index.is_unique else frame.groupby(level=list(index.names), sort=False).sum()


@recorded
def value_added_in_imports(table: InputOutput) -> pd.DataFrame:
    """Value added in each region's gross imports by where it is made, its own that returns included.

        Σ_{s≠r} V_t B_ts E_sr      origin t, importer r

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by origin, importer: `value_added`; over origins it adds up to gross imports.

    Source: Koopman, Wang and Wei (2014), section II, read from the importer's side.
    """
    values = table.content_by_origin.T @ table.exports
    regions = pd.Index(table.regions)
    wide = pd.DataFrame(values, regions.rename("origin"), regions.rename("importer"))
    return pd.DataFrame({"value_added": wide.stack()})


@recorded
def tiva_indicators(table: InputOutput) -> pd.DataFrame:
    """Indicators of trade in value added under the names of the OECD's database.

    ============  ===============================================================================
    EXGR, IMGR    gross exports and imports; BALGR their difference
    EXGR_INT/FNL  exports of intermediate and of final goods
    EXGR_DVA      domestic value added content V_s B_ss E_s; EXGR_DVASH its share in EXGR
    EXGR_FVA      foreign value added content Σ_{t≠s} V_t B_ts E_s; EXGR_FVASH its share
    FEXDVA        domestic value added in foreign exports; FEXDVAPSH its ratio to own exports
    FFD_DVA       domestic value added in foreign final use (exports of value added)
    DFD_FVA       foreign value added in domestic final use (imports of value added)
    BALVAFD       FFD_DVA − DFD_FVA, the balance in value added
    ============  ===============================================================================

    A country's BALVAFD over all partners is its BALGR: value added changes who the balance is with, not what
    it is.

    Parameters
    ----------
    table : the input-output table.

    Returns
    -------
    frame indexed by country, in the unit of the table; shares in [0, 1].

    Source: OECD (2021), Guide to OECD Trade in Value Added Indicators.
    """
    regions = list(table.regions)
    gross = gross_exports(table).reindex(regions)
    exports = gross["gross_exports"].to_numpy()
    content = _square(value_added_in_exports(table), "exporter", regions)
    final = _square(value_added_in_final_use(table), "destination", regions)
    own, imports = np.diag(content), table.exports.sum(axis=0)
    abroad, at_home = final.sum(axis=1) - np.diag(final), final.sum(axis=0) - np.diag(final)
    frame = pd.DataFrame(
        {
            "EXGR": exports,
            "EXGR_INT": gross["intermediate_exports"].to_numpy(),
            "EXGR_FNL": gross["final_exports"].to_numpy(),
            "IMGR": imports,
            "BALGR": exports - imports,
            "EXGR_DVA": own,
            "EXGR_FVA": content.sum(axis=0) - own,
            "FEXDVA": content.sum(axis=1) - own,
            "FFD_DVA": abroad,
            "DFD_FVA": at_home,
            "BALVAFD": abroad - at_home,
        },
        index=pd.Index(regions, name="country"),
    )
    for name, part in (("EXGR_DVASH", "EXGR_DVA"), ("EXGR_FVASH", "EXGR_FVA"), ("FEXDVAPSH", "FEXDVA")):
        frame[name] = share(frame[part], frame["EXGR"])
    return frame


def _square(frame: pd.DataFrame, column: str, regions: list[str]) -> Array:
    sums = frame["value_added"].groupby(level=["origin", column]).sum().unstack(column)
    return sums.reindex(index=regions, columns=regions).to_numpy()


def _long(table: InputOutput, values: Array, column: str, name: str) -> pd.DataFrame:
    origin = np.asarray(table.regions, dtype=object)[table.region_of_row]
    index = pd.MultiIndex.from_arrays(
        [origin, table.rows.get_level_values("industry")], names=["origin", "industry"]
    )
    wide = pd.DataFrame(values, index=index, columns=pd.Index(table.regions, name=column))
    if not index.is_unique:
        wide = wide.groupby(level=["origin", "industry"], sort=False).sum()
    return pd.DataFrame({name: wide.stack()})
