"""The same table in every format: structure, numbers, escaping, identical bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from html.parser import HTMLParser

import pandas as pd
import pyarrow.parquet as pq
import pytest
from docx import Document

from gvcmetrics import table
from gvcmetrics.errors import SpecError

NASTY = r'50% of R&D_x {a} $b$ #1 ~ ^ \ <b> | * [c] "q" `t`'


class Cells(HTMLParser):
    """Rows of cell texts, and every tag seen."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def nasty_table():
    frame = pd.DataFrame({NASTY: ["[start]", "*star"], "n": [1, -2]}, index=["[label]", NASTY])
    return table(frame, title=NASTY, notes=[NASTY])


def test_html_holds_the_numbers_and_is_well_formed(results, tmp_path):
    path = table(results, title="A < B").save(tmp_path / "t.html")
    page = Cells(path.read_text("utf-8"))
    assert page.open == []
    assert ["log_rd", "0.123***", "4.0e−05**"] in page.rows
    assert ["(0.040)", "(1.0e−05)"] in page.rows
    assert ["Cutpoints"] in page.rows
    assert ["Observations", "1,629", "900"] in page.rows
    assert "<title>A &lt; B</title>" in path.read_text("utf-8")
    assert not any("id" in attributes for _, attributes in page.tags)


def test_every_row_of_html_has_every_column(results):
    made = table([*results, results[0]], groups=["A", "A", "B"])
    page = made._repr_html_()
    continued = 0
    for row in re.findall(r"<tr>(.*?)</tr>", page):
        spans = [int(span or 1) for span in re.findall(r"<t[dh](?:[^>]*?colspan=\"(\d+)\")?[^>]*>", row)]
        assert sum(spans) + (continued > 0) == 4
        down = re.search(r'rowspan="(\d+)"', row)
        continued = int(down[1]) - 1 if down else max(continued - 1, 0)


def test_markdown_has_a_cell_for_every_column(results, tmp_path):
    for made in (table(results), nasty_table()):
        lines = made.save(tmp_path / "t.md").read_text("utf-8").splitlines()
        rows = [line for line in lines if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {4}
    assert r"| log\_rd | 0.123\*\*\* | 4.0e-05\*\* |" in (
        table(results).save(tmp_path / "t.md").read_text("utf-8").splitlines()
    )


def test_markdown_code_survives_backticks(results, tmp_path):
    results[0].call = "gvc.ols('y ~ `a b` | year', frame)"
    assert "(1) ``gvc.ols('y ~ `a b` | year', frame)``" in (
        table(results[0]).save(tmp_path / "t.md").read_text("utf-8")
    )


def test_latex_is_balanced_and_escaped(results, tmp_path):
    for made in (table(results, title="T", below="conf_int"), nasty_table()):
        text = made.save(tmp_path / "my table.tex").read_text("utf-8")
        assert r"\label{tab:my-table}" in text
        bare = re.sub(r"\\[\\{}$&#%_]", "", text.replace(r"\\", ""))
        assert bare.count("{") == bare.count("}")
        assert bare.count("$") % 2 == 0
        assert all(mark not in bare for mark in "#_~|")
        rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {2}
        # A row that began with '[' or '*' would be read as an argument of the '\\' before it.
        assert not any(re.match(r"\s*[\[*]", line) for line in text.splitlines())
    assert r"{[}label]" in text
    assert (
        r"50\% of R\&D\_x \{a\} \$b\$ \#1 \textasciitilde{} \textasciicircum{} \textbackslash{} "
        r"\textless{}b\textgreater{} \textbar{} {*} {[}c] {\char34}q{\char34} `t`"
    ) in text


def test_latex_rows(results, tmp_path):
    lines = table(results, below="std_error").save(tmp_path / "t.tex").read_text("utf-8").splitlines()
    assert r"log\_rd & 0.123\rlap{$^{***}$} & 4.0e$-$05\rlap{$^{**}$} \\" in lines
    assert r"Constant & $-$1.500 &  \\" in lines
    assert r"\begin{tabular}{@{}lcc@{}}" in lines


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(results, tmp_path):
    for number, made in enumerate((table(results, title="T"), nasty_table())):
        made.save(tmp_path / f"t{number}.tex")
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs,amssymb}"
        "\\begin{document}\\input{t0.tex}\\input{t1.tex}\\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_word_holds_the_numbers(results, tmp_path):
    page = Document(table(results, title="Patents", notes=["A note."]).save(tmp_path / "t.docx"))
    rows = [[cell.text for cell in row.cells] for row in page.tables[0].rows]
    assert rows[:3] == [["", "patents", "innovates"], ["", "OLS", "Ordered logit"], ["", "(1)", "(2)"]]
    assert ["log_rd", "0.123***", "4.0e−05**"] in rows
    assert ["Cutpoints"] * 3 in rows
    assert rows[-1] == ["Mean of outcome", "12.346", ""]
    paragraphs = [paragraph.text.strip() for paragraph in page.paragraphs]
    assert paragraphs[0] == "Patents"
    assert "A note." in paragraphs
    assert f"(1) {results[0].call}" in paragraphs


