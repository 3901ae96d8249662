"""The questionnaire as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from gvcmetrics.report.questionnaires.pages import Asked, Block, Heading, Listing, Paragraph


def document(blocks: Sequence[Block]) -> str:
    """The .md file's text."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Paragraph(text):
            return text
        case Listing(header, rows):
            lines = [header, tuple("---" for _ in header), *rows]
            return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)
        case Asked(number, text, hint, answers, skip):
            said = [f"**{number}. {text}**", f"*{hint}*" if hint else "", f"→ {skip}" if skip else ""]
            choices = [f"- ☐ {answer}" for answer in answers] if len(answers) > 1 else list(answers)
            return "\n\n".join([*(line for line in said if line), "\n".join(choices)])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
