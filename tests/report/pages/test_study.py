"""Studies, their manifests, and the page that gathers them."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from gvcmetrics import __version__, table
from gvcmetrics.errors import DataError, MissingSourceError, SpecError
from gvcmetrics.report import Study, build_report, new_figure
from gvcmetrics.report.pages.html import inline
from gvcmetrics.report.pages.hypotheses import read_hypotheses
from gvcmetrics.report.pages.manifest import read_manifest


def entry(name, claim, section, outcome, regressor, signs, get, studies="[]"):
    rules = "".join(f"    - {{sign: {sign}}}\n" for sign in signs)
    return f"""\
- id: {name}
  claim: {claim}
  document: Humphrey
  section: "{section}"
  contract: firm
  equations:
    - {{name: one, model: ols, outcome: {outcome}, regressors: [{regressor}], scale: outcome}}
  expect:
{rules}  family: {{name: ties}}
  get: {get}
  estimated_in: {studies}
"""


HYPOTHESES = (
    entry(
        "H1",
        "Ties of one kind & another matter.",
        3,
        "upgrade",
        "tie",
        ["positive", "negative"],
        "ask",
        "[cars]",
    )
    + entry("H2", "Few buyers lock firms in.", 5.4, "lock_in", "buyer_hhi", ["positive"], "customs records")
    + entry("H3", "Costly marketing concentrates.", 2, "hhi", "cost", ["positive"], "ask", "[elsewhere]")
    + entry("H4", "Tacit knowledge protects.", 4, "price", "tacitness", ["negative"], "ask")
)


class Page(HTMLParser):
    """Tags in order, and whether they close in the order in which they open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def make_study(folder, results, provenance, name="cars"):
    study = Study(name, title="Cars & quality", question="Who *moved*?", results=folder)
    study.source(provenance)
    study.text("One `a < b`\n continues.\n\nTwo **bold** <tag>.")
    study.table(table(results, provenance=provenance), "estimates", caption="Estimates <1>")
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1])
    study.figure(figure, "line", caption='A "line"', notes=["Straight."])
    study.sample("All years", rows=1629, firms=181)
    study.not_estimated("H4", needs="a `cost_shock`", get="add it")
    study.not_estimated("Spillovers over borders", needs="addresses")
    return study.write()


def text_of(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", page)


def test_a_study_writes_its_files_and_a_manifest(tmp_path, results, real):
    path = make_study(tmp_path, results, real)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        ["cars.json"]
        + [f"cars_estimates.{suffix}" for suffix in ("tex", "html", "md", "docx", "parquet", "csv")]
        + ["cars_line.pdf", "cars_line.png"]
    )
    manifest = read_manifest(path)
    assert manifest["version"] == __version__
    assert [item["kind"] for item in manifest["items"]] == ["text", "text", "table", "figure"]
    assert manifest["items"][0]["text"] == "One `a < b` continues."
    assert manifest["items"][2]["observations"] == [1629, 900]
    assert manifest["items"][2]["caption"] == "Estimates <1>"
    assert manifest["samples"] == [{"label": "All years", "rows": 1629, "counts": {"firms": 181}}]
    assert manifest["sources"][0]["raw_sha256"] == "ab" * 32
    assert manifest["simulated"] is False
    assert manifest["items"][3]["notes"] == ["Straight.", "Source: Patents & R&D <1983–91> (Ecdat; GPL-2)."]
    assert r"\caption{Estimates \textless{}1\textgreater{}}" in (tmp_path / "cars_estimates.tex").read_text()


def test_the_manifest_comes_last(tmp_path, results, real):
    study = Study("s", title="T", question="Q", results=tmp_path)
    study.table(table(results), "t")
    assert not (tmp_path / "s.json").exists()
    study.write()
    assert (tmp_path / "s.json").exists()


def test_a_simulated_source_marks_everything(tmp_path, results, simulated):
    path = make_study(tmp_path, results, simulated)
    manifest = read_manifest(path)
    assert manifest["simulated"]
    assert all(item["simulated"] for item in manifest["items"] if item["kind"] != "text")
    assert "Simulated data" in (tmp_path / "cars_estimates.md").read_text()
    page = build_report([path], tmp_path / "report.html").read_text()
    assert page.count("gvc-simulated") >= 4


def test_a_figure_of_simulated_data_in_a_study_of_real_data(tmp_path, real, simulated):
    study = Study("s", title="T", question="Q", results=tmp_path)
    study.source([real, simulated])
    study.figure(new_figure()[0], "real", caption="C", provenance=real)
    study.figure(new_figure()[0], "made", caption="C", provenance=simulated)
    real_item, made_item = read_manifest(study.write())["items"]
    assert (real_item["simulated"], made_item["simulated"]) == (False, True)
    assert (tmp_path / "s_real.png").read_bytes() != (tmp_path / "s_made.png").read_bytes()


