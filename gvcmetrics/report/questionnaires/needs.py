"""Which columns of a firm survey a hypothesis needs, and why some have none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gvcmetrics.claims.claim import Claim
from gvcmetrics.claims.construct import choose, in_order
from gvcmetrics.claims.match import match, names_of
from gvcmetrics.claims.vocabulary import VOCABULARY
from gvcmetrics.panels.contracts import CONTRACTS

_BESIDE = (
    "completeness",
    "differentiated_share",
    "from_panel",
    "rival_share",
    "share_in_panel",
    "value_chain",
)
_WHY = {
    "trade": (
        "it speaks of trade between countries by product, which is in customs and tariff records: a firm "
        "knows its own sales and not those of its rivals",
        "habla del comercio entre países por producto, que está en registros aduaneros y arancelarios: una "
        "empresa conoce sus ventas y no las de sus rivales",
    ),
    "cluster": (
        "it speaks of whole clusters, which regional statistics and input-output tables measure and a sample "
        "of firms does not",
        "habla de aglomeraciones enteras, que miden las estadísticas regionales y las tablas insumo-producto "
        "y no una muestra de empresas",
    ),
}


@dataclass(frozen=True)
class Need:
    """What a hypothesis needs of a survey.

    Attributes
    ----------
    columns : of the panel, controls among them. over_time : whether firms must be asked in several years.
    why_not : why it cannot be asked, in English and Spanish; empty where it can.
    partly : columns of rules that it can do without and that no question gives.
    """

    claim: Claim
    columns: frozenset[str]
    over_time: bool = False
    why_not: tuple[str, str] | tuple[()] = ()
    partly: tuple[str, ...] = ()


def need(claim: Claim, askable: Collection[str]) -> Need:
    """What a hypothesis needs, given the columns that there are questions for."""
    if claim.contract != "firm":
        return Need(claim, frozenset(), why_not=_WHY[claim.contract])
    there = {*askable, *CONTRACTS["firm"].keys, "cluster_id"}
    found = match(claim, "firm", there)
    if found.lacks:
        lacks = "; ".join(found.lacks)
        return Need(
            claim, frozenset(), why_not=(f"no question gives {lacks}", f"ninguna pregunta da {lacks}")
        )
    controls = [name for equation in claim.equations for name in equation.controls]
    wanted = [*(name for rule in found.rules for name in names_of(claim, rule)), *controls]
    makeable = [name for name in dict.fromkeys(wanted) if not choose(claim, name, there).lacks]
    columns = {column for name in makeable for column in choose(claim, name, there).columns}
    measures = [_measure(claim, name, there) for name in in_order(claim, makeable, there)]
    beside = sorted({measure for measure in measures if measure in _BESIDE})
    if beside:
        said = ", ".join(beside)
        return Need(
            claim,
            frozenset(),
            why_not=(
                f"it needs an input-output table or another panel ({said}), which no firm can answer for",
                f"necesita una tabla insumo-producto u otro panel ({said}), por "
                "los que ninguna empresa responde",
            ),
        )
    columns |= {column for measure in measures for column in VOCABULARY[measure].may_read}
    return Need(
        claim,
        frozenset(columns - {"cluster_id"}),
        over_time=any(VOCABULARY[measure].over_time for measure in measures),
        partly=found.wanted,
    )


def _measure(claim: Claim, name: str, there: Collection[str]) -> str:
    construct = choose(claim, name, there).construct
    assert construct is not None
    return construct.measure
