"""LaTeX with booktabs rules: a float, or a table over several pages where it is longer than one.

Needs the packages booktabs and amssymb, a long table longtable too, and nothing else. No table is wider than
its page: `gvcmetrics.report.tables.render.fit` states the rule.
"""

from __future__ import annotations

import re

from gvcmetrics.report.tables.grid import Cell, Grid, Note, Row
from gvcmetrics.report.tables.render.fit import ROOM, Part, Size, layout, text_width, words
from gvcmetrics.report.tables.render.words import SIMULATED, clean, groups_columns

# '[' and '*' are guarded because LaTeX reads either, at the start of a row, as an argument of '\\'.
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",
    "*": "{*}",
    '"': r"{\char34}",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "✓": r"\checkmark{}",
    "§": r"\S{}",
    "²": "$^{2}$",
    "³": "$^{3}$",
}
_MATHS = {
    "−": "-",
    "×": r"\times",
    "±": r"\pm",
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "≈": r"\approx",
    "→": r"\to",
    "←": r"\leftarrow",
    "·": r"\cdot",
    "∞": r"\infty",
    "Δ": r"\Delta",
    "Σ": r"\Sigma",
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "θ": r"\theta",
    "κ": r"\kappa",
    "λ": r"\lambda",
    "μ": r"\mu",
    "π": r"\pi",
    "ρ": r"\rho",
    "σ": r"\sigma",
    "τ": r"\tau",
    "χ": r"\chi",
}
_TRANSLATION = str.maketrans({**_ESCAPES, **{mark: f"${maths}$" for mark, maths in _MATHS.items()}})
_RAGGED = {"l": r"\raggedright", "c": r"\centering", "r": r"\raggedleft"}
# Of the line, for the title of a block that is no short one.
_TITLE = 0.9
# More lines than this do not fit a page, and a float cannot break.
_LONG = 48