def test_a_table_without_sources_gets_those_of_the_study(tmp_path, real, simulated):
    frame = pd.DataFrame({"n": [1]}, index=["a"])
    study = Study("s", title="T", question="Q", results=tmp_path)
    study.source([real, simulated])
    study.table(table(frame), "all")
    study.table(table(frame), "told", provenance=real)
    study.table(table(frame, provenance=real), "own")
    every, told, own = read_manifest(study.write())["items"]
    assert every["notes"][-1].startswith("Sources: Patents & R&D <1983–91> (Ecdat; GPL-2); Benchmark")
    assert every["simulated"]
    assert told["notes"] == own["notes"] == ["Source: Patents & R&D <1983–91> (Ecdat; GPL-2)."]
    assert not told["simulated"]
    assert not own["simulated"]


def test_two_outputs_of_one_name_are_refused(tmp_path, results):
    study = Study("s", title="T", question="Q", results=tmp_path)
    study.table(table(results), "t")
    with pytest.raises(SpecError, match="two outputs called 't'"):
        study.table(table(results), "t")


def test_the_results_folder_is_found_from_below(tmp_path, monkeypatch):
    (tmp_path / "analysis" / "notebooks").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "analysis" / "notebooks")
    assert Study("s", title="T", question="Q").folder == tmp_path / "analysis" / "results"
    lonely = tmp_path.parent / f"{tmp_path.name}_lonely"
    lonely.mkdir()
    monkeypatch.chdir(lonely)
    with pytest.raises(SpecError, match="no folder 'analysis'"):
        Study("s", title="T", question="Q")


def test_an_incomplete_provenance_is_refused(tmp_path, real):
    del real["licence"]
    study = Study("s", title="T", question="Q", results=tmp_path)
    with pytest.raises(DataError, match="licence"):
        study.source(real)


def test_the_report_holds_everything_and_loads_nothing(tmp_path, results, real):
    first = make_study(tmp_path, results, real)
    second = make_study(tmp_path, results, {**real, "panel": "other", "raw_sha256": "cd" * 32}, name="2_more")
    (tmp_path / "h.yaml").write_text(HYPOTHESES)
    out = build_report([first, second], tmp_path / "report.html", hypotheses=tmp_path / "h.yaml")
    text = out.read_text("utf-8")
    page = Page(text)
    assert page.open == []
    tags = {tag for tag, _ in page.tags}
    assert not {"script", "link", "iframe"} & tags
    assert "http" not in text
    assert "@import" not in text
    assert all(not attributes.get("src", "data:").startswith(("/", "http")) for _, attributes in page.tags)
    pictures = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 2
    drawn = base64.b64decode(pictures[0].removeprefix("data:image/png;base64,"))
    assert drawn == (tmp_path / "cars_line.png").read_bytes()
    words = text_of(text)
    for expected in (
        "Table 1. Estimates &lt;1&gt;",
        "Table 2. Estimates",
        "Figure 2. A &quot;line&quot;",
        "0.123",
        "All years: 1,629 rows, 181 firms.",
        "ab" * 32,
        "cd" * 32,
        "Cincera (1997)",
        "GPL-2",
        f"gvcmetrics {__version__}",
    ):
        assert expected in words
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [a["href"] for t, a in page.tags if t == "a" and a["href"].startswith("#")]
    assert {link.removeprefix("#") for link in links} <= ids
    assert {"cars", "2-more", "hypotheses", "not-estimated", "sources"} <= ids
    files = {a["href"] for t, a in page.tags if t == "a" and not a["href"].startswith("#")}
    assert files <= {file.name for file in tmp_path.iterdir()}
    assert "cars_estimates.csv" in files


def test_each_exhibit_names_what_made_it(tmp_path, results, real):
    pages = [make_study(tmp_path, results, real, name=name) for name in ("cars", "panel_cars", "validation")]
    given = {"panels": [pages[1]], "methods": [pages[2]]}
    text = build_report([pages[0]], tmp_path / "report.html", **given).read_text("utf-8")
    made = re.findall(r'<p class="files"><code>(\w+?)_(?:estimates|line)</code>.*?<code>(.*?)</code>', text)
    assert dict(made) == {
        "cars": "analysis/cars.py",
        "panel_cars": "gvcmetrics panel page cars",
        "validation": "analysis/validation/run.py",
    }
    assert len(made) == 6


def test_the_report_says_what_was_not_estimated_and_why(tmp_path, results, real):
    path = make_study(tmp_path, results, real)
    (tmp_path / "h.yaml").write_text(HYPOTHESES)
    text = build_report([path], tmp_path / "r.html", hypotheses=tmp_path / "h.yaml").read_text()
    section = re.search(r'<section id="not-estimated">.*?</section>', text, re.S)[0]
    entries = [" ".join(text_of(entry).split()) for entry in re.findall(r"<dt>.*?</dd>", section, re.S)]
    assert entries == [
        "Spillovers over borders Needs: addresses",
        "H2 Few buyers lock firms in. Needs: a firm panel with lock_in; buyer_hhi Get it: customs records",
        "H3 Costly marketing concentrates. Needs: the study elsewhere, which is not in this report "
        "Get it: ask",
        "H4 Tacit knowledge protects. Needs: a cost_shock Get it: add it",
    ]
    claims = re.search(r'<section id="hypotheses">.*?</section>', text, re.S)[0]
    rows = [" ".join(text_of(row).split()) for row in re.findall(r"<tr>.*?</tr>", claims, re.S)[1:]]
    assert rows[0] == "H1 Ties of one kind &amp; another matter. +, − Humphrey, 3 Cars &amp; quality"
    assert rows[1].endswith("not estimated")


