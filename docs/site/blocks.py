"""The Python of a page: found, run in one session, and what it shows as Markdown.

The tests run pages by it too.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

FENCE = re.compile(
    r"(?:<!-- (?P<word>needs|raises): (?P<said>\w+) -->\n)?```python\n(?P<code>.*?)^```\n?", re.M | re.S
)
CELL = re.compile(r"^# %% (.+)\n", re.M)
SHOWN = (
    *("display.max_rows", 8, "display.max_columns", 9, "display.precision", 4),
    *("display.show_dimensions", False, "display.width", 100),
)


@dataclass(frozen=True)
class Block:
    """Code of a page: where it stands, the panel that it `needs`, or the error that it shows."""

    code: str
    line: int
    needs: str = ""
    raises: str = ""

    def can_run(self) -> bool:
        """Whether the panel that it needs is built, or the folder of the mirror is there."""
        mirror = os.environ.get("GVCMETRICS_MIRROR")
        if not self.needs or (mirror and (Path(mirror) / self.needs).exists()):
            return True
        data = Path(os.environ.get("GVCMETRICS_DATA") or "data")
        return (
            any((data / "parquet").glob(f"{self.needs}*/"))
            or (data / "parquet" / f"{self.needs}.parquet").exists()
        )


def of_page(text: str) -> list[Block]:
    """The blocks of a Markdown page in their order."""
    return [_block(found, text) for found in FENCE.finditer(text)]


def of_script(text: str) -> list[tuple[str, Block]]:
    """The cells of a script, each with what stands after its `# %%`."""
    found = list(CELL.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    return [
        (
            match[1].strip(),
            Block(text[match.end() : end].strip("\n") + "\n", text.count("\n", 0, match.end()) + 1),
        )
        for match, end in zip(found, ends, strict=True)
    ]


def run(block: Block, names: dict[str, Any], where: str) -> tuple[str, Any]:
    """What the block prints, and the value of its last line where that is an expression."""
    tree = ast.parse(block.code)
    ast.increment_lineno(tree, block.line - 1)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pd.option_context(*SHOWN), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(tree, where, "exec"), names)
            value = eval(compile(ast.Expression(last.value), where, "eval"), names) if last else None
        except Exception as error:
            if not block.raises or type(error).__name__ != block.raises:
                raise
            return f"{block.raises}: {error}\n", None
    if block.raises:
        raise AssertionError(f"{where}, line {block.line}: no {block.raises} was raised")
    return printed.getvalue(), value


class Pictures:
    """Names for the figures of a page, which are written beside it."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder, self._stem, self._count = folder, stem, 0

    def save(self, figure: Any) -> str:
        self._count += 1
        name = f"{self._stem}-{self._count}.png"
        self._folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(self._folder / name, dpi=110, bbox_inches="tight")
        return name


def shown(printed: str, value: Any, pictures: Pictures) -> str:
    """What a notebook would show, as Markdown: text, a table or a picture."""
    parts = [f"```text\n{printed.rstrip()}\n```\n"] if printed.strip() else []
    with pd.option_context(*SHOWN):
        if (
            isinstance(value, tuple)
            and value
            and all(isinstance(part, pd.DataFrame | pd.Series) for part in value)
        ):
            parts += [shown("", part, pictures) for part in value]
        elif value is not None:
            parts.append(_rich(value, pictures))
    return "\n".join(parts)


def _rich(value: Any, pictures: Pictures) -> str:
    if hasattr(value, "savefig"):
        return f"![Figure made by the code above]({pictures.save(value)})\n"
    if isinstance(value, pd.Series):
        value = value.to_frame()
    if hasattr(value, "_repr_html_"):
        html = re.sub(r"<style.*?</style>\s*", "", value._repr_html_(), flags=re.S)
        return f'<div class="output" tabindex="0">{one_line(html)}</div>\n'
    return f"```text\n{value}\n```\n"


def one_line(html: str) -> str:
    """Without line ends, which would end a block of HTML in Markdown, and without old attributes."""
    return re.sub(r"\s*\n\s*", "", html).replace(' border="1"', "").replace(' style="text-align: right;"', "")


def with_outputs(text: str, pictures: Pictures, where: str) -> str:
    """The page with what each block shows below it."""
    names: dict[str, Any] = {"__name__": "page"}

    def shown_below(found: re.Match[str]) -> str:
        block = _block(found, text)
        code = f"```python\n{block.code}```\n"
        if not block.can_run():
            return f'{code}\n!!! note ""\n    This needs `{block.needs}`, a panel of the data mirror.\n'
        return f"{code}\n{shown(*run(block, names, where), pictures)}"

    return FENCE.sub(shown_below, text)


def _block(found: re.Match[str], text: str) -> Block:
    told = {found["word"]: found["said"]} if found["word"] else {}
    return Block(found["code"], text.count("\n", 0, found.start("code")) + 1, **told)


def pages(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.glob("*.md"))
