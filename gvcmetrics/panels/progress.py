"""How far a build is: raw rows read, then rows of the panel written. Showing it is `terminal.py`'s."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

import duckdb

_INTERVAL = 0.25


@dataclass(frozen=True)
class Step:
    """What a build is doing, and how many rows of how many are done; of a text file, of about how many."""

    doing: Literal["reading", "writing"]
    rows: int
    of: int


Report = Callable[[Step], None]


@contextmanager
def reading(connection: duckdb.DuckDBPyConnection, of: int, report: Report | None) -> Iterator[None]:
    """Report how far the engine's queries are while the block runs them, by its own reckoning."""
    if report is None:
        yield
        return
    done = threading.Event()

    def look() -> None:
        while not done.wait(_INTERVAL):
            percent = connection.query_progress()
            if percent > 0:
                report(Step("reading", round(of * percent / 100), of))

    _set_bar(connection, "enable_progress_bar_print = false", "enable_progress_bar = true")
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        without_bar(connection)


def without_bar(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the engine draw no progress of its own."""
    _set_bar(connection, "enable_progress_bar = false")


def _set_bar(connection: duckdb.DuckDBPyConnection, *settings: str) -> None:
    # In a notebook without ipywidgets the engine has no bar, and refuses to be told that it has none.
    with suppress(duckdb.InvalidInputException):
        for setting in settings:
            connection.execute(f"SET {setting}")


def writing(of: int, report: Report | None) -> Callable[[int], None]:
    """A function to call, from any thread, with the number of rows that were written."""
    lock, done = threading.Lock(), 0

    def wrote(rows: int) -> None:
        nonlocal done
        with lock:
            done += rows
            if report is not None:
                report(Step("writing", done, of))

    return wrote
