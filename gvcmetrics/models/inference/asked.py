"""Which errors are asked for, as the user writes it: a word, columns, a formula, a kind with its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.formulas.text import split_outside

PLAIN = ("iid", "hetero", "HC0", "HC2", "HC3")
VcovSpec = str | Sequence[str] | Mapping[str, Any]
_SYNONYMS = {"classical": "iid", "nonrobust": "iid", "robust": "hetero", "HC1": "hetero"}
# The left side of a formula of clusters, as fixest has it.
_CLUSTERED = dict.fromkeys(("", "cluster", "twoway", "threeway"), "CRV1") | {"driscoll_kraay": "DK"}


@dataclass(frozen=True)
class Vcov:
    """What the user asked for: a kind and the columns that it needs."""

    kind: str
    clusters: tuple[str, ...] = ()
    lags: int | None = None
    strata: str | None = None
    fpc: str | None = field(default=None, repr=False)
    subpop: str | None = field(default=None, repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns whose codes the covariance needs (clusters, periods, PSU, strata, their population)."""
        return (*self.clusters, *(name for name in (self.strata, self.fpc) if name))


CLASSICAL = Vcov("iid")
"""Errors that a model's own variance gives."""


def parse_vcov(vcov: VcovSpec | Vcov) -> Vcov:
    """Read `vcov=` as the user writes it.

    Examples
    --------
    >>> parse_vcov({"CRV1": "firm + year"})
    Vcov(kind='CRV1', clusters=('firm', 'year'), lags=None, strata=None)
    >>> parse_vcov("~ firm + year") == parse_vcov(["firm", "year"]) == parse_vcov({"CRV1": "firm + year"})
    True
    """
    if isinstance(vcov, Vcov):
        return vcov
    if isinstance(vcov, (list, tuple)) and vcov and all(isinstance(name, str) for name in vcov):
        return parse_vcov({"CRV1": " + ".join(vcov)})
    if isinstance(vcov, str) and len(sides := split_outside(vcov, "~")) == 2 and sides[1]:
        return parse_vcov({_CLUSTERED.get(sides[0], sides[0]): sides[1]})
    if isinstance(vcov, str):
        kind = _SYNONYMS.get(vcov, vcov)
        if kind in PLAIN:
            return Vcov(kind)
    elif isinstance(vcov, Mapping):
        rest = dict(vcov)
        lags = rest.pop("lags", None)
        if len(rest) == 1:
            (kind, columns), *_ = rest.items()
            if kind == "survey" and isinstance(columns, Mapping) and lags is None:
                given = {key: value for key, value in columns.items() if value is not None}
                if set(given) <= {"psu", "strata", "fpc", "subpop"} and {"psu", "strata"} & set(given):
                    psu = (given.pop("psu"),) if "psu" in given else ()
                    return Vcov("survey", psu, **given)
            if kind in ("CRV1", "CRV3", "CR2", "DK") and isinstance(columns, str):
                ways = tuple(dict.fromkeys(split_outside(columns, "+")))
                if kind != "CRV1" and len(ways) != 1:
                    raise ModelError(
                        f"{kind} takes one column, not {len(ways)}", remedy="Use CRV1 for several ways"
                    )
                if kind == "DK" or lags is None:
                    return Vcov(kind, ways, lags)
    raise ModelError(
        f"vcov={vcov!r} is not known",
        remedy='Use "iid", "hetero", "HC0", "HC2", "HC3", "~ a + b", {"CRV1": "a + b"}, {"CRV3": "a"}, '
        '{"CR2": "a"}, {"DK": "year", "lags": 2} or {"survey": {"psu": "a", "strata": "b", "fpc": "c", '
        '"subpop": "d"}}',
    )
