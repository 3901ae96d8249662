"""The field's words for what a firm's chain is and what becomes of the firm in it."""

from __future__ import annotations

GOVERNANCE = ("arms_length", "network", "quasi_hierarchical", "hierarchical")
"""Humphrey and Schmitz (2000), from the loosest to the tightest."""

GOVERNANCE_GHS = ("market", "modular", "relational", "captive", "hierarchy")
"""Gereffi, Humphrey and Sturgeon (2005), from the loosest to the tightest."""

GHS_TO_FOUR = dict(
    zip(
        GOVERNANCE_GHS,
        ("arms_length", "network", "network", "quasi_hierarchical", "hierarchical"),
        strict=True,
    )
)
"""What each of the five types is among the four."""

UNCLASSIFIED = "unclassified"
"""Neither scheme's rules decide."""

BUYER_ITEMS = (
    "buyer_sets_design",
    "buyer_sets_process",
    "joint_design",
    "specific_investment",
    "owned_by_buyer",
)
"""What a firm is asked of its main buyer; governance is told from these, by the last where it is known."""

UPGRADING = ("product", "process", "functional", "chain")
"""Humphrey and Schmitz (2002)."""

EXPORT_STAGES = {
    "assembly": "OEA",
    "manufacturing": "OEM",
    "design": "ODM",
    "marketing": "ODM",
    "own_brand": "OBM",
}
"""Stages 1 to 5 of exporting (Wortzel and Wortzel 1981) and the rung of each (Hobday 1995)."""

EXPORT_LADDER = tuple(dict.fromkeys(EXPORT_STAGES.values()))
"""From the lowest rung to the highest."""
