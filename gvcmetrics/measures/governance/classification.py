"""Who governs the chain that a firm sells into: four types, five types, and indices of buyer involvement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.ground.vocabulary import GOVERNANCE, GOVERNANCE_GHS, UNCLASSIFIED
from gvcmetrics.lineage import record
from gvcmetrics.measures.items import checked_items, cronbach_alpha, z_scores

_CELLS = {
    # complexity, codifiability, capability
    (0, 1, 1): "market",
    (1, 1, 1): "modular",
    (1, 0, 1): "relational",
    (1, 1, 0): "captive",
    (1, 0, 0): "hierarchy",
}
_ITEMS = ("owned_by_buyer", "buyer_sets_design", "buyer_sets_process", "joint_design", "specific_investment")


def classify_governance(
    frame: pd.DataFrame,
    *,
    owned_by_buyer: str | None = "owned_by_buyer",
    buyer_sets_design: str | None = "buyer_sets_design",
    buyer_sets_process: str | None = "buyer_sets_process",
    joint_design: str | None = "joint_design",
    specific_investment: str | None = "specific_investment",
    owns_buyer: str | None = None,
    ownership_threshold: float = 0.5,
    control: Literal["both", "either"] = "both",
) -> pd.DataFrame:
    """Four types of governance from declared items, by rules; the first that holds decides.

    1. hierarchical: the buyer owns the firm, or the firm owns the buyer (forward integration).
    2. unclassified: the design is said to be both the buyer's and joint.
    3. network: design is joint and at least one side has invested in the relation; joint design without
       such investment is unclassified.
    4. quasi_hierarchical: the buyer sets design and process (`control` "both"), or one of them ("either").
    5. unclassified: the buyer sets one of them ("both"), or there is specific investment without joint
       design or buyer control.
    6. arms_length: none of these: own or standard design, own process, no specific investment.

    Where an item is missing the firm is classified only if every possible answer leads to the same type
    (a firm that its buyer owns is hierarchical whatever else is unknown). Otherwise it is unclassified.

    Parameters
    ----------
    frame : one row for each firm, or for each tie of a firm with a buyer.
    owned_by_buyer : the buyer's share of the firm's equity in [0, 1], or 0/1.
    buyer_sets_design, buyer_sets_process, joint_design, specific_investment : 0/1 items. An item that a
        survey does not ask is None and counts as missing everywhere.
    owns_buyer : the firm's share of the buyer's equity in [0, 1], or 0/1: whether it sells through a trading
        company, shops or a brand of its own abroad, the second road to hierarchy in figure 1. None where the
        survey does not ask; hierarchy is then by the buyer's ownership alone, as most surveys have it.
    ownership_threshold : from which equity share one owns the other, the share itself included (0.1 and 0.5
        are usual).
    control : whether quasi-hierarchy needs the buyer to set both design and process, or either.

    Returns
    -------
    pandas.DataFrame
        `governance` (categorical: the four types, unclassified) and `governance_reason`, empty where the
        firm is classified; aligned to the frame.

    Raises
    ------
    DataError
        An absent column, equity outside [0, 1], an item that is neither 0 nor 1.

    Source: Humphrey and Schmitz (2000, 2001); Humphrey (2001), figure 1. The rules, their order and the
    treatment of mixed cases are this package's.
    """
    given = dict(
        zip(
            _ITEMS,
            (owned_by_buyer, buyer_sets_design, buyer_sets_process, joint_design, specific_investment),
            strict=True,
        )
    )
    declared = {name: column for name, column in given.items() if column is not None}
    if not declared:
        raise DataError("no item of governance is declared", remedy="Name at least one column.")
    answers = pd.DataFrame(np.nan, index=frame.index, columns=list(_ITEMS))
    for name, column in declared.items():
        owned = name == "owned_by_buyer"
        values = checked_items(frame, [column], whole=not owned)[column].to_numpy()
        if owned:
            values = np.where(np.isnan(values), np.nan, values >= ownership_threshold)
        answers[name] = values
    if owns_buyer is not None:
        equity = checked_items(frame, [owns_buyer], whole=False)[owns_buyer].to_numpy()
        integrated = np.where(np.isnan(equity), np.nan, equity >= ownership_threshold)
        backward = answers["owned_by_buyer"].to_numpy()
        answers["owned_by_buyer"] = integrated if owned_by_buyer is None else _either(backward, integrated)
        declared["owns_buyer"] = owns_buyer

    def rule(cell: tuple[int, ...]) -> tuple[str, str]:
        return _four_type(*cell, either=control == "either")

    labels = {name: given[name] or name for name in _ITEMS}
    if owns_buyer is not None:
        labels["owned_by_buyer"] = " or ".join(name for name in (owned_by_buyer, owns_buyer) if name)
    return _classified(frame, answers, rule, GOVERNANCE, "governance", labels, declared.values())


def classify_governance_ghs(
    frame: pd.DataFrame,
    *,
    complexity: str = "complexity",
    codifiability: str = "codifiability",
    capability: str = "capability",
    scale: tuple[float, float] = (0, 1),
    high_from: float = 1,
) -> pd.DataFrame:
    """Five types of governance from complexity, codifiability and the suppliers' capability.

    Market low-high-high, modular high-high-high, relational high-low-high, captive high-high-low, hierarchy
    high-low-low. The other three cells (all with low complexity) belong to no type and are unclassified, as
    are firms for which a missing item decides.

    Parameters
    ----------
    frame : one row for each firm or tie.
    complexity, codifiability, capability : items on one scale.
    scale : lowest and highest answer.
    high_from : answers from here on are high.

    Returns
    -------
    pandas.DataFrame
        `governance_ghs` (categorical) and `governance_ghs_reason`, as in `classify_governance`.

    Raises
    ------
    DataError
        An absent column or an answer outside the scale.

    Source: Gereffi, Humphrey and Sturgeon (2005), table 1.
    """
    columns = (complexity, codifiability, capability)
    items = checked_items(frame, columns, scale=scale, whole=False)
    answers = items.where(items.isna(), (items >= high_from).astype(np.float64))

    def rule(cell: tuple[int, ...]) -> tuple[str, str]:
        found = _CELLS.get((cell[0], cell[1], cell[2]))
        pattern = "-".join("high" if item else "low" for item in cell)
        return (found, "") if found else (UNCLASSIFIED, f"{pattern} belongs to no type")

    return _classified(
        frame,
        answers,
        rule,
        GOVERNANCE_GHS,
        "governance_ghs",
        {column: column for column in columns},
        columns,
    )


def governance_index(
    frame: pd.DataFrame,
    items: Sequence[str],
    *,
    method: Literal["mean", "sum", "pca"] = "mean",
    scale: tuple[float, float] = (0, 1),
) -> pd.Series:
    """Index of buyer involvement: mean or sum of items, or their first principal component.

    Parameters
    ----------
    frame : rows of firms or ties.
    items : items of involvement (design, quality, process, R&D ...), keyed so that more is tighter.
    method : "pca" is the first component of the correlation matrix, signed so that its loadings add up to
        more than zero; scores are standardised items times the unit-length loadings, as in Stata's ``pca``.
    scale : lowest and highest answer of every item.

    Returns
    -------
    pandas.Series
        `governance_index`, missing where any item is. ``attrs`` hold `cronbach_alpha` and, for "pca",
        `loadings` and `explained_share`.

    Raises
    ------
    DataError
        An item off the scale; fewer than two items; for "pca" an item that does not vary among the rows
        with all items.

    Source: Pietrobelli and Saliola (2008) for involvement items as an index.
    """
    answers = checked_items(frame, items, scale=scale, whole=False)
    complete = answers.notna().all(axis=1)
    attrs: dict[str, object] = {"cronbach_alpha": cronbach_alpha(answers, items)}
    if method == "pca":
        scores = z_scores(answers[complete], items)
        values, vectors = np.linalg.eigh(np.atleast_2d(np.corrcoef(scores.to_numpy(), rowvar=False)))
        loadings = vectors[:, -1] * (1.0 if vectors[:, -1].sum() >= 0 else -1.0)
        index = pd.Series(scores.to_numpy() @ loadings, scores.index).reindex(frame.index)
        attrs["loadings"] = dict(zip(items, loadings.tolist(), strict=True))
        attrs["explained_share"] = float(values[-1] / len(items))
    else:
        summed = answers.sum(axis=1, skipna=False)
        index = summed / len(items) if method == "mean" else summed
    index = index.rename("governance_index")
    index.attrs.update(attrs)
    return record(index, "governance_index", *items, like=frame)


def _either(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether one of two answers is yes: known where either is yes or both are known."""
    return np.where((one == 1) | (other == 1), 1.0, one + other)


