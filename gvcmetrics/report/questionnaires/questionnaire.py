"""What is asked, for which hypotheses, and what the answers become, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from gvcmetrics.panels.contracts import CONTRACTS, Column
from gvcmetrics.report.questionnaires.bank import FRAME, Answered, Question, bank
from gvcmetrics.report.questionnaires.needs import Need


@dataclass(frozen=True, repr=False)
class Questionnaire:
    """A questionnaire module as data: what is asked, for which hypotheses, and what the answers become.

    Attributes
    ----------
    needs : the hypotheses chosen, with the columns that each needs.
    not_asked : the project's other hypotheses that no survey of firms can answer, with the reason.
    language : of the documents; the form has both. currency : of amounts.
    country : that the form begins with. name : of the form, its answers and the panel.
    """

    needs: tuple[Need, ...]
    not_asked: tuple[Need, ...]
    language: str
    currency: str
    country: str
    name: str

    @property
    def columns(self) -> tuple[Answered, ...]:
        """Columns of the panel, in the bank's order; what is asked for the sake of others comes along."""
        wanted = {*FRAME, *(column for each in self.needs for column in each.columns)}
        known = bank().columns
        asked = {name for column in wanted for name in known[column].asks}
        return tuple(
            column for name, column in known.items() if name in wanted or asked.issuperset(column.asks)
        )

    @property
    def questions(self) -> tuple[Question, ...]:
        """Questions in the order in which they are asked."""
        asked = {name for column in self.columns for name in column.asks}
        return tuple(question for name, question in bank().questions.items() if name in asked)

    @property
    def over_time(self) -> bool:
        """Whether a hypothesis needs the same firms in several years."""
        return any(each.over_time for each in self.needs)

    @property
    def needs_rates(self) -> bool:
        """Whether amounts are asked in another currency than the panel's."""
        return self.currency != "USD" and any(each.answer == "amount" for each in self.questions)

    def needed_by(self, column: str) -> tuple[str, ...]:
        """The hypotheses that need a column."""
        return tuple(each.claim.id for each in self.needs if column in each.columns)

    def column(self, name: str) -> Column:
        """A column of the panel as the contract, or the bank where the contract has none, describes it."""
        known = CONTRACTS["firm"].columns
        return known[name] if name in known else Column(name, **bank().columns[name].own)  # type: ignore[arg-type]

    def __str__(self) -> str:
        chosen = ", ".join(each.claim.id for each in self.needs)
        said = f"{len(self.questions)} questions for {chosen}, which become {len(self.columns)} columns"
        if self.over_time:
            over = ", ".join(each.claim.id for each in self.needs if each.over_time)
            said += f"\n{over}: ask the same firms in two years or more"
        reasons = dict.fromkeys(each.why_not[0] for each in self.not_asked if each.why_not)
        for why in reasons:
            ids = ", ".join(
                each.claim.id for each in self.not_asked if each.why_not and each.why_not[0] == why
            )
            said += f"\n{ids} cannot be asked of firms: {why}"
        return said

    __repr__ = __str__