def escape(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return clean(text).translate(_TRANSLATION)


def document_part(table: Grid, stem: str) -> str:
    """The table to `\\input`; its label is `tab:` and the stem of the file."""
    long = sum(len(block.rows) + bool(block.title) for block in table.blocks) > _LONG
    name = re.sub(r"[^A-Za-z0-9:.-]+", "-", stem)
    title = [rf"\caption{{{escape(table.title)}}}", rf"\label{{tab:{name}}}"] if table.title else []
    mark = [rf"\textbf{{{escape(SIMULATED)}}}\par\smallskip"] if table.simulated else []
    chosen = layout(table)
    lines = []
    for number, part in enumerate(chosen.parts):
        lines += [r"\par\medskip"] if number and not long else []
        lines += _long(part, chosen.size, title if number == 0 else []) if long else _short(part, chosen.size)
    if long:
        needs = r"% Needs \usepackage{booktabs,amssymb,longtable}"
        opening, closing = [rf"\begingroup{chosen.size.command}", *mark], [r"\par\endgroup"]
    else:
        needs = r"% Needs \usepackage{booktabs,amssymb}"
        opening = [r"\begin{table}[htbp]", rf"\centering{chosen.size.command}", *title, *mark]
        closing = [r"\end{table}"]
    return "\n".join([needs, *opening, *lines, *_notes(table), *closing]) + "\n"


def _short(part: Part, size: Size) -> list[str]:
    return [
        rf"\begin{{tabular}}{_letters(part)}",
        r"\toprule",
        *_headers(part, size),
        *_body(part, size),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _long(part: Part, size: Size, title: list[str]) -> list[str]:
    """A table that breaks between pages; each has the headers, the first the caption."""
    headers = _headers(part, size)
    overleaf = (
        rf"\multicolumn{{{len(part.table.columns) + 1}}}{{r@{{}}}}{{\footnotesize continued overleaf}} \\"
    )
    return [
        rf"\begin{{longtable}}{_letters(part)}",
        *([*title, r"\\"] if title else []),
        r"\toprule",
        *headers,
        r"\endfirsthead",
        r"\toprule",
        *headers,
        r"\midrule",
        r"\endhead",
        r"\midrule",
        overleaf,
        r"\endfoot",
        r"\bottomrule",
        r"\endlastfoot",
        *_body(part, size),
        r"\end{longtable}",
    ]


def _letters(part: Part) -> str:
    return rf"{{@{{}}l{''.join(part.table.align)}@{{}}}}"


def _fits(text: str, points: float | None, size: Size) -> bool:
    """Whether a text fits on one line of so many points, which are rounded to tenths."""
    return points is None or text_width(text) * size.scale <= points + 0.1


def _in_lines(text: str, points: float | None, size: Size, letter: str) -> str:
    """A header, broken between words where it is wider than its columns."""
    if _fits(text, points, size):
        return escape(text)
    lines = [""]
    for word in words(text):
        joined = f"{lines[-1]}{'' if lines[-1].endswith(('_', '/', '-')) else ' '}{word}".strip()
        fits = _fits(joined, points, size) or not lines[-1]
        lines = [*lines[:-1], joined] if fits else [*lines, word]
    stacked = r"\\".join(map(escape, lines))
    return rf"\shortstack[{letter}]{{{stacked}}}"


def _boxed(text: str, points: float | None, size: Size, letter: str) -> str:
    """Words, in a box of their column's width where they are wider than it."""
    if _fits(text, points, size):
        return escape(text)
    broken = escape(text).replace(r"\_", r"\_\allowbreak{}").replace("/", r"/\allowbreak{}")
    return rf"\parbox[t]{{{points}pt}}{{{_RAGGED[letter]}\strut {broken}\strut}}"


def _headers(part: Part, size: Size) -> list[str]:
    table, lines = part.table, []
    for level, spans in enumerate(table.headers):
        last = level == len(table.headers) - 1
        stub = _in_lines(table.stub, part.widths[0] if part.widths else None, size, "l") if last else ""
        cells, rules, column = [stub], [], 2
        for span in spans:
            letter = table.align[column - 2] if span.width == 1 else "c"
            over = part.widths[column - 1 : column - 1 + span.width] if part.widths else ()
            points = sum(over) + 2 * size.gap * (span.width - 1) if over else None
            said = _in_lines(span.text, points, size, letter)
            cells.append(rf"\multicolumn{{{span.width}}}{{{letter}}}{{{said}}}" if said else "")
            cells.extend([] if said else [""] * (span.width - 1))
            if span.text and groups_columns(spans):
                rules.append(rf"\cmidrule(lr){{{column}-{column + span.width - 1}}}")
            column += span.width
        lines.append(" & ".join(cells) + r" \\")
        lines.extend(["".join(rules)] if rules else [])
    return lines


def _body(part: Part, size: Size) -> list[str]:
    table, lines = part.table, []
    for block in table.blocks:
        lines.append(r"\midrule")
        if block.title:
            said = rf"\textit{{{escape(block.title)}}}"
            if text_width(block.title) > ROOM / 2:
                said = rf"\parbox[t]{{{_TITLE}\linewidth}}{{\raggedright\strut {said}\strut}}"
            lines.append(rf"\multicolumn{{{len(table.columns) + 1}}}{{@{{}}l}}{{{said}}} \\")
        lines.extend(_row(row, part, size) for row in block.rows)
    return lines


def _row(row: Row, part: Part, size: Size) -> str:
    widths = part.widths or (None,) * (len(row.cells) + 1)
    label = _boxed(row.label, widths[0], size, "l")
    columns = zip(row.cells, widths[1:], part.table.align, strict=True)
    cells = [_cell(cell, points, size, letter) for cell, points, letter in columns]
    return " & ".join([label, *cells]) + r" \\"


def _cell(cell: Cell, points: float | None, size: Size, letter: str) -> str:
    boxed = _boxed(cell.text, points, size, letter)
    text = escape(cell.text).replace("-", "$-$") if cell.numbers else boxed
    # The stars take no width, so that they do not push the number out of line.
    return rf"{text}\rlap{{$^{{{cell.stars}}}$}}" if cell.stars else text


def _notes(table: Grid) -> list[str]:
    if not table.notes:
        return []
    lines = [r"\par\smallskip\noindent", r"\begin{minipage}{\linewidth}\footnotesize\raggedright"]
    return [*lines, *(rf"{_note(note)}\par" for note in table.notes), r"\end{minipage}"]


def _note(note: Note) -> str:
    code = rf"\texttt{{{escape(note.code)}}}" if note.code else ""
    return " ".join(part for part in (escape(note.text), code) if part)