def test_word_merges_shared_headers_and_takes_any_text(results, tmp_path):
    page = Document(table([results[0]] * 2, title="bell \x07 rings").save(tmp_path / "t.docx"))
    first = page.tables[0].rows[0].cells
    assert first[1]._tc is first[2]._tc
    assert page.paragraphs[0].text == "bell rings"


def test_word_gives_long_labels_room_within_the_page(results, tmp_path):
    made = table([results[0]] * 5, labels={"log_rd": "Logarithm of research expenditure"})
    page = Document(made.save(tmp_path / "t.docx"))
    widths = [column.width for column in page.tables[0].columns]
    section = page.sections[0]
    assert widths[0] > 2 * widths[1]
    assert sum(widths) <= section.page_width - section.left_margin - section.right_margin + 10
    assert page.tables[0].rows[4].cells[0].width == widths[0]


def test_parquet_holds_every_number_at_full_precision(results, tmp_path):
    path = table(results).save(tmp_path / "t.parquet")
    tidy = pd.read_parquet(path)
    assert list(tidy.columns) == [
        "block",
        "row",
        "name",
        "column_number",
        "column",
        "statistic",
        "value",
        "text",
        "simulated",
    ]
    one = tidy[(tidy["name"] == "log_rd") & (tidy["column_number"] == 1)].set_index("statistic")
    assert one["value"].to_dict() == {"estimate": 0.123456, "p_value": 0.002, "std_error": 0.04}
    assert one["text"].to_dict() == {"estimate": "0.123***", "p_value": "0.123***", "std_error": "(0.040)"}
    assert tidy.loc[tidy["statistic"] == "loglik", "value"].tolist() == [-1234.567]
    assert tidy.loc[tidy["block"] == "Cutpoints", "row"].unique().tolist() == ["1|2"]
    assert pq.read_metadata(path).metadata.keys() == {b"ARROW:schema"}


def test_csv_holds_what_parquet_holds(results, tmp_path):
    results[0].terms = {"log_rd": (1 / 3, 0.04, 2e-17), 'a, "b"': (-1.5, 1.0, 0.13)}
    for made in (table(results), nasty_table()):
        made.save_all(tmp_path / "t")
        told = pd.read_csv(
            tmp_path / "t.csv", keep_default_na=False, na_values={"value": ""}, float_precision="round_trip"
        )
        pd.testing.assert_frame_equal(
            told, pd.read_parquet(tmp_path / "t.parquet"), check_dtype=False, check_exact=True
        )


def test_html_folds_calls_and_keeps_what_a_reader_must_know_in_sight(results):
    results[1].notes = ("11 rows have no outcome.",)
    page = table(results)._repr_html_()
    shown, folded = page.split("<details>")
    assert "<p>(2) 11 rows have no outcome.</p>" in shown
    assert "<p>(1)</p>" not in page
    assert "gvc." not in shown
    assert folded.count("<code>") == 2
    assert "<details>" not in table(results, calls=False)._repr_html_()


def long_table(results):
    results[0].terms = {f"regressor_{number}": (1.0 + number, 0.5, 0.04) for number in range(60)}
    return table(results, title="Many regressors")


