"""No table of LaTeX is wider than its page, measured on the rendered file with the letters that TeX sets."""

from __future__ import annotations

import re
from functools import cache

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.ft2font import FT2Font, LoadFlags

from gvcmetrics import table
from gvcmetrics.report.tables.render.fit import text_width

# \textwidth of the class article at ten points; digits of cmr8 and cmr7 beside those of cmr10.
PAGE = 345.0
SCALES = {r"\footnotesize": 0.851, r"\scriptsize": 0.797}
MARKS = {r"\textless": "<", r"\textgreater": ">", r"\textbar": "|", r"\times": "×", r"\checkmark": "✓"}
# A blank, and the mark of amssymb, which are not in that font.
_ABSENT = {" ": 3.333, "✓": 8.333}


@cache
def letter(mark: str) -> float:
    """Points of a letter of Computer Modern at ten points, from the font that matplotlib ships."""
    if mark in _ABSENT:
        return _ABSENT[mark]
    font = FT2Font(f"{matplotlib.get_data_path()}/fonts/ttf/cmr10.ttf")
    font.set_size(10, 72)
    return float(font.load_char(ord(mark), flags=LoadFlags.NO_HINTING).linearHoriAdvance) / 65536


def plain(tex: str) -> str:
    for command, mark in MARKS.items():
        tex = tex.replace(command, mark)
    tex = re.sub(r"\\rlap\{\$\^\{.*?\}\$\}", "", tex)
    return re.sub(r"\\([_&#%{}$])", r"\1", re.sub(r"[{}$]|\\[a-z]+", "", tex)).strip()


def cell_width(tex: str, scale: float) -> float:
    if box := re.match(r"\\parbox\[t\]\{([\d.]+)pt\}", tex):
        return float(box[1])
    if stack := re.match(r"\\shortstack\[.\]\{(.*)\}$", tex):
        return max(cell_width(line, scale) for line in stack[1].split(r"\\"))
    return scale * sum(map(letter, plain(tex)))


def table_widths(text: str) -> list[float]:
    """Width of each tabular of a file, as TeX adds it up: columns, gaps, and headers over several columns."""
    scale = next((share for command, share in SCALES.items() if command in text.split(r"\toprule")[0]), 1.0)
    gap = 6.0 if r"\tabcolsep" not in text else 3.0
    found = []
    for body in re.findall(
        r"\\begin\{(?:tabular|longtable)\}(.*?)\\end\{(?:tabular|longtable)\}", text, re.S
    ):
        rows = [line[:-3] for line in body.splitlines() if line.endswith(r" \\") and "overleaf" not in line]
        cells = [[part.strip() for part in re.split(r"(?<!\\)&", row)] for row in rows]
        widths = [0.0] * max(map(len, cells))
        over = []
        for row in cells:
            column = 0
            for one in row:
                spanned = re.match(r"\\multicolumn\{(\d+)\}\{[^{}]*(?:\{\})?[^{}]*\}\{(.*)\}$", one)
                width = int(spanned[1]) if spanned else 1
                points = cell_width(spanned[2] if spanned else one, scale)
                if share := re.search(r"\\parbox\[t\]\{([\d.]+)\\linewidth\}", one):
                    points = float(share[1]) * PAGE
                if width == 1:
                    widths[column] = max(widths[column], points)
                else:
                    over.append((column, width, points))
                column += width
        for column, width, points in sorted(over, key=lambda one: one[1]):
            inside = sum(widths[column : column + width]) + 2 * gap * (width - 1)
            widths[column + width - 1] += max(points - inside, 0.0)
        found.append(sum(widths) + 2 * gap * (len(widths) - 1))
    return found


def frames() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(5, 30)) * 1e6
    names = [f"Exports of intermediate goods, {number}" for number in range(30)]
    rows = [
        f"A long label of a row that says much of what it holds, with_a_name_of_a_column_{number}"
        for number in range(5)
    ]
    words = ["many words that go on and on, as words in tables sometimes do, without an end"] * 5
    return {
        "narrow": pd.DataFrame(numbers[:, :3], index=list("abcde"), columns=list("xyz")),
        "five columns, long labels": pd.DataFrame(numbers[:, :5], index=rows, columns=names[:5]),
        "nine columns": pd.DataFrame(numbers[:, :9], index=rows, columns=names[:9]),
        "thirty columns": pd.DataFrame(numbers, index=rows, columns=names),
        "words": pd.DataFrame({"one": words, "two": words, "n": range(5)}, index=rows),
        "words alone": pd.DataFrame(dict.fromkeys(names[:4], words), index=rows),
        "long and wide": pd.DataFrame(np.tile(numbers, (12, 1)), index=rows * 12, columns=names),
        "titles of blocks": pd.DataFrame(
            numbers[:4, :2],
            index=pd.MultiIndex.from_tuples(
                [(title, row) for title in ("A block of some words", " ".join(words[0:2])) for row in "ab"]
            ),
            columns=["x", "y"],
        ),
        "grouped": pd.DataFrame(
            numbers[:, :4],
            index=rows,
            columns=pd.MultiIndex.from_product([names[:2], ["before", "after the reform of the tariffs"]]),
        ),
    }


@pytest.mark.parametrize("kind", frames())
def test_no_table_is_wider_than_its_page(tmp_path, kind):
    frame = frames()[kind]
    text = table(frame, title="T").save(tmp_path / "t.tex").read_text("utf-8")
    widths = table_widths(text)
    assert widths
    assert max(widths) <= PAGE
    # Every column is there once, whichever part it stands in.
    parts = re.findall(r"\\begin\{(?:tabular|longtable)\}\{@\{\}l([lcr]+)@\{\}\}", text)
    assert sum(map(len, parts)) == frame.shape[1]
    assert (len(parts) == 1) == (frame.shape[1] <= 5)


@pytest.mark.parametrize("number", [1, 4, 6, 12, 20])
def test_no_table_of_estimates_is_wider_than_its_page(results, tmp_path, number):
    made = table(
        [results[0]] * number, labels={"log_rd": "Log of the stock of research of the mean exporter"}
    )
    assert max(table_widths(made.save(tmp_path / "t.tex").read_text("utf-8"))) <= PAGE


def test_letters_are_as_wide_as_those_of_the_font():
    for mark in map(chr, range(33, 127)):
        if mark not in '"<>\\^_`{|}~#$%&+=?@-':
            assert abs(text_width(mark) - letter(mark)) < 0.02, mark
        elif mark not in "#%|":
            assert text_width(mark) >= letter(mark) - 0.02, mark
