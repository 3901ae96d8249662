"""Names and values as they enter SQL: quoted identifiers and literals, never pasted text."""

from __future__ import annotations

from sqlglot import exp


def column(name: str, table: str | None = None) -> exp.Column:
    """A column by its name, whatever signs are in it."""
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def literal(value: str | float | int) -> exp.Expr:
    """A text or a number."""
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(repr(value))
