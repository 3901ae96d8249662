"""LaTeX with booktabs rules: a float, or a table over several pages where it is longer than one.

Needs the packages booktabs and amssymb, a long table longtable too, and nothing else.
"""

from __future__ import annotations

import re

from gvcmetrics.report.tables.grid import Cell, Grid, Note, Row
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
# Longer words than this wrap in a column of text; narrower columns keep their natural width.
_WRAP_AT = 32
# More columns than this are set in smaller letters, so that they fit the page.
_CROWDED = 5
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
    size = r"\footnotesize" if len(table.columns) > _CROWDED else ""
    columns = rf"{{@{{}}{_columns(table)}@{{}}}}"
    if long:
        lines = [
            r"% Needs \usepackage{booktabs,amssymb,longtable}",
            rf"\begingroup{size}",
            *mark,
            rf"\begin{{longtable}}{columns}",
            *([*title, r"\\"] if title else []),
            r"\toprule",
            *_headers(table),
            r"\endfirsthead",
            r"\toprule",
            *_headers(table),
            r"\midrule",
            r"\endhead",
            r"\midrule",
            rf"\multicolumn{{{len(table.columns) + 1}}}{{r@{{}}}}{{\footnotesize continued overleaf}} \\",
            r"\endfoot",
            r"\bottomrule",
            r"\endlastfoot",
            *_body(table),
            r"\end{longtable}",
            *_notes(table),
            r"\par\endgroup",
        ]
    else:
        lines = [
            r"% Needs \usepackage{booktabs,amssymb}",
            r"\begin{table}[htbp]",
            rf"\centering{size}",
            *title,
            *mark,
            rf"\begin{{tabular}}{columns}",
            r"\toprule",
            *_headers(table),
            *_body(table),
            r"\bottomrule",
            r"\end{tabular}",
            *_notes(table),
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def _columns(table: Grid) -> str:
    """Column letters; text columns with long cells become paragraphs."""
    longest = [0] * len(table.columns)
    for block in table.blocks:
        for row in block.rows:
            longest = [max(width, len(cell.text)) for width, cell in zip(longest, row.cells, strict=True)]
    wrapped = [a == "l" and width > _WRAP_AT for a, width in zip(table.align, longest, strict=True)]
    width = round(0.7 / max(sum(wrapped), 1), 3)
    return "l" + "".join(
        rf"p{{{width}\linewidth}}" if wrap else a for wrap, a in zip(wrapped, table.align, strict=True)
    )


def _headers(table: Grid) -> list[str]:
    lines = []
    for level, spans in enumerate(table.headers):
        last = level == len(table.headers) - 1
        cells, rules, column = [escape(table.stub) if last else ""], [], 2
        for span in spans:
            letter = table.align[column - 2] if span.width == 1 else "c"
            cells.append(
                rf"\multicolumn{{{span.width}}}{{{letter}}}{{{escape(span.text)}}}" if span.text else ""
            )
            cells.extend([] if span.text else [""] * (span.width - 1))
            if span.text and groups_columns(spans):
                rules.append(rf"\cmidrule(lr){{{column}-{column + span.width - 1}}}")
            column += span.width
        lines.append(" & ".join(cells) + r" \\")
        lines.extend(["".join(rules)] if rules else [])
    return lines


def _body(table: Grid) -> list[str]:
    lines = []
    for block in table.blocks:
        lines.append(r"\midrule")
        if block.title:
            lines.append(
                rf"\multicolumn{{{len(table.columns) + 1}}}{{@{{}}l}}{{\textit{{{escape(block.title)}}}}} \\"
            )
        lines.extend(_row(row) for row in block.rows)
    return lines


def _row(row: Row) -> str:
    return " & ".join([escape(row.label), *map(_cell, row.cells)]) + r" \\"


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.numbers:
        text = text.replace("-", "$-$")
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
