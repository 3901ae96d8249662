"""Names of regressors: readable labels, and which terms are printed in which order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_LEVEL = "\0"
_CONSTANTS = {"Intercept", "(Intercept)", "const", "_cons", "1"}


def term_label(term: str, labels: Mapping[str, str] | None = None) -> str:
    """A term as a reader of the paper wants it.

    An entry of `labels` for the whole term wins; otherwise ``a:b`` becomes "a × b", ``C(g)[T.x]``,
    ``g[x]`` and ``g::x`` become "g = x", ``log(x)`` and ``I(x ** 2)`` keep their function and label the
    variable, the constant is called "Constant", and ``y: x``, the effect of x in the equation of y, keeps its
    colon.
    """
    labels = labels or {}
    if term in labels:
        return labels[term]
    if term in _CONSTANTS:
        return "Constant"
    if equation := re.fullmatch(r"([^\[(]+): (.+)", term):
        return f"{labels.get(equation[1], equation[1])}: {term_label(equation[2], labels)}"
    return " × ".join(_factor_label(part, labels) for part in _split_interaction(term))


def same_term(term: str) -> tuple[str, ...]:
    """What spellings of one coefficient share: ``a:b`` and ``b:a``, ``g[T.x]`` and ``C(g)[T.x]``."""
    return tuple(sorted(re.sub(r"^C\(([^,()]+)\)(?=\[)", r"\1", part) for part in _split_interaction(term)))


def select_terms(
    terms: Iterable[str],
    labels: Mapping[str, str] | None = None,
    keep: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
) -> list[str]:
    """The terms to print, in the order in which to print them.

    Parameters
    ----------
    terms : names, in order of first appearance.
    labels : see `term_label`; patterns match a term's name or its label.
    keep, drop : regular expressions; a term stays if any of `keep` (where given) and none of `drop` finds it.
    order : regular expressions; terms that the first finds come first, and so on, the rest after.
        The constant comes last unless `order` finds it.

    Raises
    ------
    re.error
        If a pattern is not a regular expression.
    """
    found = [
        term
        for term in dict.fromkeys(terms)
        if (not keep or _any(keep, term, labels)) and not _any(drop, term, labels)
    ]
    patterns = _patterns(order)

    def rank(term: str) -> int:
        hits = [place for place, pattern in enumerate(patterns) if _any(pattern, term, labels)]
        return hits[0] if hits else len(patterns) + (term in _CONSTANTS)

    return sorted(found, key=rank)


def effect_label(effect: str, labels: Mapping[str, str] | None = None) -> str:
    """Row label of absorbed effects: ``country^industry`` becomes "Country × industry effects", and
    ``firm[[rd]]``, slopes by group, "Firm: slopes of rd"."""
    if slopes := re.fullmatch(r"(.+)\[\[(.+)\]\]", effect):
        of = effect_label(slopes[1], labels).removesuffix(" effects")
        return f"{of}: slopes of {(labels or {}).get(slopes[2], slopes[2])}"
    names = " × ".join((labels or {}).get(part, part.replace("_", " ")) for part in effect.split("^"))
    return f"{names[:1].upper()}{names[1:]} effects"


def _patterns(given: str | Sequence[str] | None) -> list[str]:
    return [] if given is None else [given] if isinstance(given, str) else list(given)


def _any(given: str | Sequence[str] | None, term: str, labels: Mapping[str, str] | None) -> bool:
    names = (term, term_label(term, labels))
    return any(re.search(pattern, name) for pattern in _patterns(given) for name in names)


def _split_interaction(term: str) -> list[str]:
    """Split at colons that stand outside every bracket (levels may hold colons); `g::x` is one part."""
    parts, depth = [""], 0
    for mark in term.replace("::", _LEVEL):
        depth += (mark in "([") - (mark in ")]")
        if mark == ":" and depth == 0:
            parts.append("")
        else:
            parts[-1] += mark
    return [part.replace(_LEVEL, "::") for part in parts]


def _factor_label(part: str, labels: Mapping[str, str]) -> str:
    if part in labels:
        return labels[part]
    if level := re.fullmatch(r"(?:C\()?(\w+)(?:,.*)?\)?\[(?:T\.)?(.+)\]", part):
        return f"{labels.get(level[1], level[1])} = {level[2]}"
    if "::" in part:
        name, shown = part.split("::", 1)
        return f"{labels.get(name, name)} = {shown}"
    if square := re.fullmatch(r"I\((\w+) ?(?:\*\*|\^) ?2\)", part):
        return f"{labels.get(square[1], square[1])}²"
    return re.sub(r"\w+", lambda word: labels.get(word[0], word[0]), part) if "(" in part else part
