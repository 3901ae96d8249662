"""The questionnaire as blocks of text, which Markdown and Word write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from gvcmetrics.report.questionnaires.bank import Question, Texts, bank
from gvcmetrics.report.questionnaires.questionnaire import Questionnaire

CONSENT = {
    "en": "We ask firms about their customers and their work for a study. Answers are confidential, and you "
    "may leave out any of them. May we begin?",
    "es": "Preguntamos a empresas por sus clientes y su trabajo para un estudio. Las respuestas son "
    "confidenciales y puede omitir cualquiera. ¿Podemos empezar?",
}
_WORDS = {
    "title": ("Questions for a survey of firms: {ids}", "Preguntas para una encuesta de empresas: {ids}"),
    "about": (
        "{questions} questions whose answers decide on {ids}. Read the questions out as they stand. "
        "Those who do not know or do not want to answer are coded -9 and -8.",
        "{questions} preguntas cuyas respuestas deciden sobre {ids}. Léalas tal como están. "
        "A quien no sabe o no quiere responder se le codifica -9 y -8.",
    ),
    "over_time": (
        "{ids} compare the same firms over time: ask them in two years or more, under the same number.",
        "{ids} comparan las mismas empresas en el tiempo: pregúnteles en dos años o más, con igual número.",
    ),
    "asked_if": ("Only if {number} is {answer}.", "Solo si {number} es {answer}."),
    "but": ("any answer but {answer}", "cualquier respuesta salvo {answer}"),
    "counts_as": (
        "Where {number} is {answer} it counts as {value}.",
        "Si {number} es {answer}, vale {value}.",
    ),
    "text": ("Text: ______", "Texto: ______"),
    "integer": ("Whole number: ______ ({low} to {high})", "Número entero: ______ (de {low} a {high})"),
    "decimal": ("Percent: ______ ({low} to {high})", "Porcentaje: ______ (de {low} a {high})"),
    "amount": ("Amount in {currency}: ______", "Monto en {currency}: ______"),
    "hypotheses": ("What it is asked for", "Para qué se pregunta"),
    "claim": ("Claim", "Afirmación (en inglés)"),
    "becomes": ("What becomes of the answers", "En qué se convierten las respuestas"),
    "column": ("Column", "Columna"),
    "from": ("Questions", "Preguntas"),
    "measure": ("Measure (unit)", "Medida, en inglés (unidad)"),
    "for": ("For", "Para"),
    "source": ("Source of the item or scale", "Fuente del ítem o de la escala"),
    "everybody": ("all", "todas"),
    "not_asked": (
        "What no survey of firms can answer",
        "Lo que ninguna encuesta de empresas puede responder",
    ),
    "why": ("Why not", "Por qué no"),
    "partly": ("rules on {columns} are left out", "las reglas sobre {columns} quedan fuera"),
    "panel": ("From answers to verdicts", "De las respuestas a los veredictos"),
    "road": (
        "Export the answers as CSV with XML values and headers to raw/{name}.csv, fill in licence and "
        "citation in panels/{name}.yaml, put both into the data folder of a project, and run make all. The "
        "panel {name} and the verdicts follow without a line by hand.",
        "Exporte las respuestas como CSV con valores y encabezados XML a raw/{name}.csv, complete la "
        "licencia y la cita en panels/{name}.yaml, ponga ambos en la carpeta de datos de un proyecto y "
        "ejecute make all. El panel {name} y los veredictos salen sin escribir una línea a mano.",
    ),
    "rates": (
        "Amounts are in {currency}: put exchange rates into raw/{name}_rates.csv (currency, year, per_usd).",
        "Los montos están en {currency}: ponga los tipos de cambio en raw/{name}_rates.csv (currency, year, "
        "per_usd).",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 or 2."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Asked:
    """One question: its number, text, hint, answers to choose from or to write, and who is asked."""

    number: int
    text: str
    hint: str
    answers: tuple[str, ...]
    skip: str


@dataclass(frozen=True)
class Listing:
    """A table of texts."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Asked | Listing


def _said(key: str, language: str, **values: object) -> str:
    return _WORDS[key][language == "es"].format(**values)


def title(survey: Questionnaire) -> Texts:
    """The title in each language."""
    ids = ", ".join(each.claim.id for each in survey.needs)
    return {language: _said("title", language, ids=ids) for language in ("en", "es")}


