"""HTML: a fragment for notebooks and the report, and a page of its own; no ids, no scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape as _escape

from gvcmetrics.ground.numbers import minus
from gvcmetrics.report.tables.grid import Block, Cell, Grid, Note, Row
from gvcmetrics.report.tables.render.words import SIMULATED, clean, groups_columns

CALLS = "The calls behind the columns"
_NUMBER = re.compile(r"\(\d+\)")

# The class is named twice so that the rules outrank those that notebooks have for every table.
STYLE = """\
.gvc-table{margin:1.5em 0;font-variant-numeric:tabular-nums lining-nums}
.gvc-table .scroll{overflow-x:auto}
.gvc-table table{border-collapse:collapse;border-top:2px solid;border-bottom:2px solid;font-size:.9em;\
line-height:1.35;background:none}
.gvc-table caption{text-align:left;font-weight:600;padding:0 0 .5em;caption-side:top}
.gvc-table.gvc-table th,.gvc-table.gvc-table td{padding:.2em .7em;font-weight:400;text-align:center;\
vertical-align:top;border:0;background:none}
.gvc-table.gvc-table tbody tr{background:none}
.gvc-table.gvc-table th[scope=row],.gvc-table.gvc-table .stub{text-align:left;padding-left:.2em;\
min-width:9em;position:sticky;left:0;background:var(--paper,#fff)}
.gvc-table.gvc-table .l{text-align:left}.gvc-table.gvc-table .r{text-align:right}
.gvc-table td.n{white-space:nowrap}
.gvc-table.gvc-table thead tr:last-child>*{border-bottom:1px solid}
.gvc-table.gvc-table thead .over{border-bottom:1px solid var(--rule,#999)}
.gvc-table.gvc-table tbody+tbody tr:first-child>*{border-top:1px solid var(--rule,#999)}
.gvc-table.gvc-table th.block{font-style:italic;text-align:left;padding-left:.2em}
.gvc-table sup{display:inline-block;width:0;line-height:0;vertical-align:super;font-size:.75em}
.gvc-table .notes{font-size:.78em;line-height:1.4;color:var(--soft,#444);margin:.6em 0 0;max-width:46em}
.gvc-table .notes p{margin:.25em 0}.gvc-table summary{cursor:pointer}
.gvc-table .notes code{overflow-wrap:anywhere;font-size:.95em}
.gvc-simulated{color:var(--alarm,#a30000);font-weight:700}
"""


def escape(text: str) -> str:
    """Text that HTML shows as it stands, also inside attributes."""
    return _escape(clean(text))


def anchor(name: str) -> str:
    """What a link to a chapter or exhibit of this name goes to."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


def region(label: str) -> str:
    """Attributes of a box that slides sideways: the keyboard reaches it, and a reading voice names it."""
    return f'tabindex="0" role="region" aria-label="{escape(label)}"'


def document(table: Grid) -> str:
    """A page that holds the table alone."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(table.title or 'Table')}</title>\n"
        "<style>\nbody{font-family:Georgia,'Times New Roman',serif;color:#111;margin:2em}\n</style>\n"
        f"</head>\n<body>\n{fragment(table)}</body>\n</html>\n"
    )


def fragment(table: Grid) -> str:
    """The table with its style, to be put into any page."""
    return f"<style>\n{STYLE}</style>\n{figure(table)}"


def figure(table: Grid) -> str:
    """The table without its style."""
    box = f'<div class="scroll" {region(table.title or "Table")}>'
    lines = ['<div class="gvc-table">', box, "<table>"]
    mark = f'<div class="gvc-simulated">{SIMULATED}</div>' if table.simulated else ""
    if table.title or mark:
        lines.append(f"<caption>{escape(table.title)}{mark}</caption>")
    lines += ["<thead>", *_headers(table), "</thead>"]
    for block in table.blocks:
        lines.append("<tbody>")
        if block.title:
            width = len(table.columns) + 1
            lines.append(
                f'<tr><th class="block" colspan="{width}" scope="rowgroup">{escape(block.title)}</th></tr>'
            )
        lines += _rows(block, table.align)
        lines.append("</tbody>")
    lines += ["</table>", "</div>"]
    if table.notes:
        lines += ['<div class="notes">', *_notes(table.notes), "</div>"]
    return "\n".join([*lines, "</div>", ""])


def _headers(table: Grid) -> list[str]:
    lines = []
    for level, spans in enumerate(table.headers):
        last, column = level == len(table.headers) - 1, 0
        cells = [f'<th class="stub" scope="col">{escape(table.stub)}</th>' if last else "<td></td>"]
        for span in spans:
            over = " over" if span.text and groups_columns(spans) else ""
            letter = table.align[column] if span.width == 1 else "c"
            width = f' colspan="{span.width}"' if span.width > 1 else ""
            scope = "colgroup" if span.width > 1 else "col"
            cells.append(f'<th class="{letter}{over}" scope="{scope}"{width}>{escape(span.text)}</th>')
            column += span.width
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return lines


def _rows(block: Block, align: tuple[str, ...]) -> list[str]:
    """Rows of a block; a label reaches down over the rows without one that continue it."""
    starts = [place for place, row in enumerate(block.rows) if row.label or place == 0]
    lines = []
    for start, end in zip(starts, [*starts[1:], len(block.rows)], strict=True):
        down = f' rowspan="{end - start}"' if end - start > 1 else ""
        label = f'<th scope="row"{down}>{escape(block.rows[start].label)}</th>'
        lines.append(f"<tr>{label}{_cells(block.rows[start], align)}</tr>")
        lines += [f"<tr>{_cells(row, align)}</tr>" for row in block.rows[start + 1 : end]]
    return lines


def _cells(row: Row, align: tuple[str, ...]) -> str:
    return "".join(
        f'<td class="{a} n">{_cell(cell)}</td>' if cell.numbers else f'<td class="{a}">{_cell(cell)}</td>'
        for a, cell in zip(align, row.cells, strict=True)
    )


def _cell(cell: Cell) -> str:
    text = minus(escape(cell.text)) if cell.numbers else escape(cell.text)
    return f"{text}<sup>{escape(cell.stars)}</sup>" if cell.stars else text


def _notes(notes: Sequence[Note]) -> list[str]:
    """Sentences in sight; the calls below them, folded away."""
    lines, calls = [], []
    for note in notes:
        number, _, said = note.text.partition(" ")
        if not note.code or said or not _NUMBER.fullmatch(number):
            lines.append(f"<p>{escape(note.text)}</p>")
        if note.code:
            mark = f"{number} " if _NUMBER.fullmatch(number) else ""
            calls.append(f"<p>{mark}<code>{escape(note.code)}</code></p>")
    if calls:
        lines.append(f"<details><summary>{CALLS}</summary>{''.join(calls)}</details>")
    return lines