def test_a_table_longer_than_a_page_can_break(results, tmp_path):
    text = long_table(results).save(tmp_path / "t.tex").read_text("utf-8")
    assert r"\begin{table}" not in text
    first, rest = text.split(r"\endfirsthead")
    header = first[first.index(r"\toprule") :]
    # Every page has the headers, the first the caption as well.
    assert header in rest.split(r"\endhead")[0]
    assert first.count(r"\caption") == text.count(r"\caption") == 1
    assert r"\begin{longtable}" not in table(results[1]).save(tmp_path / "s.tex").read_text("utf-8")
    rows = Document(long_table(results).save(tmp_path / "t.docx")).tables[0].rows
    repeated = [len(row._tr.xpath("./w:trPr/w:tblHeader")) for row in rows]
    assert repeated[:4] == [1, 1, 1, 0]
    assert sum(repeated) == 3


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_a_long_table_compiles_to_several_pages(results, tmp_path):
    long_table(results).save(tmp_path / "t.tex")
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,amssymb,longtable}"
        "\\begin{document}\\input{t.tex}\\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    pages = re.search(r"Output written on all.pdf \((\d+) pages", done.stdout)
    assert pages is not None
    assert int(pages[1]) >= 3
    assert "Overfull" not in done.stdout


@pytest.mark.parametrize("suffix", [".tex", ".html", ".md", ".docx", ".txt"])
def test_simulated_data_are_marked_in_every_format(results, simulated, tmp_path, suffix):
    def words(path):
        if suffix == ".docx":
            return "\n".join(paragraph.text for paragraph in Document(path).paragraphs)
        return path.read_text("utf-8")

    marked = table(results, provenance=simulated).save(tmp_path / f"a{suffix}")
    plain = table(results).save(tmp_path / f"b{suffix}")
    assert "Simulated data" in words(marked)
    assert "imulated" not in words(plain).replace("gvc-simulated{", "")


def test_terminal_lines_up(results):
    lines = str(table(results, calls=False)).splitlines()
    estimate = next(line for line in lines if line.startswith("log_rd "))
    error = lines[lines.index(estimate) + 1]
    # Both centred on the same middle: "(0.040)" is one mark wider on each side.
    assert estimate.index("0.123") == error.index("(0.040)") + 1


def test_terminal_headers_stand_over_their_columns_and_notes_wrap(results):
    lines = str(table([*results, results[1]], groups=["A", "B", "B"])).splitlines()
    group, last = lines[1], next(line for line in lines if "(1)" in line)
    middle = (last.index("(2)") + last.index("(3)") + 3) / 2
    assert abs(group.index("B") + 0.5 - middle) <= 1
    assert max(map(len, lines)) <= 88


def test_save_all_and_unknown_suffix(results, tmp_path):
    paths = table(results).save_all(tmp_path / "deep" / "v1.2")
    assert [path.name for path in paths] == [
        f"v1.2.{s}" for s in ("tex", "html", "md", "docx", "parquet", "csv")
    ]
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == sorted(p.name for p in paths)
    with pytest.raises(SpecError, match=r"\.docx"):
        table(results).save(tmp_path / "t.xls")


def test_docx_carries_no_time_and_no_name(results, tmp_path):
    path = table(results).save(tmp_path / "t.docx")
    with zipfile.ZipFile(path) as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = package.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", core)) == {"1980-01-01T00:00:00Z"}


def test_another_process_writes_the_same_bytes(built_twice):
    first, second = built_twice(
        "import sys, pandas as pd, gvcmetrics as gvc\n"
        "f = pd.DataFrame({'mean': [1.5, 2.0], 'why': ['a', 'b']}, index=['x', 'y'])\n"
        "gvc.table(f, title='T', notes=['N']).save_all(sys.argv[1] + '/t')\n"
    )
    assert len(first) == 6
    assert first == second


def test_a_failed_write_leaves_the_old_file(results, tmp_path, monkeypatch):
    path = table(results).save(tmp_path / "t.md")
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        table(results[0]).save(path)
    assert path.read_bytes() == before


def test_word_columns_have_room_for_the_words_of_their_headers(results, tmp_path):
    made = table(results, headers=["Internationalisation of firms", "y"])
    page = Document(made.save(tmp_path / "t.docx"))
    widths = [column.width for column in page.tables[0].columns]
    assert widths[1] / widths[2] == pytest.approx(len("Internationalisation") / 10, rel=0.2)
