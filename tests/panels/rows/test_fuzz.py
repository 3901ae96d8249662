"""Malformed files and specs thrown at the loader: `make test-fuzz`, more than 2,000 of them.

Whatever comes, the build either makes a whole panel or raises an error of gvcmetrics that names the file
in one line; no half of a file is left, and the earlier panel survives every error.
"""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import GvcError
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.store.stored import read_provenance

pytestmark = pytest.mark.fuzz

ROWS = 40
FRAME = pd.DataFrame(
    {
        "id": [f"firm {n}" for n in range(ROWS)],
        "year": [2018 + n % 3 for n in range(ROWS)],
        "workers": [n * 1.5 for n in range(ROWS)],
        "q1": [n % 3 for n in range(ROWS)],
        "town": ["Ibarra", "Cuenca, north", 'the "old" town', "Peñas"] * (ROWS // 4),
    }
)
SPEC = """\
title: Firms
contract: firm
source: {file: raw/FILE}
licence: none
citation: none
columns:
  country: {constant: ECU}
  firm_id: {from: id}
  year:
  region: {from: town, recode: {"Ibarra": "1", "Cuenca, north": "2", 'the "old" town': "3", "Peñas": null}}
  employment: {from: workers, scale: 2}
  upgrade_product: {any_of: [{from: q1, equals: 1}, {from: q1, in: [2], missing: ["-9"]}]}
notes: [one, two]
keys: [country, firm_id, year]
max_reject_share: 0
"""
SEEDS = st.integers(0, 2**32 - 1)


def fuzzing(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def text() -> bytes:
    return FRAME.to_csv(index=False).encode()


def through(folder: Path, name: str, write: Callable[[Path], None]) -> bytes:
    path = folder / name
    write(path)
    return path.read_bytes()


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.csv", content)
    return buffer.getvalue()


def sheet(folder: Path) -> bytes:
    def write(path: Path) -> None:
        FRAME.to_excel(path, index=False)

    return through(folder, "f.xlsx", write)


SAMPLES: dict[str, Callable[[Path], bytes]] = {
    "f.csv": lambda folder: text(),
    "f.tsv": lambda folder: FRAME.to_csv(index=False, sep="\t").encode(),
    "f.csv.gz": lambda folder: gzip.compress(text(), mtime=0),
    "f.zip": lambda folder: zipped(text()),
    "f.dta": lambda folder: through(folder, "f.dta", lambda path: pyreadstat.write_dta(FRAME, str(path))),
    "f.sav": lambda folder: through(folder, "f.sav", lambda path: pyreadstat.write_sav(FRAME, str(path))),
    "f.parquet": lambda folder: through(folder, "f.parquet", lambda path: FRAME.to_parquet(path)),
    "f.xlsx": sheet,
}


def spoil(content: bytes, chance: random.Random) -> bytes:
    """The content cut, overwritten, shuffled, doubled or strewn with bytes that mean something."""
    spoilt = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        at = chance.randrange(len(spoilt) + 1)
        length = chance.choice([1, 2, 8, 64, len(spoilt) // 3 + 1])
        kind = chance.randrange(7)
        if kind == 0:
            del spoilt[at:]
        elif kind == 1:
            del spoilt[at : at + length]
        elif kind == 2:
            spoilt[at : at + length] = bytes(len(spoilt[at : at + length]))
        elif kind == 3:
            spoilt[at : at + length] = chance.randbytes(min(length, len(spoilt) - at))
        elif kind == 4:
            start = chance.randrange(len(spoilt) + 1)
            spoilt[at:at] = spoilt[start : start + length]
        elif kind == 5:
            tokens = (
                b'"',
                b"\0",
                b",",
                b"\n",
                b"\r",
                b"\xff\xfe",
                b"\t",
                b";",
                b"-9",
                b"1e999",
                b"nan",
                b"=1+1",
            )
            spoilt[at:at] = chance.choice(tokens) * chance.choice([1, 1, 3, 300])
        elif at < len(spoilt):
            spoilt[at] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def state(project: Project) -> dict[str, bytes]:
    project.parquet.mkdir(exist_ok=True)
    return {path.name: path.read_bytes() for path in project.parquet.iterdir() if path.is_file()}


def attack(project: Project, spec: Path, named: str) -> None:
    """Build; either a whole panel is there, or a one-line error of ours and the earlier panel."""
    before = state(project)
    said = None
    try:
        build_panel(spec, project)
    except GvcError as error:
        said = str(error)
    after = state(project)
    target = project.panel_file(spec.stem)
    if said is None:
        assert pq.read_table(target).num_rows == read_provenance(target).coverage.rows > 0
    else:
        assert "\n" not in said
        assert any(name in said for name in (named, spec.name, "f.csv"))
        assert after.get(target.name) == before.get(target.name)
    # What a built panel's files were stands beside it; anything else that is hidden was left behind.
    hidden = {path.name for path in project.parquet.iterdir() if path.name.startswith(".")}
    assert hidden <= {f".{spec.stem}.inputs.json"}


@pytest.mark.parametrize("file", SAMPLES)
@fuzzing(220)
@given(seed=SEEDS)
def test_spoilt_files(project: Project, file: str, seed: int) -> None:
    raw, spec = project.raw / file, project.spec_file("firms")
    good = project.data.parent / f"good.{file}"
    if not good.exists():
        good.write_bytes(SAMPLES[file](project.data.parent))
        spec.write_text(SPEC.replace("FILE", file), encoding="utf-8")
        raw.write_bytes(good.read_bytes())
        build_panel(spec, project)
    chance = random.Random(seed)
    raw.write_bytes(spoil(good.read_bytes(), chance))
    attack(project, spec, file)


@fuzzing(60)
@given(seed=SEEDS, endings=st.permutations(list(SAMPLES)))
def test_files_under_a_wrong_ending(project: Project, seed: int, endings: list[str]) -> None:
    content = SAMPLES[endings[0]](project.data.parent)
    (project.raw / endings[1]).write_bytes(content if seed % 2 else spoil(content, random.Random(seed)))
    spec = project.spec_file("firms")
    spec.write_text(SPEC.replace("FILE", endings[1]), encoding="utf-8")
    attack(project, spec, endings[1])


@fuzzing(60)
@given(content=st.binary(max_size=400), file=st.sampled_from(list(SAMPLES)))
def test_any_bytes(project: Project, content: bytes, file: str) -> None:
    (project.raw / file).write_bytes(content)
    spec = project.spec_file("firms")
    spec.write_text(SPEC.replace("FILE", file), encoding="utf-8")
    attack(project, spec, file)


VALUES = (
    "1",
    "-1",
    "0",
    "1.5",
    "[]",
    "{}",
    "null",
    "true",
    "x",
    "''",
    "[x]",
    "{x: 1}",
    "'*'",
    "year",
    "1e400",
)
WORDS = (
    "from", "cell", "constant", "file_name", "cross", "any_of", "all_of", "by_label", "missing", "recode",
    "characters", "pad", "equals", "in", "at_least", "scale", "only_in", "optional", "type", "unit", "label",
    "minimum", "maximum", "note", "extends", "read", "layout", "keep", "money", "keys", "omit_empty",
    "requires", "renamed",
)  # fmt: skip


def spoil_spec(spec: str, chance: random.Random) -> str:
    lines = spec.splitlines()
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(lines)) if lines else 0
        kind = chance.randrange(7)
        if not lines or kind == 0:
            lines.insert(at, f"{chance.choice(WORDS)}: {chance.choice(VALUES)}")
        elif kind == 1:
            del lines[at]
        elif kind == 2:
            lines.insert(chance.randrange(len(lines)), lines[at])
        elif kind == 3 and "}" in lines[at]:
            added = f", {chance.choice(WORDS)}: {chance.choice(VALUES)}}}"
            lines[at] = lines[at][: lines[at].rindex("}")] + added
        elif kind == 4 and ": " in lines[at]:
            lines[at] = lines[at].split(": ", 1)[0] + ": " + chance.choice(VALUES)
        elif kind == 5:
            signs = [
                "\t",
                "&a ",
                "*a",
                "!!x ",
                "{",
                "}",
                "[",
                '"',
                "- ",
                ": ",
                "#",
                "\u2028",
                "%",
                "|\n",
                "\x07",
            ]
            column = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:column] + chance.choice(signs) + lines[at][column:]
        else:
            words = lines[at].replace(":", " : ").split(" ")
            words[chance.randrange(len(words))] = chance.choice([*WORDS, *VALUES])
            lines[at] = " ".join(words).replace(" : ", ":")
    return "\n".join(lines) + "\n"


@fuzzing(400)
@given(seed=SEEDS)
def test_spoilt_specs(project: Project, seed: int) -> None:
    (project.raw / "f.csv").write_bytes(text())
    spec = project.spec_file("firms")
    spec.write_text(spoil_spec(SPEC.replace("FILE", "f.csv"), random.Random(seed)), encoding="utf-8")
    attack(project, spec, "firms.yaml")


@fuzzing(100)
@given(
    content=st.binary(max_size=300) | st.text(max_size=300).map(lambda s: s.encode("utf-8", "surrogatepass"))
)
def test_any_spec(project: Project, content: bytes) -> None:
    spec = project.spec_file("firms")
    spec.write_bytes(content)
    attack(project, spec, "firms.yaml")
