"""The exceptions that users meet; every message says what is wrong, where, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BREAKS = re.compile("[\t-\r\x1c-\x1e\x85\u2028\u2029]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """A text of one line in which signs that would steer a terminal are written out, as `\\x1b`."""
    return unsteering(_BREAKS.sub(" ", text))


def unsteering(text: str) -> str:
    """The same of a text of several lines, which stay."""
    return "\n".join(_CONTROL.sub(lambda sign: _escaped(sign[0]), line) for line in text.split("\n"))


def _escaped(sign: str) -> str:
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"


class GvcError(Exception):
    """Base of every error raised on purpose; the command line prints it without a traceback."""


@dataclass(frozen=True)
class Place:
    """Where in the user's files something is wrong; parts that are not known stay None."""

    file: str | None = None
    row: int | None = None
    column: str | None = None
    key: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        parts = [
            self.file,
            None if self.line is None else f"line {self.line}",
            None if self.row is None else f"row {self.row}",
            None if self.column is None else f"column '{self.column}'",
            None if self.key is None else f"key '{self.key}'",
        ]
        return ", ".join(part for part in parts if part)


class PlacedError(GvcError):
    """An error with a place and a remedy.

    Parameters
    ----------
    problem : what is wrong, one sentence without a full stop.
    place : file, row (counted as a spreadsheet does: the header is row 1), column, key.
    remedy : what the user can do about it.
    """

    def __init__(self, problem: str, place: Place | None = None, remedy: str = "") -> None:
        self.problem, self.place, self.remedy = problem, place or Place(), remedy
        where = str(self.place)
        message = f"{where}: {problem}" if where else problem
        said = f"{message}. {remedy}".strip() if remedy else f"{message}."
        # Values of a user's file may hold newlines, and a message is one line.
        super().__init__(printable(said))


class SpecError(PlacedError):
    """A panel's YAML spec is wrong."""


class DataError(PlacedError):
    """A raw file, a panel or a frame holds something that it must not hold."""


class MissingSourceError(PlacedError):
    """Data that a panel or study needs is not on this machine; the remedy says how to get it."""


class ModelError(PlacedError):
    """A model cannot be estimated as asked."""


class ConvergenceWarning(UserWarning):
    """An optimiser stopped before it converged; the result carries `converged = False`."""


class EstimationWarning(UserWarning):
    """Something was dropped or is doubtful in an estimate: collinear columns, separation, few clusters."""
