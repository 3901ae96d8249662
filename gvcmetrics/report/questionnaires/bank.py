"""The bank of questions: `questions.yaml`, read and typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = {"en": "English (en)", "es": "Español (es)"}
"""Code → how XLSForm names the language; the order is that of the texts in the bank."""
FRAME = ("country", "firm_id", "year", "region", "industry")
"""Columns that every survey has: what names a row, and its cluster."""
NOT_KNOWN, NOT_ANSWERED = "-9", "-8"

Texts = dict[str, str]


@dataclass(frozen=True)
class Scale:
    """Ordered answers to choose from: code and texts; `source` where somebody made the scale."""

    name: str
    choices: tuple[tuple[str, Texts], ...]
    source: str = ""


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes
    ----------
    answer : text, integer, decimal, amount, or the name of a scale.
    limits : of a number. matches : a regular expression that a text must match as a whole.
    when : a question and what its answer must be for this one to be asked, as in ``("exports", "= 1")``.
    otherwise : for which other answer to that question this one is known, and what it is then.
    """

    name: str
    section: str
    answer: str
    text: Texts
    hint: Texts = field(default_factory=dict)
    limits: tuple[float, float] | None = None
    matches: str = ""
    when: tuple[str, str] | None = None
    otherwise: tuple[str, float] | None = None

    @property
    def field(self) -> str:
        """The column of the answers that has it for everybody."""
        return f"{self.name}_all" if self.otherwise else self.name


@dataclass(frozen=True)
class Answered:
    """A column of the panel: the questions behind it, and how their answers become it.

    Attributes
    ----------
    asks : names of questions, those that decide who is asked first. spec : words of a spec.
    own : type, unit and label of a column that the contract does not have.
    """

    name: str
    asks: tuple[str, ...]
    spec: dict[str, Any]
    source: str = ""
    own: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bank:
    """All that can be asked."""

    scales: dict[str, Scale]
    sections: dict[str, Texts]
    questions: dict[str, Question]
    columns: dict[str, Answered]


@cache
def bank() -> Bank:
    """The questions that come with the package."""
    words = yaml.safe_load((Path(__file__).parent / "questions.yaml").read_text("utf-8"))
    return Bank(
        scales={name: _scale(name, found) for name, found in words["scales"].items()},
        sections={name: _texts(found) for name, found in words["sections"].items()},
        questions={name: _question(name, found) for name, found in words["questions"].items()},
        columns={name: _column(name, found) for name, found in words["columns"].items()},
    )


def _texts(found: list[str]) -> Texts:
    return dict(zip(LANGUAGES, found, strict=True))


def _scale(name: str, found: dict[str, Any]) -> Scale:
    choices = tuple((code, _texts(texts)) for code, *texts in found["choices"])
    return Scale(name, choices, found.get("source", ""))


def _question(name: str, found: dict[str, Any]) -> Question:
    pairs = {key: tuple(found[key]) for key in ("limits", "when", "otherwise") if key in found}
    return Question(
        name=name,
        section=found["section"],
        answer=found["answer"],
        text=_texts(found["text"]),
        hint=_texts(found["hint"]) if "hint" in found else {},
        matches=found.get("matches", ""),
        **pairs,
    )


def _column(name: str, found: dict[str, Any]) -> Answered:
    own: dict[str, str] = {key: found[key] for key in ("type", "unit", "label") if key in found}
    return Answered(name, tuple(found["asks"]), found["spec"], found.get("source", ""), own)
