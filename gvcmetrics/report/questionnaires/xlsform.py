"""The questionnaire as an XLSForm, which KoboToolbox and ODK read: sheets survey, choices, settings."""

from __future__ import annotations

from itertools import groupby

from gvcmetrics.report.questionnaires.bank import (
    LANGUAGES,
    NOT_ANSWERED,
    NOT_KNOWN,
    Question,
    Texts,
    bank,
)
from gvcmetrics.report.questionnaires.pages import CONSENT, amount_hint, title
from gvcmetrics.report.questionnaires.questionnaire import Questionnaire
from gvcmetrics.report.questionnaires.workbook import workbook

_TYPES = {"text": "text", "integer": "integer", "decimal": "decimal", "amount": "decimal"}
_WITHIN = {"en": "Between {low} and {high}.", "es": "Entre {low} y {high}."}
_TOLD = {
    "en": "Between {low} and {high}; -9 if not known, -8 if not answered.",
    "es": "Entre {low} y {high}; -9 si no sabe, -8 si no responde.",
}
_FORM = {"en": "Not of this form.", "es": "No tiene esta forma."}
_BY_LANGUAGE = ("label", "hint", "constraint_message")
_COLUMNS = (
    "type", "name", *(f"{column}::{said}" for column in _BY_LANGUAGE for said in LANGUAGES.values()),
    "required", "relevant", "constraint", "calculation", "default",
)  # fmt: skip


def document(survey: Questionnaire) -> bytes:
    """The .xlsx file's bytes."""
    settings = {
        "form_title": title(survey)[survey.language],
        "form_id": survey.name,
        "version": "1",
        "default_language": LANGUAGES[survey.language],
    }
    return workbook(
        {
            "survey": [list(_COLUMNS), *_survey(survey)],
            "choices": [
                ["list_name", "name", *(f"label::{said}" for said in LANGUAGES.values())],
                *_choices(survey),
            ],
            "settings": [list(settings), list(settings.values())],
        }
    )


def _survey(survey: Questionnaire) -> list[list[str]]:
    rows = [
        _row(type="start", name="start"),
        _row(type="end", name="end"),
        _row({"label": CONSENT}, type="select_one yes_no", name="consent", required="yes"),
    ]
    for section, asked in groupby(survey.questions, lambda question: question.section):
        group = f"g_{section}"
        label = {"label": bank().sections[section]}
        rows.append(_row(label, type="begin_group", name=group, relevant="${consent} = 1"))
        for question in asked:
            rows += _question(survey, question)
        rows.append(_row(type="end_group", name=group))
    return rows


def _question(survey: Questionnaire, question: Question) -> list[list[str]]:
    said = {"label": question.text}
    hint = amount_hint(survey.currency) if question.answer == "amount" else question.hint
    if hint:
        said["hint"] = hint
    words = {"type": _TYPES.get(question.answer, f"select_one {question.answer}"), "name": question.name}
    if question.limits:
        low, high = (f"{limit:g}" if abs(limit) < 1e6 else str(int(limit)) for limit in question.limits)
        # What names a row is known to the interviewer.
        sure = question.section == "interview"
        codes = "" if sure else f" or . = {NOT_KNOWN} or . = {NOT_ANSWERED}"
        words["constraint"] = f"(. >= {low} and . <= {high}){codes}"
        told = _WITHIN if sure else _TOLD
        said["constraint_message"] = {key: text.format(low=low, high=high) for key, text in told.items()}
    if question.matches:
        words["constraint"], said["constraint_message"] = f"regex(., '^{question.matches}$')", _FORM
    if question.when:
        words["relevant"] = _condition(question)
    if question.name == "country":
        words["default"] = survey.country
    rows = [_row(said, **words, required="yes")]
    if question.when and question.otherwise:
        other, value = question.otherwise
        rows.append(
            _row(
                type="calculate",
                name=question.field,
                calculation=f"if({_condition(question)}, ${{{question.name}}}, "
                f"if(${{{question.when[0]}}} {other}, {value:g}, ''))",
            )
        )
    return rows


def _condition(question: Question) -> str:
    """Who is asked, in XPath, where what was not asked is an empty text and so other than any number."""
    assert question.when
    gate, rule = f"${{{question.when[0]}}}", question.when[1]
    return f"{gate} {rule} and {gate} != ''" if rule.startswith("!=") else f"{gate} {rule}"


def _row(said: dict[str, Texts] | None = None, **words: str) -> list[str]:
    told = {
        f"{column}::{LANGUAGES[language]}": text
        for column, texts in (said or {}).items()
        for language, text in texts.items()
    }
    return [(words | told).get(column, "") for column in _COLUMNS]


def _choices(survey: Questionnaire) -> list[list[str]]:
    used = {"yes_no", *(question.answer for question in survey.questions)}
    return [
        [name, code, *(texts[language] for language in LANGUAGES)]
        for name, scale in bank().scales.items()
        if name in used
        for code, texts in scale.choices
    ]
