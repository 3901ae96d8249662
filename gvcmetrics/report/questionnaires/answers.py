"""Made-up answers: what the firms of a simulated economy would have said, as KoboToolbox exports it."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError
from gvcmetrics.report.questionnaires.bank import NOT_KNOWN, Answered, Question, bank
from gvcmetrics.report.questionnaires.questionnaire import Questionnaire
from gvcmetrics.report.questionnaires.spec import DELIMITER

_STEPS = 5
_DECIMALS = {"decimal": 1, "integer": 0, "amount": 2}
_BEFORE = ("start", "end", "consent")
_AFTER = ("_id", "_uuid", "_submission_time", "_validation_status", "_notes", "_status", "_submitted_by",
          "__version__", "_tags", "_index")  # fmt: skip


def answer_file(survey: Questionnaire, firms: pd.DataFrame) -> str:
    """The answers of every firm-year as a CSV file of KoboToolbox's layout.

    A column of one's own score becomes a scale of five by its fifths. Where a question would not have been
    asked its answer is empty; what the frame does not know is answered by "does not know".

    Parameters
    ----------
    firms : a simulated frame that has the survey's columns.

    Raises
    ------
    DataError : the frame is not simulated, or lacks columns.
    """
    if not firms.attrs.get("simulated"):
        raise DataError(
            "these firms are not marked as simulated", remedy="Take those of gvc.simulate.economy."
        )
    lacks = [column.name for column in survey.columns if column.name not in firms.columns]
    if lacks:
        said = f"the frame has no column {', '.join(lacks)}"
        raise DataError(said, remedy="Take the firms of gvc.simulate.economy, or choose other hypotheses.")
    known: dict[str, pd.Series] = {}
    for column in survey.columns:
        known |= _said(column, firms[column.name].reset_index(drop=True))
    for question in survey.questions:
        if question.name not in known:
            known[question.name] = _gate(question, survey.questions, known)
    written: dict[str, pd.Series] = {}
    for question in survey.questions:
        written |= _written(question, known)
    return _file(written, len(firms))


def _said(column: Answered, values: pd.Series) -> dict[str, pd.Series]:
    """The answer of all to each question that a column is made of; gates follow."""
    asked = bank().questions[column.asks[-1]]
    if "from" not in column.spec:
        items = column.spec.get("any_of") or column.spec["all_of"]
        if "any_of" in column.spec:
            # One of the several is enough.
            return {item["from"]: values if place == 0 else values * 0 for place, item in enumerate(items)}
        return {item["from"]: 1 - values * (1 - item["equals"]) for item in items}
    if asked.answer == "text":
        return {asked.name: values.astype("string")}
    if asked.answer in bank().scales and asked.answer != "yes_no":
        return {asked.name: (values.rank(pct=True) * _STEPS).apply(np.ceil)}
    raw = values.astype(float) / column.spec.get("scale", 1)
    return {asked.name: raw.round(_DECIMALS.get(asked.answer, 0))}


def _gate(question: Question, asked: tuple[Question, ...], known: dict[str, pd.Series]) -> pd.Series:
    """Yes where what lies behind it is more than what it is for those who are not asked."""
    behind = [each for each in asked if each.when and each.when[0] == question.name and each.name in known]
    yes = pd.Series(1.0, index=known[behind[0].name].index)
    decides = [(known[each.name], each.otherwise[1]) for each in behind if each.otherwise]
    if not decides:
        return yes
    known_any = np.logical_or.reduce([values.notna() for values, _ in decides])
    more = np.logical_or.reduce([values.notna() & (values != nothing) for values, nothing in decides])
    return yes.where(more, 0.0).where(known_any)


def _written(question: Question, known: dict[str, pd.Series]) -> dict[str, pd.Series]:
    """The fields of a question as texts: the answer, and what it is for all."""
    values = known[question.name]
    texts = values.map(_text, na_action="ignore").astype("string").fillna(NOT_KNOWN)
    if question.when is None:
        return {question.name: texts}
    gate, rule = known[question.when[0]], question.when[1]
    asked = _holds(gate, rule)
    answer = texts.where(asked, "")
    if question.otherwise is None:
        return {question.name: answer}
    other = _holds(gate, question.otherwise[0])
    return {question.name: answer, question.field: answer.mask(other, _text(question.otherwise[1]))}


def _holds(values: pd.Series, rule: str) -> pd.Series:
    sign, number = rule.split()
    return values != float(number) if sign == "!=" else values == float(number)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    return str(int(number)) if number.is_integer() else repr(number)


def _file(fields: dict[str, pd.Series], rows: int) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=DELIMITER, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([*_BEFORE, *fields, *_AFTER])
    columns = [series.tolist() for series in fields.values()]
    for row in range(rows):
        began = "2000-01-01T09:00:00.000+00:00"
        tail = [
            row + 1,
            f"simulated-{row + 1}",
            "2000-01-01T10:00:00",
            "",
            "simulated",
            "",
            "",
            "1",
            "",
            row + 1,
        ]
        writer.writerow([began, began, "1", *(column[row] for column in columns), *tail])
    return out.getvalue()
