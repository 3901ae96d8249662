"""The text of a draft: the lines of a spec with their reasons, and what is to be decided."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from gvcmetrics.panels.classifications import HS_YEARS
from gvcmetrics.panels.contracts import Contract
from gvcmetrics.panels.draft.columns import RawColumn, RawSample
from gvcmetrics.panels.draft.match import Proposal, is_exact
from gvcmetrics.panels.draft.preset import PresetMatch
from gvcmetrics.panels.draft.values import fitting_lists, quoted
from gvcmetrics.panels.draft.words import plain_words
from gvcmetrics.panels.sources.catalogue import catalogue
from gvcmetrics.panels.spec.blanks import BLANK, MARK

_DOLLAR_COUNTRIES = ("ECU", "FSM", "MHL", "PAN", "PLW", "SLV", "TLS", "USA")
_COMMENT_AT, _WIDTH = 44, 100
_LABEL = 64
_LISTED = 40
# HS5 came into force in 2017.
HS_STARTS = {name: ("19" if years[2] == "9" else "20") + years[2:] for years, name in HS_YEARS.items()}
_RATES = "rates: a CSV file in data/ with currency,year,per_usd"


@dataclass(frozen=True)
class Found:
    """What was found in a raw file.

    Attributes
    ----------
    years : of variables that have a column a year.
    rest : the raw columns without a proposal.
    unique : raw columns that tell all rows apart, where no column names the firm.
    """

    sample: RawSample
    country: str
    contract: Contract
    preset: PresetMatch | None
    proposals: tuple[Proposal, ...]
    years: tuple[str, ...]
    rest: tuple[RawColumn, ...]
    unique: tuple[str, ...] = ()

    @property
    def proposed(self) -> dict[str, str]:
        """The panel columns that the draft maps, and what each is read from."""
        mapped = {name: ", ".join(raws) for name, raws in (self.preset.mapped if self.preset else {}).items()}
        mapped |= {item.name: item.raw.name for item in self.proposals}
        if self.years:
            mapped["year"] = "the years in the names"
        if self.contract.name == "firm":
            mapped.setdefault("country", "--country")
        for name, crossed in self.contract.crossed.items():
            if mapped.keys() >= set(crossed):
                mapped.setdefault(name, " × ".join(crossed))
        return mapped


@dataclass(frozen=True)
class Line:
    """One line of a draft.

    Attributes
    ----------
    key, why : of a line that a person must decide or fill in, what it is on and why; "" of all others.
    """

    text: str
    key: str = ""
    why: str = ""


def draft_lines(found: Found, name: str, file: str, entry: str | None) -> list[Line]:
    """The YAML of a draft.

    Parameters
    ----------
    file : the raw file's path in the data folder.
    entry : the file's name in the catalogue, if it is there; title, licence and citation are known then.
    """
    sample = found.sample
    read = f"{sample.rows:,} rows" if sample.whole else f"the first {sample.rows:,} rows"
    head = [
        f"# Draft by `gvcmetrics panel new` from {sample.name}: {read}, {len(sample.columns):,} columns.",
        f"# Decide every line marked `#?`, fill in every `{BLANK}`, and then run",
        f"#   gvcmetrics panel check data/panels/{name}.yaml",
        "",
    ]
    lines = [Line(text) for text in head]
    if entry is None:
        lines.append(_line("title", BLANK, "what the panel is, in one line", sure=False))
    else:
        lines.append(_line("title", json.dumps(catalogue()[entry].title, ensure_ascii=False)))
    if found.preset:
        why = f"{len(found.preset.mapped)} columns are named as in this layout"
        lines.append(_line("extends", found.preset.name, why))
    else:
        lines.append(
            _line("contract", found.contract.name, f"columns that a {found.contract.name} panel has")
        )
    if entry is not None:
        lines.append(_line("source", entry, "licence and citation are in the catalogue"))
    else:
        lines.append(_line("source", f"{{file: {_path(file)}}}"))
        lines.append(_line("licence", BLANK, "of the data, as in CC BY 4.0; `unknown` if it is", sure=False))
        lines.append(_line("citation", BLANK, "how the data want to be cited", sure=False))
    if sample.read:
        words = ", ".join(f"{key}: {_read_word(value)}" for key, value in sample.read.items())
        lines.append(_line("read", f"{{{words}}}", "how the text file is written"))
    lines += _missing(found) + _money(found)
    if found.years:
        values = f"{{name: year, values: [{', '.join(found.years)}]}}"
        lines += [Line("layout:"), _line("  wide_to_long", values, "columns by year become rows")]
    return [*lines, Line(""), Line("columns:"), *_columns(found), *_rest(found)]


def _columns(found: Found) -> list[Line]:
    lines = []
    if found.preset and found.preset.mapped:
        said = f"  # The preset `{found.preset.name}` maps these; a column stated here replaces its line:"
        lines.append(Line(said))
        labels = {column.name: column.label for column in found.sample.columns}
        for name, raws in found.preset.mapped.items():
            if name in found.preset.unlabelled:
                continue
            label = labels.get(raws[0], "")
            said = f"  “{_short(label)}”" if label else ""
            lines.append(Line(f"  #   {name} ← {', '.join(raws)}{said}"))
        why = "codes: the file has no value labels, by which the preset reads the column"
        for name in found.preset.unlabelled:
            raw = quoted(found.preset.mapped[name][0])
            lines.append(_line(f"  {name}", f"{{from: {raw}, by_label: false}}", why, sure=False))
    known = {item.name for item in found.proposals} | set(found.preset.mapped if found.preset else ())
    proposals = {item.name: item for item in found.proposals}
    for key, blank in _keys(found).items():
        if key not in known:
            lines.append(blank)
    if found.years:
        lines.append(Line("  year:"))
    order = [name for name in found.contract.columns if name in proposals]
    order += [name for name in proposals if name not in found.contract.columns]
    return lines + [_proposed(proposals[name], found) for name in order]


def _keys(found: Found) -> dict[str, Line]:
    """The lines for keys and what else is required, where no raw column was found for it."""
    code = found.country
    if found.contract.name == "firm":
        why = "no column names the firm in every row"
        if found.unique:
            why += f"; none has a value twice in {', '.join(found.unique)}"
        lines = {
            "country": _line("  country", f"{{constant: {code}}}", "--country"),
            "firm_id": _line("  firm_id", f"{{from: {BLANK}}}", why, sure=False),
        }
    elif found.contract.name == "trade":
        lines = {
            "exporter": _line(
                "  exporter", f"{{constant: {code}}}", "--country; no column says it", sure=False
            ),
            "importer": _line(
                "  importer", "{constant: WLD}", "no column says it: all countries", sure=False
            ),
            "product_classification": _classification(found),
        }
    else:
        lines = {
            key: _line(f"  {key}", f"{{from: {BLANK}}}", "no column was found for it", sure=False)
            for key in found.contract.keys
            if key != "year"
        }
    if not found.years:
        dated = re.findall(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])", found.sample.name)
        year = f'"{dated[0]}"' if len(dated) == 1 else BLANK
        why = "read off the file's name" if len(dated) == 1 else "no column holds the year"
        lines["year"] = _line("  year", f"{{constant: {year}}}", why, sure=False)
    return lines


def _classification(found: Found) -> Line:
    """Which classification the product codes are of, by the codes themselves."""
    item = next((item for item in found.proposals if item.name == "product"), None)
    codes = [] if item is None else item.raw.answers
    if item is not None and "pad" in item.words:
        codes = [code.zfill(int(item.words["pad"])) for code in codes]
    fitting = fitting_lists(codes, "HS") or fitting_lists(codes, "SITC") if codes else []
    named = [f"{name} ({HS_STARTS[name]})" if name in HS_STARTS else name for name in fitting]
    if len(fitting) == 1:
        why = f"the classification whose list has most of the codes: {named[0]}"
    else:
        why = (
            f"the lists of {', '.join(named)} have most of the codes" if fitting else "as in HS5, HS6, SITC2"
        )
    value = fitting[0] if len(fitting) == 1 else BLANK
    return _line("  product_classification", f"{{constant: {value}}}", why, sure=False)


def _proposed(item: Proposal, found: Found) -> Line:
    words = {"from": quoted(item.raw.name), **item.words}
    doubts = [item.doubt] if item.doubt else []
    if item.rivals:
        doubts.append(f"or {', '.join(item.rivals)}")
    if found.years and not item.raw.years and not item.column.fixed:
        doubts.append(f"one value for all years: `only_in: [{found.years[-1]}]`?")
    codes = [code for code in item.raw.missing_codes if code not in _shared_codes(found)]
    if codes:
        every = [*_shared_codes(found), *codes]
        words["missing"] = "[" + ", ".join(json.dumps(code) for code in ("", "NA", *every)) + "]"
    words |= {key: quoted(value) if key != "minimum" else value for key, value in item.added.items()}
    value = "{" + ", ".join(f"{key}: {word}" for key, word in words.items()) + "}"
    label = f"“{_short(item.raw.label)}”" if item.raw.label else ""
    why = label if item.by_label else f"{item.why} {label}".rstrip()
    sure = item.sure and not doubts
    return _line(f"  {item.name}", value, "; ".join([why, *doubts]), sure)


def _shared_codes(found: Found) -> list[str]:
    """Negative codes for no answer, which hold for the whole file."""
    return sorted(
        {code for item in found.proposals for code in item.raw.missing_codes if code.startswith("-")}
    )


def _missing(found: Found) -> list[Line]:
    codes = _shared_codes(found)
    if found.preset or not codes:
        return []
    listed = ", ".join(json.dumps(code) for code in ("", "NA", *codes))
    return [_line("missing", f"[{listed}]", "the only negative values of their columns", sure=False)]


def _money(found: Found) -> list[Line]:
    amounts = [item for item in found.proposals if item.column.unit == "USD"]
    required = found.preset is not None and "money" in found.preset.required
    if not required and not amounts:
        return []
    if not required and all({"usd", "dollars", "dolares"} & set(_said(item.raw)) for item in amounts):
        return []
    if found.country in _DOLLAR_COUNTRIES or found.contract.name == "trade":
        place = (
            "trade is in USD as a rule"
            if found.contract.name == "trade"
            else f"{found.country} uses the US dollar"
        )
        why = f"{place}; amounts in thousands need `scale: 1000`"
        return [_line("money", "{currency: USD}", why, sure=False)]
    value = f"{{currency: {BLANK}, rates: {BLANK}}}"
    return [_line("money", value, f"currency as in EUR; {_RATES}", sure=False)]


def _said(raw: RawColumn) -> tuple[str, ...]:
    return (*plain_words(raw.name), *plain_words(raw.label))


def _rest(found: Found) -> list[Line]:
    """The raw columns without a proposal, as comments, by what they hold."""
    if not found.rest:
        return []
    absent = [name for name in found.contract.columns if name not in found.proposed]
    kinds: dict[str, Callable[[RawColumn], bool]] = {
        "named as a panel column, whose values these are not": lambda raw: any(
            is_exact(raw, name) for name in absent
        ),
        "empty": lambda raw: not raw.filled,
        "a column a year": lambda raw: bool(raw.years),
        "two answers": lambda raw: raw.distinct == 2,
        "one value": lambda raw: raw.distinct == 1,
        "numbers": lambda raw: raw.is_number,
        "texts": lambda raw: True,
    }
    groups: dict[str, list[RawColumn]] = {kind: [] for kind in kinds}
    for raw in found.rest:
        groups[next(kind for kind, holds in kinds.items() if holds(raw))].append(raw)
    lines = [
        "",
        "# Not proposed, because neither name nor label nor values say what it is. An answer becomes 0/1 by",
    ]
    lines.append("#   upgrade_product: {any_of: [{from: q1, equals: 1}, {from: q2, equals: 1}]}")
    for kind, raws in groups.items():
        shown = [f"{raw.name} “{_short(raw.label)}”" if raw.label else raw.name for raw in raws[:_LISTED]]
        if len(raws) > _LISTED:
            shown.append(f"and {len(raws) - _LISTED:,} more")
        if raws:
            text = f"{kind}: {', '.join(shown)}"
            lines += textwrap.wrap(
                text, _WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False
            )
    return [Line(text) for text in lines]


def _line(key: str, value: str, comment: str = "", sure: bool = True) -> Line:
    text = f"{key}: {value}"
    if not comment:
        return Line(text)
    # What is to be filled in needs no mark beside: it would stay when the line is right.
    text = f"{text:{_COMMENT_AT}}  {'#' if sure or BLANK in value else MARK} {comment}"
    return Line(text) if sure else Line(text, key.strip(), comment)


def _short(label: str) -> str:
    label = " ".join(label.split())
    return label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…"


def _path(path: str) -> str:
    return path if re.fullmatch(r"[\w./-]+", path) else json.dumps(path, ensure_ascii=False)


def _read_word(value: str) -> str:
    return value if re.fullmatch(r"[\w-]+", value) else json.dumps(value)