def _four_type(
    owned: int, design: int, process: int, joint: int, specific: int, *, either: bool
) -> tuple[str, str]:
    """The rules of `classify_governance` for one complete set of answers."""
    if owned:
        return "hierarchical", ""
    if design and joint:
        return UNCLASSIFIED, "design is said to be both the buyer's and joint"
    if joint:
        return ("network", "") if specific else (UNCLASSIFIED, "joint design without specific investment")
    if (design and process) or (either and (design or process)):
        return "quasi_hierarchical", ""
    if design or process:
        return UNCLASSIFIED, f"the buyer sets the {'design' if design else 'process'} only"
    if specific:
        return UNCLASSIFIED, "specific investment without joint design or buyer control"
    return "arms_length", ""


def _classified(
    frame: pd.DataFrame,
    answers: pd.DataFrame,
    rule: Callable[[tuple[int, ...]], tuple[str, str]],
    types: Sequence[str],
    name: str,
    labels: dict[str, str],
    sources: Iterable[str],
) -> pd.DataFrame:
    """Apply a rule to every pattern of answers; a missing item is tried with both answers."""
    k = answers.shape[1]
    verdicts, reasons = [], []
    for pattern in product((0, 1, 2), repeat=k):  # 2 stands for missing
        outcomes = {rule(cell) for cell in product(*[(0, 1) if p == 2 else (p,) for p in pattern])}
        missing = [label for p, label in zip(pattern, labels.values(), strict=True) if p == 2]
        verdict, reason = (
            (UNCLASSIFIED, f"missing: {', '.join(missing)}") if len(outcomes) > 1 else outcomes.pop()
        )
        verdicts.append(verdict)
        reasons.append(reason)
    codes = answers.fillna(2).to_numpy(dtype=np.intp) @ (3 ** np.arange(k - 1, -1, -1))
    out = pd.DataFrame(
        {
            name: pd.Categorical(np.array(verdicts, dtype=object)[codes], [*types, UNCLASSIFIED]),
            f"{name}_reason": pd.array(np.array(reasons, dtype=object)[codes], dtype="str"),
        },
        index=frame.index,
    )
    columns = list(sources)
    for column in out.columns:
        record(out, column, *columns, like=frame)
    return out
