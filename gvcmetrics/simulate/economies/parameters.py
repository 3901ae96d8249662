"""What a simulated economy is made from, one parameter a line: its meaning, and where its value is from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.simulate.economies.checks import check

ASSUMED = "assumed"
_SINOS = "Humphrey (2001, section 3), on the Sinos Valley"
_WBES = "World Bank Enterprise Surveys, questionnaire"


def _of(default: Any, meaning: str, source: str = ASSUMED, role: str = "setting") -> Any:
    return field(default=default, metadata={"meaning": meaning, "source": source, "role": role})


def _effect(hypothesis: str, default: float, meaning: str) -> Any:
    source = f"{ASSUMED}; the sign is that of {hypothesis}"
    return field(
        default=default, metadata={"meaning": meaning, "source": source, "role": "effect", "of": hypothesis}
    )


def _friction(default: float, meaning: str) -> Any:
    return _of(default, meaning, role="friction")


@dataclass(frozen=True)
class Economy:
    """The parameters of a simulated economy; `Economy.table()` lists meaning and source of each.

    Three roles. A *setting* says how large and how unequal the economy is. An *effect* is what a hypothesis
    speaks of, `hN_…` for hypothesis N, zero where the hypothesis says that there is something and there is
    not; on the latent index of a probit or logit, or on the scale of the outcome where this is a share or a
    score. A *friction* is what stands between an economy and its survey, or makes governance endogenous.
    Where no source is named the value is an assumption; nothing here is an estimate for any country.

    Raises
    ------
    DataError : values that no economy can have; one message names parameter and remedy.
    """

    firms: int = _of(1200, "firms that the survey samples")
    years: int = _of(6, "years of the panel")
    clusters: int = _of(60, "clusters: industries of a region in which firms are surveyed")
    countries: int = _of(4, "countries of the firms")
    first_year: int = _of(2012, "first year of the panel")
    census: float = _of(2.0, "firms in the economy for each one in the survey's frame of sampled firms")
    size_mean: float = _of(3.5, "mean log employment")
    cluster_inequality: float = _of(0.5, "standard deviation of the logs of the clusters' shares of firms")
    dispersion_low: float = _of(0.6, "lowest standard deviation of log employment in a cluster")
    dispersion_high: float = _of(1.4, "highest standard deviation of log employment in a cluster")
    patterns: tuple[float, ...] = _of(
        (0.4, 0.2, 0.2, 0.2),
        "shares of clusters that are traditional, natural-resource, complex, specialised",
    )
    foreign: float = _of(0.12, "share of firms with foreign owners")
    top_buyer: float = _of(0.4, "share of a cluster's sales that its first buyer takes, on average", _SINOS)
    main_buyer: float = _of(0.5, "median share of sales that a firm's main buyer takes")
    switching: float = _of(0.15, "share of firms that change their main buyer in a year")
    buyers: int = _of(40, "buyers that firms of a cluster can sell to")
    birth: float = _of(0.04, "share of firms that are born in each year after the first")
    death: float = _of(0.05, "share of firms that close in a year")
    backshoring: float = _of(
        0.04, "share of firms that bring production back; the source calls it limited, without a figure",
        "Bettiol et al. (2017, abstract)",
    )  # fmt: skip
    oversampling: float = _of(2.0, "odds of a firm of 100 and more to be sampled, against one of below 20")
    correlation: float = _of(0.3, "correlation of the errors of any two kinds of upgrading")
    capability: float = _of(0.4, "effect of a firm's capability on each kind of upgrading")
    cluster_effect: float = _of(0.1, "standard deviation of what firms of a cluster share in upgrading")
    exporters: int = _of(30, "exporting countries of the customs records")
    products: int = _of(20, "products of the customs records")
    shock_year: int = _of(3, "years after the first in which costs and borders are shocked")
    upgrade_product: float = _of(-0.5, "intercept of product upgrading, index")
    upgrade_process: float = _of(-0.4, "intercept of process upgrading, index")
    upgrade_functional: float = _of(-0.7, "intercept of functional upgrading, index")
    upgrade_chain: float = _of(-1.5, "intercept of chain upgrading, index")

    h1_product: float = _effect("H1", 0.2, "of a quasi-hierarchical tie on product upgrading, index")
    h1_process: float = _effect("H1", 0.35, "of a quasi-hierarchical tie on process upgrading, index")
    h1_functional: float = _effect("H1", -0.6, "of a quasi-hierarchical tie on functional upgrading, index")
    h2_lock_in: float = _effect("H2", 1.2, "of the buyer HHI on lock-in, score")
    h2_breadth: float = _effect("H2", -0.4, "of the buyer HHI on the share of functions performed")
    h3_joint_action: float = _effect("H3", -0.4, "of the first buyer's share of the cluster on joint action")
    h4_lock_in: float = _effect("H4", -1.0, "of diversification on lock-in, score")
    h4_size: float = _effect("H4", -0.06, "of log employment on diversification")
    h5_knowledge: float = _effect("H5", 0.25, "of chain knowledge × log markets on all upgrading, index")
    h6_research: float = _effect("H6", 0.35, "of own R&D on all upgrading, index")
    h6_governed: float = _effect("H6", 0.4, "of own R&D under a quasi-hierarchical tie besides, index")
    h7_single: float = _effect("H7", 0.5, "of a single source of knowledge on lock-in, score")
    h7_institutions: float = _effect("H7", -0.3, "of local institutions on the effect of a single source")
    h8_functional: float = _effect("H8", 0.5, "of the innovation system on functional upgrading, index")
    h8_process: float = _effect("H8", 0.1, "of the innovation system on process upgrading, index")
    h9_dispersion: float = _effect("H9", 2.5, "of size dispersion in the cluster on all upgrading, index")
    h9_squared: float = _effect("H9", -1.0, "of squared size dispersion on all upgrading, index")
    h10_tariff: float = _effect("H10", -2.0, "of the input tariff, a share, on export quality")
    h10_delay: float = _effect("H10", -0.3, "of log days at the border on export quality")
    h11_infrastructure: float = _effect("H11", 0.3, "of infrastructure on exports of co-ordinated firms, log")
    h12_continuity: float = _effect("H12", 0.25, "of a year more of unbroken exports on the tie, logit")
    h13_certified: float = _effect("H13", 0.5, "of a certificate on entry into a chain, index")
    h13_size: float = _effect("H13", -0.2, "of a certificate on entry by log employment, index")
    h14_knowledge: float = _effect("H14", 0.4, "of the buyer's knowledge on the tie, logit")
    h14_risk: float = _effect("H14", 0.4, "of the risk of failure on the tie, logit")
    h14_differentiation: float = _effect("H14", 0.4, "of differentiation on the tie, logit")
    h14_standards: float = _effect("H14", 0.6, "of standards that bind on the tie, logit")
    h14_newness: float = _effect("H14", 0.6, "of a new supplier on the tie, logit")
    h15_tacitness: float = _effect("H15", 0.4, "of tacitness on the relative price after a cost shock, log")
    h16_pattern: float = _effect("H16", 0.4, "of a tie in complex against traditional sectors, index")
    h18_linkage: float = _effect("H18", 0.4, "of the mode of external linkage on resilience, score")
    h18_modes: float = _effect("H18", 1.5, "of foreign multinationals' share of jobs on resilience, score")
    h19_completeness: float = _effect("H19", 0.0, "of completeness on log income, given functions")
    h20_network: float = _effect("H20", 0.3, "of a network tie on all upgrading, index")
    h21_marketing: float = _effect("H21", 0.5, "of the cost of marketing on the four largest firms' share")
    h22_shock: float = _effect("H22", 0.4, "of the shock to upgrading on growth of jobs and pay, correlation")
    h23_local: float = _effect("H23", 0.3, "of specialisation and of related variety on upgrading, score")
    h23_global: float = _effect("H23", 0.3, "of participation and of position on upgrading, score")

    endogeneity: float = _friction(0.8, "how far buyers tie firms of little capability, logit a deviation")
    misreporting: float = _friction(0.03, "share of answers to each buyer item that are wrong")
    attrition: float = _friction(0.06, "share of firms that leave the survey in a year")
    selectivity: float = _friction(0.5, "how much more often those leave that did not upgrade, log odds")
    missing: float = _friction(0.01, "share of answers to each item that are missing")

    def __post_init__(self) -> None:
        check(vars(self))

    def without_effects(self) -> Economy:
        """The same economy in which no hypothesis' effect is there."""
        return self.with_(**dict.fromkeys(names("effect"), 0.0))

    def without_frictions(self, *kept: str) -> Economy:
        """The same economy measured as it is, its governance moved by nothing unseen; but for `kept`."""
        return self.with_(**dict.fromkeys((n for n in names("friction") if n not in kept), 0.0))

    def with_(self, **changes: Any) -> Economy:
        """The same economy with other values.

        Raises
        ------
        DataError : there is no such parameter; the nearest is named.
        """
        for name in changes:
            if name not in (known := [each.name for each in fields(self)]):
                raise DataError(
                    f"an economy has no parameter '{name}'",
                    remedy=did_you_mean(name, known, "Economy.table() lists them"),
                )
        return dataclasses.replace(self, **changes)

    @classmethod
    def table(cls) -> pd.DataFrame:
        """Every parameter: value, role, meaning, and the source or that it is assumed."""
        rows = [
            {"parameter": each.name, "value": each.default, **_words(each.metadata)} for each in fields(cls)
        ]
        return pd.DataFrame(rows).set_index("parameter")


def _words(metadata: Any) -> dict[str, str]:
    return {"role": metadata["role"], "meaning": metadata["meaning"], "source": metadata["source"]}


def names(role: str) -> list[str]:
    """Parameters of a role: setting, effect or friction."""
    return [each.name for each in fields(Economy) if each.metadata["role"] == role]