def amount_hint(currency: str) -> Texts:
    """In which currency amounts are."""
    return {
        "en": f"In {currency}; -9 if not known, -8 if not answered.",
        "es": f"En {currency}; -9 si no sabe, -8 si no responde.",
    }


def blocks(survey: Questionnaire) -> list[Block]:
    """All that the document says, in its language."""
    return [*_opening(survey), *_asked(survey), *_becomes(survey), *_closing(survey)]


def _opening(survey: Questionnaire) -> Iterator[Block]:
    language = survey.language
    ids = ", ".join(each.claim.id for each in survey.needs)
    yield Heading(title(survey)[language], 1)
    yield Paragraph(_said("about", language, questions=len(survey.questions), ids=ids))
    if survey.over_time:
        over = ", ".join(each.claim.id for each in survey.needs if each.over_time)
        yield Paragraph(_said("over_time", language, ids=over))
    yield Heading(_said("hypotheses", language))
    rows = []
    for each in survey.needs:
        less = _said("partly", language, columns=", ".join(each.partly)) if each.partly else ""
        rows.append((each.claim.id, f"{each.claim.claim} {less}".strip()))
    yield Listing(("", _said("claim", language)), tuple(rows))
    yield Paragraph(CONSENT[language])


def _asked(survey: Questionnaire) -> Iterator[Block]:
    language = survey.language
    numbers = _numbers(survey)
    for section, questions in groupby(survey.questions, lambda question: question.section):
        yield Heading(bank().sections[section][language])
        for question in questions:
            yield Asked(
                number=numbers[question.name],
                text=question.text[language],
                hint=question.hint.get(language, ""),
                answers=_answers(survey, question),
                skip=_skip(question, numbers, language),
            )


def _numbers(survey: Questionnaire) -> dict[str, int]:
    return {question.name: number for number, question in enumerate(survey.questions, 1)}


def _answers(survey: Questionnaire, question: Question) -> tuple[str, ...]:
    scales = bank().scales
    if question.answer in scales:
        choices = scales[question.answer].choices
        return tuple(f"{code} {texts[survey.language]}" for code, texts in choices)
    low, high = (f"{limit:g}" for limit in question.limits or (0, 0))
    return (_said(question.answer, survey.language, low=low, high=high, currency=survey.currency),)


def _skip(question: Question, numbers: dict[str, int], language: str) -> str:
    if question.when is None:
        return ""
    gate = question.when[0]
    said = _said("asked_if", language, number=numbers[gate], answer=_answer(gate, question.when[1], language))
    if question.otherwise:
        rule, value = question.otherwise
        answer = _answer(gate, rule, language)
        said += " " + _said("counts_as", language, number=numbers[gate], answer=answer, value=f"{value:g}")
    return said


def _answer(gate: str, rule: str, language: str) -> str:
    """What a rule asks of the answer to a gate, as words."""
    sign, value = rule.split()
    scale = bank().scales.get(bank().questions[gate].answer)
    text = dict(scale.choices)[value][language] if scale else value
    return _said("but", language, answer=text) if sign == "!=" else text


def _becomes(survey: Questionnaire) -> Iterator[Block]:
    language, numbers = survey.language, _numbers(survey)
    yield Heading(_said("becomes", language))
    rows = []
    for column in survey.columns:
        described = survey.column(column.name)
        scales = {bank().questions[name].answer for name in column.asks} & set(bank().scales)
        sources = [column.source, *sorted(bank().scales[name].source for name in scales)]
        rows.append(
            (
                column.name,
                ", ".join(str(numbers[name]) for name in column.asks),
                f"{described.label} ({described.unit})",
                ", ".join(survey.needed_by(column.name)) or _said("everybody", language),
                "; ".join(source for source in sources if source),
            )
        )
    header = ("column", "from", "measure", "for", "source")
    yield Listing(tuple(_said(word, language) for word in header), tuple(rows))


def _closing(survey: Questionnaire) -> Iterator[Block]:
    language = survey.language
    if survey.not_asked:
        yield Heading(_said("not_asked", language))
        rows = tuple((each.claim.id, each.why_not[language == "es"]) for each in survey.not_asked)
        yield Listing(("", _said("why", language)), rows)
    yield Heading(_said("panel", language))
    yield Paragraph(_said("road", language, name=survey.name))
    if survey.needs_rates:
        yield Paragraph(_said("rates", language, name=survey.name, currency=survey.currency))
