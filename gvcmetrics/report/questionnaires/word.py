"""The questionnaire as a Word document, in the type of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from docx.shared import Pt, RGBColor

from gvcmetrics.report.questionnaires.pages import Asked, Block, Heading, Listing, Paragraph
from gvcmetrics.report.tables.render.word import empty_page, rule, same_bytes, write_cell
from gvcmetrics.report.tables.render.words import clean

if TYPE_CHECKING:
    from docx.document import Document as DocumentType


def document(blocks: Sequence[Block]) -> bytes:
    """The .docx file's bytes."""
    page = empty_page()
    for level in (1, 2):
        style = page.styles[f"Heading {level}"]
        style.font.name, style.font.color.rgb = "Times New Roman", RGBColor(0, 0, 0)
    for block in blocks:
        match block:
            case Heading(text, level):
                page.add_heading(clean(text), level)
            case Paragraph(text):
                page.add_paragraph(clean(text))
            case Listing():
                _table(page, block)
            case Asked():
                _question(page, block)
    return same_bytes(page)


def _question(page: DocumentType, asked: Asked) -> None:
    paragraph = page.add_paragraph()
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(8), Pt(2)
    paragraph.paragraph_format.keep_with_next = True
    paragraph.add_run(clean(f"{asked.number}. {asked.text}")).bold = True
    for text in (asked.hint, f"→ {asked.skip}" if asked.skip else ""):
        if text:
            line = page.add_paragraph()
            line.paragraph_format.space_after = Pt(2)
            line.paragraph_format.keep_with_next = True
            line.add_run(clean(text)).italic = True
    several = len(asked.answers) > 1
    choices = "     ".join(f"☐ {answer}" for answer in asked.answers) if several else asked.answers[0]
    page.add_paragraph(clean(choices) if not several else choices)


def _table(page: DocumentType, listing: Listing) -> None:
    grid = page.add_table(rows=len(listing.rows) + 1, cols=len(listing.header))
    for line, texts in zip(grid.rows, (listing.header, *listing.rows), strict=True):
        for cell, text in zip(line.cells, texts, strict=True):
            write_cell(cell, text, "l")
    for line, side in ((0, "top"), (0, "bottom"), (-1, "bottom")):
        for cell in grid.rows[line].cells:
            rule(cell, side, 6)
    page.add_paragraph()
