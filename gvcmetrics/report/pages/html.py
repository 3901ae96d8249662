"""One page with every study: text, tables, figures, sources, and what was not estimated and why."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gvcmetrics.errors import MissingSourceError, Place
from gvcmetrics.ground.figures import NARROW
from gvcmetrics.ground.files import write_atomic
from gvcmetrics.ground.numbers import count
from gvcmetrics.ground.version import __version__
from gvcmetrics.report.pages.hypotheses import read_hypotheses
from gvcmetrics.report.pages.manifest import PANEL, read_manifest
from gvcmetrics.report.pages.scorecard import answers_of, scorecard
from gvcmetrics.report.tables.render.html import STYLE, anchor, escape, region

ABSENT = "absent-panels"
PAGE, EXAMINED = "gvcmetrics panel page {panel}", "gvcmetrics hypotheses run"
_DATA = ("csv", "tex", "md", "docx", "parquet")
SHEET = Path(__file__).with_name("report.css").read_text("utf-8")


def build_report(
    manifests: Sequence[str | Path],
    out: str | Path,
    *,
    hypotheses: str | Path | None = None,
    answers: str | Path | None = None,
    not_run: Mapping[str, tuple[str, str]] | None = None,
    panels: Sequence[str | Path] = (),
    methods: Sequence[str | Path] = (),
    findings: Sequence[str | Path] = (),
    indicators: Mapping[str, Sequence[str]] | None = None,
    title: str = "Upgrading in global value chains and clusters",
) -> Path:
    """Compose one self-contained page: no script, nothing loaded from elsewhere.

    Parameters
    ----------
    manifests : the studies' JSON files, in the order of the report; their tables (.html) and figures
        (.png) lie beside them.
    out : the page.
    hypotheses : YAML list of hypotheses; those that no study of the report estimates and no panel answers
        are listed with what they need.
    answers : the table that `gvcmetrics hypotheses run` writes, for the verdict of each panel.
    not_run : name → title and text of chapters for which there is no manifest yet.
    panels : JSON files of the pages of panels, as `gvcmetrics panel page` writes them.
    methods : JSON files of chapters on methods, which come after the panels.
    findings : JSON files of chapters that come first, after the scorecard.
    indicators : chapter → measures that it uses, which are linked on `indicators.html` beside the page.
    title : of the page.

    Returns
    -------
    pathlib.Path
        `out`.

    Raises
    ------
    DataError
        For a file that is no manifest.
    SpecError
        For a list of hypotheses that breaks its form.
    MissingSourceError
        If a table or figure that a manifest names is not there.
    """
    studies = [(read_manifest(path), Path(path).parent) for path in manifests]
    claims = read_hypotheses(hypotheses, answers) if hypotheses else []
    numbers = {"table": 0, "figure": 0}
    # A page more or less changes no number of another chapter.
    first = dict(numbers)
    absent = not_run or {}
    pages = [(read_manifest(path), Path(path).parent) for path in panels]
    about = [(read_manifest(path), Path(path).parent) for path in methods]
    first_of_all = [(read_manifest(path), Path(path).parent) for path in findings]
    there = {anchor(manifest["name"]) for manifest, _ in pages if manifest["items"]}
    there |= {
        anchor(item["stem"]) for manifest, _ in first_of_all for item in manifest["items"] if "stem" in item
    }
    card = scorecard(claims, there)
    told: list[Mapping[str, Any]] = [manifest for manifest, _ in (*studies, *about)]
    sections = [
        card,
        *(_study(manifest, folder, dict(first), EXAMINED, mark="A") for manifest, folder in first_of_all),
        *(
            _study(manifest, folder, numbers, "analysis/{name}.py", _measured(indicators, manifest["name"]))
            for manifest, folder in studies
        ),
        *(
            _study(manifest, folder, dict(first), PAGE, answers_of(claims, manifest["name"], there))
            for manifest, folder in pages
            if manifest["items"]
        ),
        _absent_panels([manifest for manifest, _ in pages if not manifest["items"]]),
        *(_study(manifest, folder, numbers, "analysis/{name}/run.py") for manifest, folder in about),
        *(_not_run(name, heading, text) for name, (heading, text) in absent.items()),
        _hypotheses(claims, told),
        _left_open(claims, told),
        _sources([*told, *(manifest for manifest, _ in pages)]),
    ]
    listed = [(m["name"], f"Panel: {m['title']}") for m, _ in pages if m["items"]]
    listed += (
        [(ABSENT, "Panels that are not on this machine")] if not all(m["items"] for m, _ in pages) else []
    )
    last = [(manifest["name"], manifest["title"]) for manifest, _ in about]
    last += [(name, heading) for name, (heading, _) in absent.items()]
    last += [("hypotheses", "Hypotheses and where they are estimated")] if claims else []
    contents = {
        "Findings": [
            *([("scorecard", "What the panels answer")] if card else []),
            *((manifest["name"], manifest["title"]) for manifest, _ in first_of_all),
        ],
        "Questions": [(manifest["name"], manifest["title"]) for manifest, _ in studies],
        "Panels": listed,
        "Methods and sources": [
            *last,
            ("not-estimated", "Not estimated, and what it needs"),
            ("sources", "Sources"),
        ],
    }
    return write_atomic(out, _page(title, contents, [section for section in sections if section]))


def _contents(groups: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """Links by group; a group can be folded away, since there are some forty links in all."""
    folds = []
    for heading, entries in groups.items():
        links = "".join(f'<li><a href="#{anchor(name)}">{escape(text)}</a></li>' for name, text in entries)
        if links:
            folds.append(f"<details open><summary>{heading}</summary><ol>{links}</ol></details>")
    return f'<nav aria-label="Contents"><h2>Contents</h2>{"".join(folds)}</nav>'


def _page(title: str, contents: Mapping[str, Sequence[tuple[str, str]]], sections: list[str]) -> str:
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{SHEET}{STYLE}</style>",
            "</head>\n<body>",
            f"<header><h1>{escape(title)}</h1></header>",
            _contents(contents),
            "<main>",
            *sections,
            "</main>",
            f"<footer><p>Made by gvcmetrics {escape(__version__)}.</p></footer>",
            "</body>\n</html>\n",
        ]
    )


def _study(
    manifest: Mapping[str, Any],
    folder: Path,
    numbers: dict[str, int],
    maker: str,
    last: str = "",
    mark: str = "",
) -> str:
    """A chapter; `maker` is the script or command behind it, with `{name}` or `{panel}` in it.

    `last` is HTML that the chapter ends with, `mark` what the numbers of its exhibits begin with.
    """
    name = manifest["name"]
    made_by = maker.format(name=name, panel=name.removeprefix(PANEL))
    parts = [
        f'<section id="{anchor(manifest["name"])}">',
        f"<h2>{escape(manifest['title'])}</h2>",
        f'<p class="question">{inline(manifest["question"])}</p>' if manifest["question"] else "",
    ]
    if manifest["simulated"]:
        parts.append('<p class="gvc-simulated">This study uses simulated data, marked where it does.</p>')
    for item in manifest["items"]:
        if item["kind"] == "text":
            parts.append(f"<p>{inline(item['text'])}</p>")
            continue
        numbers[item["kind"]] += 1
        draw = _table if item["kind"] == "table" else _figure
        parts.append(draw(item, folder, f"{mark}{numbers[item['kind']]}", made_by))
    if manifest["samples"]:
        lines = "".join(f"<li>{escape(_sample(sample))}</li>" for sample in manifest["samples"])
        parts.append(f"<h3>Samples</h3><ul>{lines}</ul>")
    return "\n".join([*parts, last, "</section>"] if last else [*parts, "</section>"])


def _measured(indicators: Mapping[str, Sequence[str]] | None, chapter: str) -> str:
    """Links to the indicators of a chapter."""
    names = (indicators or {}).get(chapter, ())
    if not names:
        return ""
    links = ", ".join(f'<a href="indicators.html#{anchor(name)}">{escape(name)}</a>' for name in names)
    return f'<p class="notes">Indicators, with definition, steps and source: {links}.</p>'


def _not_run(name: str, heading: str, text: str) -> str:
    return f'<section id="{anchor(name)}">\n<h2>{escape(heading)}</h2>\n<p>{inline(text)}</p>\n</section>'


def _table(item: Mapping[str, Any], folder: Path, number: str, made_by: str) -> str:
    page = _read(folder / f"{item['stem']}.html").decode("utf-8")
    body = page.split("</style>")[-1].removesuffix("</body>\n</html>\n")
    body = body.replace("<caption>", f"<caption>Table {number}. ", 1)
    return (
        f'<div class="exhibit" id="{anchor(item["stem"])}">{body}{_files(item["stem"], _DATA, made_by)}</div>'
    )


def _figure(item: Mapping[str, Any], folder: Path, number: str, made_by: str) -> str:
    picture = base64.b64encode(_read(folder / f"{item['stem']}.png")).decode("ascii")
    narrow = folder / f"{item['stem']}{NARROW}.png"
    small = base64.b64encode(_read(narrow)).decode("ascii") if narrow.exists() else ""
    source = f'<source media="(max-width:36em)" srcset="data:image/png;base64,{small}">' if small else ""
    data = ("csv",) if (folder / f"{item['stem']}.csv").exists() else ()
    notes = "".join(f"<p>{escape(note)}</p>" for note in item["notes"])
    notes = f'<div class="notes">{notes}</div>' if notes else ""
    said = escape(item["caption"])
    image = f'<img alt="{said}" src="data:image/png;base64,{picture}">'
    return (
        f'<figure class="exhibit"><figcaption>Figure {number}. {said}</figcaption>'
        f"<picture>{source}{image}</picture>{notes}"
        f"{_files(item['stem'], (*data, 'pdf', 'png'), made_by)}</figure>"
    )


def _files(stem: str, suffixes: Sequence[str], made_by: str) -> str:
    listed = " ".join(f'<a href="{escape(stem)}.{suffix}">{suffix}</a>' for suffix in suffixes)
    return (
        f'<p class="files"><code>{escape(stem)}</code> {listed}<br>made by <code>{escape(made_by)}</code></p>'
    )


def _absent_panels(manifests: list[Mapping[str, Any]]) -> str:
    """Every panel without a page, with the reason and the command that mends it; reasons are said once."""
    if not manifests:
        return ""
    reasons: dict[tuple[str, str], list[str]] = {}
    for manifest in manifests:
        for item in manifest["not_estimated"]:
            reasons.setdefault((item["needs"], item["get"]), []).append(manifest["title"])
    lines = []
    for (needs, get), names in reasons.items():
        said = f"{inline(needs)}. {inline(get)}" if get else inline(needs)
        lines.append(f"<dt><b>{escape(', '.join(names))}</b></dt><dd>{said}</dd>")
    heading = "<h2>Panels that are not on this machine</h2>"
    return f'<section id="{ABSENT}">\n{heading}\n<dl>{"".join(lines)}</dl>\n</section>'


def _hypotheses(claims: list[dict[str, Any]], manifests: list[Mapping[str, Any]]) -> str:
    if not claims:
        return ""
    titles = {manifest["name"]: manifest["title"] for manifest in manifests}
    lines = []
    for claim in claims:
        where = [
            f'<a href="#{anchor(name)}">{escape(titles[name])}</a>'
            for name in claim["estimated_in"]
            if name in titles
        ]
        where += [f"{escape(panel)}: {escape(said)}" for panel, said in claim["answers"].items()]
        cells = [
            f'<th scope="row">{escape(claim["id"])}</th>',
            f"<td>{escape(claim['statement'])}</td>",
            f'<td class="sign">{escape(claim["sign"]).replace("-", "−")}</td>',
            f"<td>{escape(claim['source'])}</td>",
            f"<td>{'<br>'.join(where) or 'not estimated'}</td>",
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", "Claim", "Sign", "Source", "Where"))
    return (
        '<section id="hypotheses">\n<h2>Hypotheses and where they are estimated</h2>\n'
        f'<div class="wide" {region("Hypotheses")}><table class="list"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{''.join(lines)}</tbody></table></div>\n</section>"
    )


def _left_open(claims: list[dict[str, Any]], manifests: list[Mapping[str, Any]]) -> str:
    names = {manifest["name"] for manifest in manifests}
    told = [item for manifest in manifests for item in manifest["not_estimated"]]
    by_what = {item["what"]: item for item in told}
    ids = {claim["id"] for claim in claims}
    entries = [(item["what"], "", item["needs"], item["get"]) for item in told if item["what"] not in ids]
    for claim in claims:
        absent = [name for name in claim["estimated_in"] if name not in names]
        item = by_what.get(claim["id"])
        if item is None and (claim["answers"] or len(absent) < len(claim["estimated_in"])):
            continue
        awaited = f"the study {', '.join(absent)}, which is not in this report"
        needs, get = (
            (item["needs"], item["get"]) if item else (awaited if absent else claim["needs"], claim["get"])
        )
        entries.append((claim["id"], claim["statement"], needs, get))
    lines = []
    for what, statement, needs, get in entries:
        get = f"<br><b>Get it:</b> {inline(get)}" if get else ""
        said = f" {escape(statement)}" if statement else ""
        lines.append(f"<dt><b>{escape(what)}</b>{said}</dt><dd><b>Needs:</b> {inline(needs)}{get}</dd>")
    body = f"<dl>{''.join(lines)}</dl>" if lines else "<p>Nothing was left open.</p>"
    return f'<section id="not-estimated">\n<h2>Not estimated, and what it needs</h2>\n{body}\n</section>'


def _sources(manifests: list[Mapping[str, Any]]) -> str:
    unique = {
        (source["panel"], source["raw_sha256"]): source
        for manifest in manifests
        for source in manifest["sources"]
    }
    lines = []
    for source in unique.values():
        mark = ' <span class="gvc-simulated">Simulated data</span>' if source["simulated"] else ""
        coverage = source["coverage"]
        facts = [
            ("Panel", source["panel"]),
            ("Source", f"{source['source_title']} ({source['source']}, {source['origin']})"),
            ("Licence", source["licence"]),
            ("Cite as", source["citation"]),
            ("Rows", count(coverage["rows"])),
            ("Years", f"{coverage['first_year']}–{coverage['last_year']}"),
            ("Countries", str(coverage["countries"])),
            ("Raw file", source["raw_file"]),
            ("SHA-256", source["raw_sha256"]),
        ]
        listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts)
        lines.append(f'<h3>{escape(source["title"])}{mark}</h3><dl class="facts">{listed}</dl>')
    body = "\n".join(lines) or "<p>No study names a source.</p>"
    return f'<section id="sources">\n<h2>Sources</h2>\n{body}\n</section>'


def _sample(sample: Mapping[str, Any]) -> str:
    counted = {"rows": sample["rows"], **sample["counts"]}
    counts = [f"{count(number)} {name}" for name, number in counted.items()]
    return f"{sample['label']}: {', '.join(counts)}."


def inline(text: str) -> str:
    """A paragraph's text with `code`, **bold** and *italic* as HTML, all else escaped."""
    parts = re.split(r"(`[^`]+`)", text)
    done = []
    for part in parts:
        if len(part) > 2 and part[0] == part[-1] == "`":
            done.append(f"<code>{escape(part[1:-1])}</code>")
            continue
        marked = escape(part)
        marked = re.sub(r"\*\*(\S(?:.*?\S)?)\*\*", r"<strong>\1</strong>", marked)
        done.append(re.sub(r"\*(\S(?:.*?\S)?)\*", r"<em>\1</em>", marked))
    return "".join(done)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingSourceError(
            "a study's manifest names this file, but it is not there",
            Place(path.name),
            "Run the study again.",
        ) from None