def test_the_report_shows_what_panels_answer(tmp_path):
    path = Study("cars", title="T", question="Q", results=tmp_path).write()
    (tmp_path / "h.yaml").write_text(HYPOTHESES)
    answers = pd.DataFrame(
        {
            "hypothesis": ["H2", "H2", "H4"],
            "panel": ["here", "there", "there"],
            "verdict": ["supported", "contradicted", "not estimable"],
            "claim_verdict": ["supported", "contradicted", "not estimable"],
        }
    )
    answers.to_parquet(tmp_path / "answers.parquet")
    given = {"hypotheses": tmp_path / "h.yaml", "answers": tmp_path / "answers.parquet"}
    text = build_report([path], tmp_path / "r.html", **given).read_text()
    claims = re.search(r'<section id="hypotheses">.*?</section>', text, re.S)[0]
    rows = [" ".join(text_of(row).split()) for row in re.findall(r"<tr>.*?</tr>", claims, re.S)[1:]]
    assert rows[1].endswith("here: supported there: contradicted")
    assert rows[3].endswith("not estimated")
    left = re.search(r'<section id="not-estimated">.*?</section>', text, re.S)[0]
    assert "<b>H2</b>" not in left
    assert "<b>H4</b>" in left
    path.with_name("answers.parquet").write_text("no Parquet")
    with pytest.raises(DataError, match=r"answers\.parquet"):
        build_report([path], tmp_path / "r.html", **given)


def test_without_hypotheses_and_open_ends_the_report_says_so(tmp_path):
    path = Study("s", title="T", question="Q", results=tmp_path).write()
    words = text_of(build_report([path], tmp_path / "r.html").read_text())
    assert "Nothing was left open." in words
    assert "Hypotheses" not in words


def test_damaged_manifests_and_missing_files_are_named(tmp_path, results, real):
    path = make_study(tmp_path, results, real)
    (tmp_path / "cars_line.png").unlink()
    with pytest.raises(MissingSourceError, match=r"cars_line\.png"):
        build_report([path], tmp_path / "r.html")
    path.write_text('{"format": 0}')
    with pytest.raises(DataError, match=r"cars\.json"):
        build_report([path], tmp_path / "r.html")
    path.write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        build_report([path], tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"h\.yaml, line 1"),
        ("id: H1", "no list of hypotheses"),
        (HYPOTHESES.replace("  claim: Few buyers lock firms in.\n", ""), "'claim' is absent"),
        (
            HYPOTHESES.replace("  get: customs records\n", ""),
            r"line 14, key '1\.get': the key 'get' is absent",
        ),
        (HYPOTHESES.replace("[cars]", "cars"), r"line 13, key '0\.estimated_in': a list is needed"),
        (HYPOTHESES.replace("id: H2", "id: H1"), "comes twice"),
    ],
)
def test_wrong_lists_of_hypotheses_are_explained(tmp_path, text, message):
    (tmp_path / "h.yaml").write_text(text)
    with pytest.raises(SpecError, match=message):
        read_hypotheses(tmp_path / "h.yaml")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a & b", "a &amp; b"),
        ("`*x* < 1` and *y*", "<code>*x* &lt; 1</code> and <em>y</em>"),
        ("**b** 2 * 3 * 4", "<strong>b</strong> 2 * 3 * 4"),
        ("<script>", "&lt;script&gt;"),
        ("one ` alone", "one ` alone"),
    ],
)
def test_inline_marks(text, html):
    assert inline(text) == html


def test_another_process_writes_the_same_report(built_twice, tmp_path):
    first, second = built_twice(
        "import sys, pandas as pd, gvcmetrics as gvc\n"
        "from gvcmetrics.report import Study, build_report, new_figure\n"
        "s = Study('s', title='T', question='Q', results=sys.argv[1])\n"
        "s.table(gvc.table(pd.DataFrame({'n': [1]}, index=['a'])), 't', caption='C')\n"
        "s.figure(new_figure()[0], 'f', caption='C')\n"
        "build_report([s.write()], sys.argv[1] + '/report.html')\n"
    )
    assert len(first) == 10
    assert first == second
    assert str(tmp_path) not in (tmp_path / "1" / "s.json").read_text()
    assert str(tmp_path) not in (tmp_path / "1" / "report.html").read_text()


def test_frames_from_several_panels_cite_each(real, simulated):
    made = table(pd.DataFrame({"n": [1]}, index=["a"]), provenance=[real, simulated])
    assert made.notes[-1].text.startswith("Sources: Patents & R&D")
    assert made.simulated
