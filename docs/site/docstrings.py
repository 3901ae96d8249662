"""Docstrings of the package as Markdown: sections, lists of parameters, tables, and formulas as MathML.

MathML needs no script and no font from elsewhere.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from latex2mathml.converter import convert

ROLE = re.compile(r":math:`([^`]+)`|\$`([^`]+)`\$")
FENCE = re.compile(r"^```math\n(.*?)^```\n?", re.M | re.S)
LISTS = {"Parameters", "Returns", "Raises", "Attributes", "Warns", "Methods"}


def markdown(text: str) -> str:
    """A docstring, its margin taken off, as Markdown."""
    head, *rest = _sections(inspect.cleandoc(text))
    parts = [_prose(head[1])]
    for title, lines in rest:
        after: list[str] = []
        if title in LISTS:
            lines, after = _until_prose(lines)
            body = _items(lines) if _is_list(lines) else _prose(lines)
        elif title == "Examples":
            body = _examples(lines)
        else:
            body = _prose(lines)
        parts += [f"**{title}**\n\n{body}", _prose(after)]
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def summary(text: str) -> str:
    """The first paragraph on one line."""
    return with_formulas(" ".join(inspect.cleandoc(text).split("\n\n")[0].split()))


def with_formulas(text: str) -> str:
    """The formulas of a page, in the line or in a fence `math`, as MathML."""
    text = FENCE.sub(lambda found: _display(found[1]), text)
    return ROLE.sub(lambda found: _mathml(found[1] or found[2], "inline"), text)


def _sections(text: str) -> list[tuple[str, list[str]]]:
    lines, found = text.splitlines(), [("", [])]
    skip = False
    for i, line in enumerate(lines):
        below = lines[i + 1] if i + 1 < len(lines) else ""
        if skip:
            skip = False
        elif line and not line[0].isspace() and re.fullmatch(r"-{3,}", below):
            found.append((line, []))
            skip = True
        else:
            found[-1][1].append(line)
    return found


def _until_prose(lines: list[str]) -> tuple[list[str], list[str]]:
    """The items of a section, and what follows them: a paragraph such as the source, which is no item."""
    for i, line in enumerate(lines):
        if line.startswith("Source") and (i == 0 or not lines[i - 1].strip()):
            return lines[:i], lines[i:]
    return lines, []


def _is_list(lines: list[str]) -> bool:
    """Not so where the section is a sentence or two."""
    margin = [line for line in lines if line and not line[0].isspace()]
    return all(" : " in line or re.fullmatch(r"[\w.\[\], |]+", line) for line in margin)


def _items(lines: list[str]) -> str:
    """`name : what it is`, with what is indented below, as items of a list."""
    items: list[list[str]] = []
    for line in lines:
        if line and not line[0].isspace():
            name, said, text = line.partition(" : ")
            names = ", ".join(f"`{part.strip(' `')}`" for part in name.split(","))
            items.append([f"- {names}: {text}" if said else f"- {_plain(name)}"])
        elif items:
            items[-1].append(line.strip())
    return "\n".join(with_formulas(" ".join(part for part in item if part)) for item in items)


def _plain(name: str) -> str:
    """A type or error as code; words stay as they are."""
    return (
        f"`{name}`"
        if re.fullmatch(r"[\w.\[\], |]+", name) and len(name) < 60 and " of " not in name
        else name
    )


def _examples(lines: list[str]) -> str:
    return "```pycon\n" + "\n".join(lines).strip("\n") + "\n```"


def _prose(lines: list[str]) -> str:
    """Paragraphs; `.. math::`, tables between rules of `=`, and formulas that are indented."""
    found: list[str] = []
    i = 0
    while i < len(lines):
        line = lines[i]
        if line.startswith(".. math::"):
            taken = [line.removeprefix(".. math::")]
            i += 1
            while i < len(lines) and (lines[i].startswith(" ") or (not lines[i] and _goes_on(lines, i))):
                taken.append(lines[i])
                i += 1
            found += ["", _display("\n".join(taken)), ""]
        elif re.fullmatch(r"=+(\s+=+)+", line.strip()):
            end = max(j for j in range(i + 1, len(lines)) if re.fullmatch(r"=+(\s+=+)+", lines[j].strip()))
            found += ["", *_table(lines[i : end + 1]), ""]
            i = end + 1
        else:
            found.append(line if line.startswith("    ") else with_formulas(_sources(line)))
            i += 1
    return "\n".join(found).strip("\n")


def _goes_on(lines: list[str], i: int) -> bool:
    return i + 1 < len(lines) and lines[i + 1].startswith("   ")


def _sources(line: str) -> str:
    return re.sub(r"^(Sources?):", r"*\1:*", line)


def _table(lines: list[str]) -> list[str]:
    """A simple table of reStructuredText as one of Markdown; a cell may go on in the next line."""
    edges = [found.start() for found in re.finditer(r"=+", lines[0])]
    cells = [[line[a:b].strip() for a, b in zip(edges, [*edges[1:], None], strict=True)] for line in lines]
    rows: list[list[str]] = []
    rules = [j for j, line in enumerate(lines) if re.fullmatch(r"=+(\s+=+)+", line.strip())]
    for j, row in enumerate(cells):
        if j in rules or not any(row):
            continue
        if row[0] or not rows:
            rows.append(row)
        else:
            rows[-1] = [f"{above} {below}".strip() for above, below in zip(rows[-1], row, strict=True)]
    head = rows.pop(0) if len(rules) > 2 else [""] * len(edges)
    shown = [[with_formulas(cell.replace("|", "\\|")) for cell in row] for row in (head, *rows)]
    return [_row(shown[0]), _row(["---"] * len(edges)), *map(_row, shown[1:])]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _display(latex: str) -> str:
    return f'<div class="formula" tabindex="0">{_mathml(latex, "block")}</div>\n'


def _mathml(latex: str, display: Any) -> str:
    # The underscore of a name, which is escaped for LaTeX.
    return convert(" ".join(latex.split()).replace("\\_", "_"), display=display).replace("\n", " ")
