"""Word: three rules, merged headers, notes below; the same bytes every time."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Pt, RGBColor

from gvcmetrics.ground.numbers import minus
from gvcmetrics.report.tables.grid import Grid
from gvcmetrics.report.tables.render.words import SIMULATED, clean, groups_columns
from gvcmetrics.report.tables.render.zipped import EPOCH, zipped

if TYPE_CHECKING:
    from docx.document import Document as DocumentType
    from docx.table import _Cell

_ALIGN = {"l": WD_ALIGN_PARAGRAPH.LEFT, "c": WD_ALIGN_PARAGRAPH.CENTER, "r": WD_ALIGN_PARAGRAPH.RIGHT}
_PORTRAIT_COLUMNS = 6
# Letters: the narrowest and widest that a column asks for; points: for a letter, and for a cell's margins.
_SHORTEST, _LONGEST, _LETTER, _MARGINS = 8, 36, 5.4, 12.0


def document(table: Grid) -> bytes:
    """The .docx file's bytes."""
    page = empty_page(landscape=len(table.columns) > _PORTRAIT_COLUMNS)
    if table.title:
        page.add_paragraph(clean(table.title), style="Caption")
    if table.simulated:
        mark = page.add_paragraph().add_run(SIMULATED)
        mark.bold, mark.font.color.rgb = True, RGBColor(0xA3, 0, 0)
    _fill(page, table)
    for note in table.notes:
        paragraph = page.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(2)
        for text, face in ((note.text, None), (note.code, "Courier New")):
            if text:
                run = paragraph.add_run(clean(text) + " ")
                run.font.size, run.font.name = Pt(8), face
    return same_bytes(page)


def empty_page(landscape: bool = False) -> DocumentType:
    """A page in the type of the tables, without the name of who made it and when."""
    page = Document()
    if landscape:
        section = page.sections[0]
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
    normal = page.styles["Normal"]
    normal.font.name, normal.font.size = "Times New Roman", Pt(10)
    caption = page.styles["Caption"]
    caption.font.name, caption.font.size, caption.font.color.rgb = (
        "Times New Roman",
        Pt(11),
        RGBColor(0, 0, 0),
    )
    properties = page.core_properties
    properties.author = properties.last_modified_by = properties.comments = ""
    properties.created = properties.modified = EPOCH
    return page


def _fill(page: DocumentType, table: Grid) -> None:
    width = len(table.columns) + 1
    height = len(table.headers) + sum(len(block.rows) + bool(block.title) for block in table.blocks)
    grid = page.add_table(rows=height, cols=width)
    # python-docx walks the whole table for each .cell(); one walk keeps long tables fast.
    cells = grid._cells
    at = [cells[start : start + width] for start in range(0, height * width, width)]
    grid.autofit = False
    widths = _widths(table, page)
    # Word goes by the cells, LibreOffice by the columns.
    for column, wide in zip(grid.columns, widths, strict=True):
        column.width = wide
    for row in at:
        for cell, wide in zip(row, widths, strict=True):
            cell.width = wide
    line = 0
    for line, spans in enumerate(table.headers):
        last, column = line == len(table.headers) - 1, 1
        write_cell(at[line][0], table.stub if last else "", "l")
        for span in spans:
            end = at[line][column + span.width - 1]
            cell = at[line][column].merge(end) if span.width > 1 else end
            write_cell(cell, span.text, table.align[column - 1] if span.width == 1 else "c")
            if span.text and groups_columns(spans):
                rule(cell, "bottom", 4)
            column += span.width
    for cell in at[0]:
        rule(cell, "top", 12)
    for row in grid.rows[: len(table.headers)]:
        # Headers come again on every page that the table runs over.
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for block in table.blocks:
        line += 1
        for cell in at[line]:
            rule(cell, "top", 6)
        if block.title:
            write_cell(at[line][0].merge(at[line][-1]), block.title, "l", italic=True)
            line += 1
        for offset, row in enumerate(block.rows):
            line += 1 if offset else 0
            write_cell(at[line][0], row.label, "l")
            for cell, printed, letter in zip(at[line][1:], row.cells, table.align, strict=True):
                text = minus(printed.text) if printed.numbers else printed.text
                write_cell(cell, text, letter, stars=printed.stars)
    for cell in at[-1]:
        rule(cell, "bottom", 12)


def _widths(table: Grid, page: DocumentType) -> list[Emu]:
    """Widths of the columns by their longest texts; where the page is too narrow, labels wrap first."""
    rows = [row for block in table.blocks for row in block.rows]
    longest = [max(len(table.stub), *(len(row.label) for row in rows))]
    # A header may wrap between words, not inside one; those over several columns find room in their sum.
    headers = [
        [span.text if span.width == 1 else "" for span in spans for _ in range(span.width)]
        for spans in table.headers
    ]
    for column, letter in enumerate(table.align):
        words = " ".join(level[column] for level in headers).split()
        for cell in (row.cells[column] for row in rows):
            whole = cell.numbers or letter == "l"
            words += [cell.text + cell.stars] if whole else cell.text.split()
        longest.append(max(map(len, words), default=0))
    label, *others = (min(max(length, _SHORTEST), _LONGEST) * _LETTER + _MARGINS for length in longest)
    section = page.sections[0]
    room = (section.page_width - section.left_margin - section.right_margin) / Pt(1)  # type: ignore[operator]
    label = min(label, max(room - sum(others), room / 4))
    # Short tables keep to the left instead of stretching over the page.
    scale = min(room / (label + sum(others)), 1.0)
    return [Emu(round(points * scale * Pt(1))) for points in (label, *others)]


def write_cell(cell: _Cell, text: str, letter: str, italic: bool = False, stars: str = "") -> None:
    """Text of one cell, aligned by a letter."""
    paragraph = cell.paragraphs[0]
    paragraph.alignment = _ALIGN[letter]
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(clean(text))
    run.italic, run.font.size = italic or None, Pt(9)
    if stars:
        raised = paragraph.add_run(stars)
        raised.font.superscript, raised.font.size = True, Pt(9)


def rule(cell: _Cell, side: str, eighths: int) -> None:
    """A rule on one side of a cell, as thick as `eighths` of a point."""
    properties = cell._tc.get_or_add_tcPr()
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    edge = OxmlElement(f"w:{side}")
    edge.set(qn("w:val"), "single")
    edge.set(qn("w:sz"), str(eighths))
    edge.set(qn("w:color"), "000000")
    # The schema wants top before bottom.
    borders.insert(0 if side == "top" else len(borders), edge)


def same_bytes(page: DocumentType) -> bytes:
    """The .docx file's bytes, without the time at which it was zipped."""
    drafted = io.BytesIO()
    page.save(drafted)
    with zipfile.ZipFile(drafted) as draft:
        return zipped({name: draft.read(name) for name in draft.namelist()})
