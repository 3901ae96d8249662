"""The economy of a seed: all its parts, as one object with frames, truth and files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from gvcmetrics.simulate.economies.accounts import accounts, first_buyer
from gvcmetrics.simulate.economies.files import write
from gvcmetrics.simulate.economies.firms import firms
from gvcmetrics.simulate.economies.frames import COOPERATION, firm_frame
from gvcmetrics.simulate.economies.geography import COUNTRIES, geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.records import buyer_frame, cluster_frame, trade_frame
from gvcmetrics.simulate.economies.streams import Streams
from gvcmetrics.simulate.economies.survey import sample
from gvcmetrics.simulate.economies.ties import ties
from gvcmetrics.simulate.economies.truth import World, truth
from gvcmetrics.simulate.economies.upgrading import UPGRADING, upgrading

INNOVATION = (
    "country", "firm_id", "year", "region", "industry", "weight", "stratum", "employment", "sales_usd",
    "rd_usd",
    *(f"upgrade_{kind}" for kind in UPGRADING[:3]), *COOPERATION, "single_knowledge_source",
)  # fmt: skip
"""What an innovation survey asks of these columns, in the last year."""


@dataclass(frozen=True)
class Simulated:
    """A simulated economy as others see it, and what it is.

    Attributes
    ----------
    parameters, seed : what it was made from. firms : the survey of firms, contract `firm`. clusters :
        regional statistics, contract `cluster`. trade : customs records, contract `trade`. world : all of
        it, the unseen parts too. `buyers` (sales of each firm by buyer), `innovation` (the innovation survey
        of the last year) and `truth` are made when they are asked for. Every frame has
        ``attrs["simulated"] = True``.
    """

    parameters: Economy
    seed: int
    firms: pd.DataFrame
    clusters: pd.DataFrame
    trade: pd.DataFrame
    world: World

    @cached_property
    def buyers(self) -> pd.DataFrame:
        """Sales by firm, year and buyer: `buyer_id`, `buyer_share`."""
        made = buyer_frame(self.parameters, self.firms, self.world.ties, self.world.rows)
        return _labelled(made, self.seed)

    @cached_property
    def innovation(self) -> pd.DataFrame:
        """The innovation survey: a cross-section of the last year."""
        last = self.firms["year"] == self.firms["year"].max()
        return _labelled(self.firms.loc[last, list(INNOVATION)].reset_index(drop=True), self.seed)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """The true effect behind each rule: `hypothesis`, `effect`, `value`, `nothing`; see `truth.truth`."""
        return _labelled(truth(self.world, self.firms, self.clusters, self.trade), self.seed)

    def write(self, folder: str | Path) -> list[Path]:
        """Write raw files in the layouts of surveys, and the specs that read them; see `files.write`."""
        parts = {
            "firms": self.firms,
            "innovation": self.innovation,
            "clusters": self.clusters,
            "trade": self.trade,
        }
        return write(parts, Path(folder))


def economy(parameters: Economy | None = None, *, seed: int = 0, **changes: Any) -> Simulated:
    """A simulated economy of firms in clusters and value chains, whose true effects are known.

    Governance arises from what buyers know and risk, from standards and from capability; upgrading of four
    kinds from governance, research, knowledge and place; a survey samples firms, loses some and mishears
    others. Everything is made up: it shows what a survey would give if the field's claims held, at effects
    that one chooses, and says nothing of any country.

    Parameters
    ----------
    parameters : an `Economy`; its defaults if none is given. seed : the same gives the same numbers.
    changes : parameters by name that are to be others, `firms=400, clusters=20, h1_functional=0.0`.

    Returns
    -------
    Simulated : frames, `truth`, `write(folder)`.

    Raises
    ------
    DataError : parameters that no economy can have.

    Examples
    --------
    >>> from gvcmetrics import simulate
    >>> made = simulate.economy(firms=50, clusters=5, years=3, seed=1)
    >>> made.firms.attrs["simulated"], made.firms["cluster_id"].nunique()
    (True, 5)
    """
    chosen = (parameters or Economy()).with_(**changes)
    streams = Streams(seed)
    places = geography(chosen, streams)
    made = firms(chosen, places, streams)
    tied = ties(chosen, places, made, streams)
    money = accounts(chosen, places, made, tied, streams)
    top = first_buyer(places, made, tied, money.sales)
    became = upgrading(chosen, places, made, tied, top, streams)
    taken = sample(chosen, places, made, became, list(COUNTRIES[: chosen.countries]), streams)
    frame, rows = firm_frame(chosen, places, made, tied, money, became, taken, streams)
    world = World(chosen, places, made, tied, became, rows, frame["weight"].to_numpy())
    return Simulated(
        parameters=chosen,
        seed=seed,
        firms=_labelled(frame, seed),
        clusters=_labelled(cluster_frame(chosen, places, made, money, streams), seed),
        trade=_labelled(trade_frame(chosen, streams), seed),
        world=world,
    )


def _labelled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    frame.attrs["simulated"] = True
    frame.attrs["seed"] = seed
    return frame
