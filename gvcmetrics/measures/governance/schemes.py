"""From one scheme of governance to the other, how far they agree, and firms that serve several buyers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.vocabulary import GHS_TO_FOUR, GOVERNANCE, GOVERNANCE_GHS, UNCLASSIFIED
from gvcmetrics.lineage import record
from gvcmetrics.measures.items import checked_items
from gvcmetrics.measures.requirements import amounts, listed, require_columns, sampling_weights


def crosswalk_governance(
    governance: pd.Series, *, codifiability: pd.Series | None = None, to: Literal["four", "five"]
) -> pd.DataFrame:
    """Translate one scheme of governance into the other.

    Market is arms_length, captive quasi_hierarchical, hierarchy hierarchical; modular and relational are
    both network. From four types to five, network therefore stays unclassified unless `codifiability`
    (1 high: modular, 0 low: relational) decides.

    Parameters
    ----------
    governance : types of the other scheme; unclassified and missing stay unclassified.
    to : "four" or "five".
    codifiability : 0/1, aligned with `governance`; used only towards five types.

    Returns
    -------
    pandas.DataFrame
        `governance` and `governance_reason` (towards four types) or `governance_ghs` and
        `governance_ghs_reason`.

    Raises
    ------
    DataError
        A label that belongs to neither the scheme nor unclassified.

    Source: Humphrey and Schmitz (2000) and Gereffi, Humphrey and Sturgeon (2005); the mapping is
    by definition of the types, not by estimation.
    """
    known = GOVERNANCE_GHS if to == "four" else GOVERNANCE
    label = governance.astype("object").where(governance.notna(), UNCLASSIFIED)
    strange = ~label.isin([*known, UNCLASSIFIED])
    if strange.any():
        raise DataError(
            f"'{label[strange].iloc[0]}' is none of {', '.join(known)}",
            Place(column=str(governance.name)),
            "Recode the labels, or translate in the other direction.",
        )
    labels = label.to_numpy()
    if to == "four":
        mapping, name, types = GHS_TO_FOUR, "governance", list(GOVERNANCE)
    else:
        mapping = {four: five for five, four in GHS_TO_FOUR.items() if four != "network"}
        name, types = "governance_ghs", list(GOVERNANCE_GHS)
    result = np.array([mapping.get(text, UNCLASSIFIED) for text in labels], dtype=object)
    reason = np.full(len(labels), "", dtype=object)
    reason[labels == UNCLASSIFIED] = "unclassified in the other scheme"
    if to == "five":
        network = labels == "network"
        reason[network] = "network is modular or relational: codifiability is missing"
        if codifiability is not None:
            level = checked_items(codifiability.to_frame("codifiability"), ["codifiability"])["codifiability"]
            for value, five in ((1, "modular"), (0, "relational")):
                chosen = network & (level == value).to_numpy()
                result[chosen], reason[chosen] = five, ""
    out = pd.DataFrame(
        {
            name: pd.Categorical(result, [*types, UNCLASSIFIED]),
            f"{name}_reason": pd.array(reason, dtype="str"),
        },
        index=governance.index,
    )
    for column in out.columns:
        record(out, column, str(governance.name), like=governance)
    return out


def governance_agreement(
    frame: pd.DataFrame,
    *,
    four: str = "governance",
    five: str = "governance_ghs",
    weights: str | None = "weight",
) -> pd.DataFrame:
    """Cross-tabulation of firms by the two schemes, in weighted shares of all firms.

    Returns
    -------
    pandas.DataFrame
        Four types (and unclassified) by five types (and unclassified), adding up to one. Among the firms
        that both classify, ``attrs["agreement"]`` is the share whose five-type label translates into
        their four-type label, and ``attrs["kappa"]`` is Cohen's κ of the two.

    Raises
    ------
    DataError
        Absent columns, unknown labels, missing weights.
    """
    require_columns(frame, four, five)
    given = sampling_weights(frame, weights)
    mass = np.ones(len(frame)) if given is None else given
    translated = crosswalk_governance(frame[five], to="four")["governance"].astype("object").to_numpy()
    crosswalk_governance(frame[four], to="five")
    own = frame[four].astype("object").where(frame[four].notna(), UNCLASSIFIED).to_numpy()
    other = frame[five].astype("object").where(frame[five].notna(), UNCLASSIFIED).to_numpy()
    table = (
        pd.DataFrame({four: own, five: other, "share": mass / mass.sum()})
        .pivot_table(index=four, columns=five, values="share", aggfunc="sum")
        .reindex(index=[*GOVERNANCE, UNCLASSIFIED], columns=[*GOVERNANCE_GHS, UNCLASSIFIED])
        .fillna(0.0)
    )
    both = (own != UNCLASSIFIED) & (translated != UNCLASSIFIED)
    total = mass[both].sum()
    agreement = float(mass[both & (own == translated)].sum() / total) if total else float("nan")
    chance = sum(mass[both & (own == t)].sum() * mass[both & (translated == t)].sum() for t in GOVERNANCE)
    chance = chance / total**2 if total else float("nan")
    table.attrs["agreement"] = agreement
    table.attrs["kappa"] = (agreement - chance) / (1 - chance) if total and chance < 1 else float("nan")
    return table


def governance_shares(
    frame: pd.DataFrame,
    *,
    by: str | Sequence[str] = ("firm_id",),
    governance: str = "governance",
    share: str = "sales_share",
) -> pd.DataFrame:
    """How a firm that serves several buyers divides its sales over types of governance.

    Parameters
    ----------
    frame : one row for each firm × buyer (or firm × channel), with the governance of the tie.
    by : columns that identify a firm, or a firm and year.
    governance : type of the tie, four or five types, or unclassified (also where missing).
    share : the tie's share of the firm's sales, in [0, 1].

    Returns
    -------
    pandas.DataFrame
        One row for each unit: `share_{type}` for every type of the scheme and unclassified,
        `share_unknown` (what the ties leave of 1), `main_governance` (the type with the largest share;
        unclassified where two share the first place, or where its lead is smaller than what is
        unclassified or unknown) and `governance_entropy`, −Σ s ln s of the classified shares scaled to one.

    Raises
    ------
    DataError
        Absent columns, a missing or negative share, an unknown label, shares that exceed 1 in sum.
    """
    by = listed(by)
    require_columns(frame, *by, governance, share)
    values = amounts(frame, share)
    if np.isnan(values).any():
        raise DataError("a tie has no share of sales", Place(column=share), "Give it, or leave the tie out.")
    label = frame[governance].astype("object").where(frame[governance].notna(), UNCLASSIFIED)
    five = label.isin(GOVERNANCE_GHS).any()
    crosswalk_governance(label.rename(governance), to="four" if five else "five")
    types = GOVERNANCE_GHS if five else GOVERNANCE
    wide = (
        frame[by]
        .assign(_type=label, _share=values)
        .pivot_table(index=by, columns="_type", values="_share", aggfunc="sum")
        .reindex(columns=[*types, UNCLASSIFIED])
        .fillna(0.0)
    )
    total = wide.sum(axis=1)
    if (total > 1 + 1e-6).any():
        raise DataError(
            f"the shares of a firm add up to {total.max():.6g}",
            Place(column=share, key=str(total.idxmax())),
            "Shares are fractions of the firm's sales, not per cent.",
        )
    named = wide[list(types)].to_numpy()
    ranked = np.sort(named, axis=1)
    # Sales that no rule classifies could all be of the second type.
    doubt = wide[UNCLASSIFIED].to_numpy() + np.maximum(1 - total.to_numpy(), 0)
    clear = ranked[:, -1] - ranked[:, -2] > doubt + 1e-9
    main = np.where(clear, np.array(types, dtype=object)[named.argmax(axis=1)], UNCLASSIFIED)
    with np.errstate(invalid="ignore", divide="ignore"):
        s = named / named.sum(axis=1, keepdims=True)
        entropy = -(s * np.log(np.where(s > 0, s, 1.0))).sum(axis=1)
    out = wide.add_prefix("share_").rename_axis(columns=None)
    out["share_unknown"] = np.maximum(1 - total, 0)
    out["main_governance"] = pd.Categorical(main, [*types, UNCLASSIFIED])
    out["governance_entropy"] = np.abs(entropy)
    out = out.reset_index()
    for column in out.columns.difference(by):
        record(out, column, governance, share, like=frame)
    return out
