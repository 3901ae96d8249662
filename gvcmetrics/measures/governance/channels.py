"""Through whom firms sell: shares of marketing channels and how spread sales are over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.lineage import record
from gvcmetrics.measures.requirements import amounts, require_columns


def sales_channels(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Shares of a firm's sales by channel, their entropy, and the channel that takes most.

    .. math:: s_k = x_k / \\sum_j x_j, \\quad H = -\\sum_k s_k \\ln s_k, \\quad
              H / \\ln K \\in [0, 1], \\quad \\sum_k s_k^2

    with K the channels that the survey asks about. Entropy is 0 with a single channel; e^H is the number of
    equal channels that are as spread.

    Parameters
    ----------
    frame : firm panel.
    columns : one for each channel (own shops, wholesalers, traders, fashion houses, global buyers): sales,
        shares or per cent, all in one unit.

    Returns
    -------
    pandas.DataFrame
        Aligned: `share_{column}` for each channel, `channel_entropy`, `channel_evenness` (H / ln K),
        `channel_hhi`, `n_channels`, `main_channel` (categorical; missing where two are largest). Missing
        where a channel is missing or nothing is sold.

    Raises
    ------
    DataError
        Fewer than two channels, one that is named twice, absent columns, negative amounts.

    Source: Humphrey (2001), section 5.3, for channels; Theil (1967) for the entropy.
    """
    names = list(columns)
    if len(names) < 2 or len(set(names)) < len(names):
        raise DataError(f"{len(set(names))} channels are named", remedy="Name two or more, each once.")
    require_columns(frame, *names)
    sold = np.column_stack([amounts(frame, name) for name in names])
    total = sold.sum(axis=1, keepdims=True)
    shares = np.divide(sold, total, out=np.full_like(sold, np.nan), where=total > 0)
    known = ~np.isnan(shares).any(axis=1)
    logs = np.log(np.where(shares > 0, shares, 1.0))
    # −Σ s ln s of one channel is −0.
    entropy = np.where(known, np.abs((shares * logs).sum(axis=1)), np.nan)
    largest = shares == np.where(known, np.nan_to_num(shares).max(axis=1), np.inf)[:, None]
    single = largest.sum(axis=1) == 1
    out = pd.DataFrame(shares, frame.index, [f"share_{name}" for name in names])
    out["channel_entropy"] = entropy
    out["channel_evenness"] = entropy / np.log(len(names))
    out["channel_hhi"] = (shares**2).sum(axis=1)
    out["n_channels"] = np.where(known, (shares > 0).sum(axis=1), np.nan)
    main = np.where(single, largest.argmax(axis=1), -1)
    out["main_channel"] = pd.Categorical.from_codes(main, categories=pd.Index(names))
    for column in out.columns:
        record(out, column, *names, like=frame)
    return out
