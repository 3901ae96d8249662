"""A hypothesis as data: the schema of an entry of `hypotheses.yaml`.

Nothing in an entry is evaluated: constructs are named from a closed vocabulary, models from the registry,
and a rule says with one word which values of an effect the claim allows. `reader.py` reads and refuses.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Contract = Literal["firm", "trade", "cluster"]
Measure = Literal[
    "all_of",
    "any_of",
    "before",
    "buyer_hhi",
    "cluster_dispersion",
    "cluster_largest_share",
    "cluster_mean",
    "column",
    "completeness",
    "differentiated_share",
    "equals",
    "from_panel",
    "governance",
    "growth",
    "less_than_one",
    "location_quotient",
    "log",
    "market_share",
    "mean_z",
    "outpaces",
    "positive",
    "ratio",
    "relative_unit_value",
    "rises",
    "rival_share",
    "sectoral_pattern",
    "share_in_panel",
    "share_in_region",
    "share_of",
    "square",
    "starts",
    "value_chain",
    "years_in_a_row",
]
Model = Literal[
    "fractional_logit",
    "joint_probit",
    "logit",
    "multinomial_logit",
    "ols",
    "poisson",
    "probit",
    "share",
]
Scale = Literal["probability", "outcome", "standard_deviations", "log_points", "correlation", "share"]
Sign = Literal["positive", "negative", "zero", "not_negative", "not_positive", "differs", "below", "above"]
Effects = Literal["pooled", "fixed", "random", "correlated", "correlated_pooled"]

NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
Names = str | tuple[str, ...]


def listed(names: Names) -> tuple[str, ...]:
    """One name or several as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


class Part(BaseModel):
    """A part of an entry: unknown keys are mistakes, and nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Construct(Part):
    """One measure by name, with its arguments.

    Attributes
    ----------
    of : columns of the panel, or other constructs of the entry.
    value : for `equals`, the value or values that count; for shares, those whose share it is (of
        `rival_share` the country); for `value_chain`, the measure; for `from_panel`, the column.
    by : for measures of a cluster, the columns that make one; for `share_in_panel` and `from_panel`, those
        that both panels have.
    panel, among : another panel beside this one, and the column of it that has the values.
    meaning : what it stands for, said beside the result wherever this alternative is used.
    """

    measure: Measure
    of: Names = ()
    value: str | float | tuple[str, ...] | None = None
    by: tuple[str, ...] = ("cluster_id",)
    panel: str = ""
    among: str = ""
    meaning: str = ""


class Equation(Part):
    """One model of the claim.

    Attributes
    ----------
    outcome : a construct or column; two to four of a joint probit.
    regressors : of interest; `a:b` is an interaction, whose main effects come with it.
    given : controls without which the equation would mean something else.
    controls : used where a panel has them, named in the result where it has not.
    scale : of the reported effect.
    """

    name: str = Field(pattern=NAME)
    model: Model
    outcome: Names
    regressors: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    scale: Scale


class Target(Part):
    """Effects of one equation: of which regressors, on which outcome."""

    equation: str | None = None
    outcome: str | None = None
    of: Names = ()


class Rule(Target):
    """Which values of an effect, or of a difference of two, the claim allows.

    Attributes
    ----------
    less : the effect that is taken from the first.
    sign : the values that the claim allows.
    bound : how large an effect must be to matter, on the scale of the equation.
    where_present : whether the claim can be examined without this rule, where a panel lacks its columns.
    """

    less: Target | None = None
    sign: Sign
    bound: float | None = None
    where_present: bool = False


class TreatedAs(Part):
    """The treatment of unit effects, in a panel and in a cross-section."""

    panel: Effects = "correlated_pooled"
    cross_section: Literal["pooled"] = "pooled"


class Errors(Part):
    """Standard errors by the number of clusters.

    Attributes
    ----------
    cluster : columns, the first that a panel has in enough groups.
    crv3_below : with fewer clusters, each is left out in turn (CRV3).
    bootstrap_below : with fewer still, p-values of zero effects are those of the wild cluster bootstrap.
    at_least : with fewer clusters nothing is estimated.
    """

    cluster: tuple[str, ...] = ("cluster_id", "region", "industry")
    crv3_below: int = 40
    bootstrap_below: int = 15
    at_least: int = 5


class Family(Part):
    """The hypotheses that are tested together, and how their p-values allow for that."""

    name: str = Field(pattern=NAME)
    method: Literal["holm", "benjamini_hochberg"] = "holm"


class Claim(Part):
    """One hypothesis.

    Attributes
    ----------
    claim : in words of one's own, never a sentence of the document.
    document, section : where it is made. mark : made there, in later literature, or proposed here.
    contract : the kind of panel that it speaks of.
    constructs : name → a measure, or alternatives of which the first that a panel has the columns for is
        used and named.
    expect : the rules, all of which the claim says.
    get : where the columns that most panels lack are to be had.
    estimated_in : studies that estimate it, or a part of it, in another way.
    """

    id: str = Field(pattern=NAME)
    claim: str = Field(min_length=10)
    document: str = Field(min_length=1)
    section: str = ""
    mark: Literal["document", "literature", "proposed"] = "document"
    contract: Contract
    constructs: dict[str, Construct | tuple[Construct, ...]] = {}
    equations: tuple[Equation, ...] = Field(min_length=1)
    expect: tuple[Rule, ...] = Field(min_length=1)
    effects: TreatedAs = TreatedAs()
    errors: Errors = Errors()
    family: Family
    get: str = Field(min_length=1)
    estimated_in: tuple[str, ...] = ()

    def alternatives(self, name: str) -> tuple[Construct, ...]:
        """The ways to make a construct; none where the name is that of a column."""
        made = self.constructs.get(name, ())
        return (made,) if isinstance(made, Construct) else made

    def equation(self, name: str | None) -> Equation:
        """The equation of a name; the first where none is given."""
        return next(each for each in self.equations if name is None or each.name == name)

    def target(self, rule: Target) -> tuple[Equation, str | None, tuple[str, ...]]:
        """Equation, outcome where there are several, and regressors that a rule speaks of."""
        equation = self.equation(rule.equation)
        return equation, rule.outcome, listed(rule.of) or equation.regressors[:1]


ENTRIES = TypeAdapter(tuple[Claim, ...])


def schema() -> dict[str, Any]:
    """The JSON Schema of a file of hypotheses, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ENTRIES.json_schema()}


def describe(claim: Claim, rule: Rule) -> str:
    """A rule as words, which also names it in results."""
    equation, outcome, of = claim.target(rule)
    first = _effect(equation, outcome, of)
    if rule.less is not None:
        first += f" less {_effect(*claim.target(rule.less))}"
    bound = "" if rule.bound is None else f"{rule.bound:g}"
    words = {
        "zero": f"within ±{bound}",
        "not_negative": f"above −{bound}",
        "not_positive": f"below {bound}",
        "differs": f"not all within ±{bound}",
        "below": f"below {bound}",
        "above": f"above {bound}",
    }
    return f"{first}: {words.get(rule.sign, rule.sign)}"


def _effect(equation: Equation, outcome: str | None, of: tuple[str, ...]) -> str:
    left = outcome or ", ".join(listed(equation.outcome))
    if equation.scale == "correlation":
        return f"correlation of {left}"
    if equation.scale == "share":
        return f"share of {left}"
    return f"{left} ← {', '.join(of)}"
