"""Marginal effects as a result: numbers, prints, tests."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numbers import estimate, stars_of
from gvcmetrics.ground.printing import LEGEND, WIDTH, decimals, label_room, labelled
from gvcmetrics.models.inference.bias_reduced import OfCombinations
from gvcmetrics.models.inference.estimates import Estimates
from gvcmetrics.models.inference.restrictions import TestResult, distribution, wald


@dataclass(frozen=True, repr=False, eq=False)
class Margins:
    """Marginal effects or average predictions of one model.

    Attributes
    ----------
    results : the model. keys : one row an estimate: `variable`, `contrast`, `outcome`, and a column for each
        variable of `at` and `by`.
    values, covariance : the estimates and their covariance, in the order of `keys`.
    scale : what they are effects on. kind : "effects" or "predictions". at_means : evaluated once, at means.
    call : the exact call as text. measure : what effects are called that are elasticities. adjusted : what
        tests need after CR2.
    """

    results: Estimates
    keys: pd.DataFrame
    values: np.ndarray
    covariance: np.ndarray
    scale: str
    kind: str = "effects"
    at_means: bool = False
    notes: tuple[str, ...] = ()
    call: str = ""
    measure: str = ""
    adjusted: OfCombinations | None = None

    @property
    def df_by_estimate(self) -> np.ndarray | float:
        """Degrees of freedom of the test of each estimate, where they differ; else those of the results."""
        if self.adjusted is None:
            return self.results.df
        own = self.adjusted.by_combination
        return np.where(np.isnan(own), self.results.df, own)

    @property
    def terms(self) -> pd.Index:
        """A name for each estimate: `x`, `g: b - a`, with the values of `at` and `by` after a bar."""
        names = []
        where = self.keys.columns.difference(["variable", "contrast", "outcome"], sort=False)
        for key in self.keys.to_dict("records"):
            name = key["variable"]
            if not _PLAIN.fullmatch(key["contrast"]):
                name = f"{name}: {key['contrast']}"
            held = ", ".join(f"{column}={_text(key[column])}" for column in where)
            names.append(f"{name} | {held}" if held else name)
        if (self.keys["outcome"] != "").any():
            names = [f"{outcome}: {name}" for outcome, name in zip(self.keys["outcome"], names, strict=True)]
        return pd.Index(names, dtype=object)

    @property
    def params(self) -> pd.Series:
        """The estimates by term."""
        return pd.Series(self.values, index=self.terms, name="estimate")

    @property
    def cov(self) -> pd.DataFrame:
        """Their covariance."""
        return pd.DataFrame(self.covariance, index=self.terms, columns=self.terms)

    @property
    def std_errors(self) -> pd.Series:
        """Delta-method standard errors."""
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        # What the first-order conditions fix (the mean over absorbed effects) has no error but rounding.
        errors[errors < 1e-12 * np.abs(self.values)] = 0.0
        return pd.Series(errors, index=self.terms, name="std_error")

    @property
    def tstats(self) -> pd.Series:
        """Estimates over their standard errors."""
        return (self.params / self.std_errors.replace(0.0, np.nan)).rename("statistic")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values, from the distribution of the model's own tests."""
        values = 2 * distribution(self.df_by_estimate).sf(np.abs(self.tstats.to_numpy()))
        return pd.Series(values, index=self.terms, name="p_value")

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals: columns `conf_low`, `conf_high`."""
        if not 0 < level < 1:
            raise ModelError(f"level={level} is not between 0 and 1", remedy="Write 0.95 for 95 %")
        half = distribution(self.df_by_estimate).ppf(0.5 + level / 2) * self.std_errors
        return pd.DataFrame({"conf_low": self.params - half, "conf_high": self.params + half})

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row an estimate: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        `block` names the outcome where there are several.
        """
        frame = pd.DataFrame(
            {
                "term": self.terms,
                "estimate": self.values,
                "std_error": self.std_errors.to_numpy(),
                "statistic": self.tstats.to_numpy(),
                "p_value": self.pvalues.to_numpy(),
                "conf_low": self.conf_int(level)["conf_low"].to_numpy(),
                "conf_high": self.conf_int(level)["conf_high"].to_numpy(),
            }
        )
        if (self.keys["outcome"] != "").any():
            frame.insert(0, "block", self.keys["outcome"].to_numpy())
        return frame

    def frame(self, level: float = 0.95) -> pd.DataFrame:
        """The keys and the numbers side by side, for further work."""
        numbers = self.tidy(level).drop(columns=["term", "block"], errors="ignore")
        return pd.concat([self.keys, numbers], axis=1)

    def test(self, hypotheses: str | Sequence[str]) -> TestResult:
        """Wald test of linear hypotheses among the estimates, names as in `terms`, best in backticks."""
        known = np.isfinite(self.values)
        adjusted = self.adjusted and OfCombinations(self.adjusted.base, self.adjusted.G[known])
        return wald(self.params[known], self.cov.loc[known, known], hypotheses, self.results.df, adjusted)

    def statistic(self, key: str) -> float | None:
        """A number about the model, see `Results.statistic`."""
        return self.results.statistic(key)

    @property
    def model(self) -> str:
        return f"{self.results.model}, {self.title.lower()}"

    @property
    def title(self) -> str:
        what = "predictions" if self.kind == "predictions" else self.measure or "marginal effects"
        return f"{what.capitalize()} at means" if self.at_means else f"Average {what}"

    @property
    def outcome(self) -> str:
        return self.results.outcome

    @property
    def nobs(self) -> int:
        return self.results.nobs

    @property
    def n_clusters(self) -> Mapping[str, int]:
        return self.results.n_clusters

    @property
    def vcov_label(self) -> str:
        return self.results.vcov_label

    @property
    def effects(self) -> str:
        return self.results.effects

    @property
    def absorbed(self) -> tuple[str, ...]:
        return self.results.absorbed

    @property
    def dropped(self) -> Mapping[str, int]:
        return self.results.dropped

    @property
    def converged(self) -> bool:
        return self.results.converged

    @property
    def sample(self) -> Any:
        return self.results.sample

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        return self.results.__maketables_stat_labels__

    def summary(self) -> str:
        """The estimates as text."""
        head, blocks = self._cells()
        rows = [cells for _, block in blocks for cells in block]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        left = len(head) - len(_NUMBERS)

        def split(row: list[str]) -> tuple[str, str]:
            padded = [
                cell.ljust(width) if position < left or position == left + 1 else cell.rjust(width)
                for position, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            return " ".join(padded[:left]).rstrip(), " ".join(padded[left:])

        parts = [(title, [split(row) for row in block]) for title, block in blocks]
        named, numbers = split(head)
        room = label_room([named, *(label for _, block in parts for label, _ in block)], len(numbers) + 1)
        width = max(WIDTH, room + 1 + len(numbers))
        lines = [*textwrap.wrap(self.heading, width), "═" * width, *labelled(named, numbers, room)]
        for title, block in parts:
            lines += ["─" * width, *([title] if title else [])]
            lines += [line for label, text in block for line in labelled(label, text, room)]
        foot = [line for note in self._foot() for line in textwrap.wrap(note, width, subsequent_indent="  ")]
        return "\n".join([*lines, "═" * width, *foot])

    def __str__(self) -> str:
        return self.summary()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, blocks = self._cells()
        left = len(head) - len(_NUMBERS)

        def row(cells: list[str], tag: str) -> str:
            sides = ["left"] * left + ["right"] * (len(cells) - left)
            made = (
                f"<{tag} style='text-align:{side}'>{html.escape(cell)}</{tag}>"
                for side, cell in zip(sides, cells, strict=True)
            )
            return f"<tr>{''.join(made)}</tr>"

        body = []
        for title, block in blocks:
            if title:
                span = f"<td colspan='{len(head)}' style='text-align:left'>"
                body.append(f"<tr>{span}<i>{html.escape(title)}</i></td></tr>")
            body += [row(cells, "td") for cells in block]
        foot = "<br>".join(html.escape(note) for note in self._foot())
        return (
            f"<div><b>{html.escape(self.heading)}</b><table><thead>{row(head, 'th')}</thead><tbody>"
            + "".join(body)
            + f"</tbody></table><small>{foot}</small></div>"
        )

    @property
    def heading(self) -> str:
        """What was estimated, in words."""
        preposition = "of" if self.kind == "predictions" or self.measure else "on"
        return f"{self.title} {preposition} the {self.scale} of {self.outcome} · {self.results.model}"

    def _foot(self) -> list[str]:
        clusters = "".join(f", {count:,} in {name}" for name, count in self.n_clusters.items())
        degrees = "the normal" if np.isinf(self.results.df) else f"t({self.results.df:.0f})"
        if self.adjusted is not None:
            degrees = "t with Satterthwaite's degrees of freedom, each estimate's own"
        return [
            f"{self.nobs:,} observations. Delta-method errors: {self.vcov_label}{clusters}. "
            f"{LEGEND + '. ' if self.kind == 'effects' else ''}p and intervals from {degrees}.",
            *self.notes,
            self.call,
        ]

    def _cells(self) -> tuple[list[str], list[tuple[str, list[list[str]]]]]:
        """Head of the printed table, and its rows by outcome; key columns that are all empty are left out."""
        shown = ["variable", "contrast"]
        keys = self.keys[[*shown, *self.keys.columns.drop([*shown, "outcome"])]].map(_text)
        keys = keys.loc[:, (keys != "").any()]
        symbol = "z" if np.isinf(self.results.df) else "t"
        blocks: dict[str, list[list[str]]] = {}
        for outcome, key, row in zip(
            self.keys["outcome"], keys.to_numpy(), self.tidy().itertuples(), strict=True
        ):
            cells = [
                *key,
                estimate(row.estimate),
                # That a probability differs from zero is no finding.
                stars_of(row.p_value) if self.kind == "effects" else "",
                estimate(row.std_error),
                decimals(row.statistic, 2),
                decimals(row.p_value, 3),
                estimate(row.conf_low),
                estimate(row.conf_high),
            ]
            blocks.setdefault(str(outcome), []).append(cells)
        header = [*keys.columns, *(symbol if name == "z" else name for name in _NUMBERS)]
        return header, list(blocks.items())


@runtime_checkable
class OfAlternatives(Protocol):
    """What makes effects of its own, because attributes of one alternative move all probabilities."""

    def margins(
        self, results: Any, variables: str | Sequence[str] | None, scale: str, outcomes: Any, call: str
    ) -> Margins: ...


# Contrasts that go without saying: a derivative, and the step of a 0/1 variable.
_PLAIN = re.compile(r"|[de]y/[de]x|(dy/d.*: )?1 - 0|d²y/.*")
_NUMBERS = ("Estimate", "", "Std. error", "z", "p", "95 % conf.", "interval")


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)
