"""Two-way trade of a product between two countries, and whether it is in varieties or in qualities."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, require_columns, require_one_type, require_unique

TRADE_TYPES = ("one-way", "horizontal", "vertical, low", "vertical, high")
"""Two-way trade in like qualities is horizontal; vertical is named from the exporter's side."""


def two_way_trade(
    frame: pd.DataFrame,
    *,
    exporter: str = "exporter",
    importer: str = "importer",
    product: str = "product",
    time: str = "year",
    value: str = "value_usd",
    unit_value: str | None = "unit_value_usd",
    bounds: tuple[float, float] = (0.85, 1.15),
    overlap: float = 0.10,
) -> pd.DataFrame:
    """One-way, horizontal and vertical two-way trade of each country, partner, product and year.

    A country's imports from a partner are the partner's exports to it in the same panel. Trade is two-way
    when the smaller flow exceeds `overlap` times the larger; two-way trade is horizontal when the ratio
    of the export to the import unit value is within `bounds`, vertical of high quality above and of low
    quality below.

    Parameters
    ----------
    frame : bilateral trade panel, each exporter → importer flow once.
    unit_value : value over quantity, in any unit that both directions share. None, or a frame without the
        default column, gives the Grubel–Lloyd index and one-way trade, which need values alone.
    bounds : of the unit-value ratio for horizontal trade; (0.85, 1.15) in Greenaway, Hine and Milner,
        (1/1.15, 1.15) in Fontagné and Freudenberg, who thereby classify both partners alike.
    overlap : least ratio of the smaller to the larger flow for two-way trade; 0 takes any overlap.

    Returns
    -------
    pandas.DataFrame
        One row for each country (`exporter`), partner (`importer`), product and year in which either
        exports, sorted: `export_value`, `import_value` (0 where there is none), `grubel_lloyd`
        (1 − |x − m| / (x + m)), `unit_value_ratio`, `trade_type` (categorical of `TRADE_TYPES`; missing for
        two-way trade without both unit values).

    Raises
    ------
    DataError
        For missing columns, repeated keys, negative values, a country that exports to itself, and bounds
        or overlap that make no sense.

    Source: Greenaway, Hine and Milner (1995); Fontagné and Freudenberg (1997); Grubel and Lloyd (1975).
    """
    low, high = bounds
    if not (0 < low <= 1 <= high and 0 <= overlap < 1):
        raise DataError(
            f"bounds {bounds} or overlap {overlap} make no sense",
            remedy="The bounds enclose one; the overlap is in [0, 1).",
        )
    key = [exporter, importer, product, time]
    require_columns(frame, *key, value)
    if unit_value is None or (unit_value == "unit_value_usd" and unit_value not in frame.columns):
        unit_value = "unit_value_usd"
        frame = frame.assign(**{unit_value: np.nan})
    require_unique(frame, key)
    require_one_type(exporter, f"'{exporter}'", frame[exporter], frame[importer], f"'{importer}'")
    amounts(frame, value)
    amounts(frame, unit_value)
    if (frame[exporter] == frame[importer]).any():
        raise DataError("a country exports to itself", remedy="Drop domestic trade before this measure.")
    flows = frame.loc[frame[value] > 0, [*key, value, unit_value]]
    flows = flows.astype({value: float, unit_value: float})
    flows = flows.assign(**{unit_value: flows[unit_value].where(flows[unit_value] > 0)})
    mirrored = flows.rename(columns={exporter: importer, importer: exporter})
    both = flows.merge(mirrored, on=key, how="outer", suffixes=("_x", "_m")).sort_values(
        key, ignore_index=True
    )
    x, m = both[f"{value}_x"].fillna(0.0), both[f"{value}_m"].fillna(0.0)
    smaller, larger = np.minimum(x, m), np.maximum(x, m)
    out = both[key].assign(
        export_value=x,
        import_value=m,
        grubel_lloyd=1 - (x - m).abs() / (x + m),
        unit_value_ratio=both[f"{unit_value}_x"] / both[f"{unit_value}_m"],
    )
    two_way = (smaller > overlap * larger) & (smaller > 0)
    ratio = out["unit_value_ratio"]
    code = np.select([~two_way, ratio.isna(), ratio < low, ratio > high], [0, -1, 2, 3], default=1)
    out["trade_type"] = pd.Categorical.from_codes(code, categories=pd.Index(TRADE_TYPES))
    for column in ("export_value", "import_value", "grubel_lloyd"):
        record(out, column, value, like=frame)
    record(out, "unit_value_ratio", unit_value, like=frame)
    return record(out, "trade_type", value, unit_value, like=frame)
