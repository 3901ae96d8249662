"""What is planned: firms, clusters, years, and the economy in which the survey is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.claims.claim import Claim
from gvcmetrics.errors import DataError, Place
from gvcmetrics.simulate.economies.parameters import Economy


@dataclass(frozen=True)
class Design:
    """A survey that is planned.

    Attributes
    ----------
    firms, clusters, years : how large. level : of the two-sided test. drop : columns that are not asked.
    economy : what the firms are like; its own numbers of firms, clusters and years are not used.
    """

    firms: int
    clusters: int
    years: int
    level: float
    drop: tuple[str, ...]
    economy: Economy

    @property
    def size(self) -> float:
        """Firms per cluster."""
        return self.firms / self.clusters

    def planned(self) -> Economy:
        """The economy from which the survey is drawn as planned."""
        return self.of(self.firms, self.clusters)

    def of(self, firms: int, clusters: int) -> Economy:
        """The same with other numbers of firms and clusters."""
        return self.economy.with_(
            firms=firms, clusters=clusters, years=self.years, exporters=2, products=2,
            countries=min(self.economy.countries, clusters),
        )  # fmt: skip


def checked(claim: Claim, design: Design) -> None:
    """Refuse what no survey can be, and claims that no survey of firms answers.

    Raises
    ------
    DataError : the first mistake, with its key and a remedy.
    """
    for name in ("firms", "clusters", "years"):
        value = getattr(design, name)
        if isinstance(value, bool) or value != int(value) or value < 1:
            raise DataError(f"{name} is {value}", Place(key=name), "Give a whole number from one on")
    if not 0 < design.level < 1:
        raise DataError(f"level is {design.level}", Place(key="level"), "Give a share, 0.05")
    if claim.contract != "firm":
        raise DataError(
            f"a survey of firms cannot test {claim.id}: it speaks of a {claim.contract} panel",
            Place(key="hypothesis"),
            f"Its data: {claim.get}",
        )
    if design.clusters > design.firms:
        raise DataError(
            f"{design.clusters} clusters of {design.firms} firms: some would have none",
            Place(key="clusters"),
            "Ask for more firms or fewer clusters",
        )
    if design.clusters < claim.errors.at_least:
        said = "one cluster" if design.clusters == 1 else f"{design.clusters} clusters"
        raise DataError(
            f"{said}: what firms of a place share cannot be told from the effect",
            Place(key="clusters"),
            f"{claim.id} needs {claim.errors.at_least} clusters or more",
        )


def unequal(economy: Economy, cv: float | None, size: float) -> Economy:
    """The economy whose clusters' sizes have this coefficient of variation in a sample of `size` a cluster.

    Sizes vary by chance too, by one over the size, which is part of what is asked for.
    """
    if cv is None:
        return economy
    if not np.isfinite(cv) or cv < 0:
        raise DataError(f"cv is {cv}", Place(key="cv"), "Give a coefficient of variation, zero or more")
    return economy.with_(cluster_inequality=float(np.sqrt(np.log1p(max(cv**2 - 1 / size, 0.0)))))
