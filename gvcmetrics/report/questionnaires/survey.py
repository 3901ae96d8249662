"""The questionnaire of some hypotheses, and all that is written of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gvcmetrics.claims.claim import Claim
from gvcmetrics.claims.run import claims_of, find_claim
from gvcmetrics.errors import DataError, Place, SpecError
from gvcmetrics.ground.files import write_atomic
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.project import Project
from gvcmetrics.report.questionnaires.answers import answer_file
from gvcmetrics.report.questionnaires.bank import LANGUAGES, bank
from gvcmetrics.report.questionnaires.needs import Need, need
from gvcmetrics.report.questionnaires.questionnaire import Questionnaire
from gvcmetrics.report.questionnaires.spec import spec_text

_NAME = r"[a-z][a-z0-9_]*"


class Survey(Questionnaire):
    """A questionnaire module that saves itself as documents, a form, a spec, and made-up answers."""

    def save(self, folder: str | Path) -> list[Path]:
        """Write the questionnaire (.md, .docx), the form (.xlsx) and the spec of its answers.

        The same survey gives the same bytes. The spec, in the folder `panels`, reads `raw/NAME.csv`, the
        answers as KoboToolbox exports them.

        Raises
        ------
        DataError : the folder is a file.
        """
        # Word is slow to import, and only saving needs it.
        from gvcmetrics.report.questionnaires import markdown, word, xlsform
        from gvcmetrics.report.questionnaires.pages import blocks

        folder = _folder(folder)
        written = [
            write_atomic(folder / f"{self.name}.md", markdown.document(blocks(self))),
            write_atomic(folder / f"{self.name}.docx", word.document(blocks(self))),
            write_atomic(folder / f"{self.name}.xlsx", xlsform.document(self)),
            write_atomic(folder / "panels" / f"{self.name}.yaml", spec_text(self)),
        ]
        (folder / "raw").mkdir(exist_ok=True)
        return written

    def save_answers(self, firms: pd.DataFrame, folder: str | Path) -> list[Path]:
        """Write made-up answers, as KoboToolbox would export them, and the spec that reads them.

        Both are named NAME_simulated, and the panel says that it is simulated.

        Parameters
        ----------
        firms : a frame of a simulated economy with the survey's columns, as `gvc.simulate.economy().firms`.

        Raises
        ------
        DataError : the frame is not simulated, or lacks columns; they are named.
        """
        folder, name = _folder(folder), f"{self.name}_simulated"
        raw = folder / "raw" / f"{name}.csv"
        written = [
            write_atomic(raw, answer_file(self, firms)),
            write_atomic(folder / "panels" / f"{name}.yaml", spec_text(self, simulated=True)),
        ]
        if self.needs_rates:
            years = sorted({int(year) for year in firms["year"]})
            rates = "".join(f"{self.currency},{year},1\n" for year in years)
            path = folder / "raw" / f"{name}_rates.csv"
            written.append(write_atomic(path, f"currency,year,per_usd\n{rates}"))
        return written


def survey(
    hypotheses: str | Sequence[str] = (),
    *,
    language: str = "en",
    currency: str = "USD",
    country: str = "",
    name: str = "survey",
    path: str | Path | None = None,
    project: Project | None = None,
) -> Survey:
    """The questions that let a survey of firms answer hypotheses, and what becomes of the answers.

    For each construct of a hypothesis the first of its measures is taken that questions can give. Gates and
    the questions behind them, controls, and what names a row and its cluster come along.

    Parameters
    ----------
    hypotheses : ids, as in ["H1", "H2"]; all that a survey of firms can ask if none is named.
    language : `en` or `es`, of the documents; the form has both.
    currency : of the amounts that are asked, ISO 4217; other than USD, the panel needs exchange rates.
    country : ISO3 code that the form begins with.
    name : of the form, of the file of answers and of the panel.
    path : the file of hypotheses, by default that of the project.

    Returns
    -------
    Survey : `questions`, `columns`, `save(folder)`, `save_answers(firms, folder)`.

    Raises
    ------
    SpecError : an unknown hypothesis or language; a hypothesis that no firm can answer, and why; a name,
        currency or country that is none.
    """
    if language not in LANGUAGES:
        remedy = did_you_mean(language, LANGUAGES, f"Write one of {', '.join(LANGUAGES)}.")
        raise SpecError(f"there is no questionnaire in the language '{language}'", remedy=remedy)
    _checked(name, _NAME, "name of a survey", "Small letters, digits and underscores, a letter first.")
    _checked(currency, "[A-Z]{3}", "currency", "Write the three letters of ISO 4217, as in PEN.")
    _checked(country, "([A-Z]{3})?", "country", "Write the three letters of ISO 3166, as in PER.")
    claims = claims_of(path, project)
    wanted = [hypotheses] if isinstance(hypotheses, str) else list(dict.fromkeys(hypotheses))
    found = {each.claim.id: each for each in (need(claim, bank().columns) for claim in claims)}
    chosen = [find_claim(one, claims) for one in wanted] or _askable(claims, found)
    for claim in chosen:
        _refuse(found[claim.id], found)
    return Survey(
        needs=tuple(found[claim.id] for claim in chosen),
        not_asked=tuple(each for each in found.values() if each.why_not),
        language=language,
        currency=currency,
        country=country,
        name=name,
    )


def _askable(claims: Sequence[Claim], found: dict[str, Need]) -> list[Claim]:
    return [claim for claim in claims if not found[claim.id].why_not]


def _refuse(one: Need, found: dict[str, Need]) -> None:
    if one.why_not:
        others = ", ".join(name for name, each in found.items() if not each.why_not)
        problem = f"{one.claim.id} cannot be asked of firms, since {one.why_not[0]}"
        raise SpecError(problem, remedy=f"Leave it out; a survey of firms can ask {others}.")


def _checked(given: str, pattern: str, what: str, remedy: str) -> None:
    if not re.fullmatch(pattern, given):
        raise SpecError(f"'{given}' is no {what}", remedy=remedy)


def _folder(folder: str | Path) -> Path:
    folder = Path(folder)
    if folder.is_file():
        raise DataError("this is a file, not a folder", Place(folder.name), "Name a folder to write into.")
    return folder
