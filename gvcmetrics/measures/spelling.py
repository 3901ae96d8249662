"""How a measure is called: its arguments checked, and a misspelt or former word told the right one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.measures.intake import taken

Options = ParamSpec("Options")
Result = TypeVar("Result")

FORMER = {
    "year": ("time",),
    "weight": ("weights",),
    "weights": ("elasticities", "of"),
    "firm": ("unit",),
    "unit": ("by",),
    "nation": ("by",),
    "local_system": ("region",),
    "size": ("value",),
    "labour": ("employment",),
    "functions": ("items",),
    **dict.fromkeys(("firms", "plants", "sales", "ties", "spells", "quotients"), ("frame",)),
}
"""What a parameter was called, and what it is called now where a measure has it."""


def spelt(measure: Callable[Options, Result]) -> Callable[Options, Result]:
    """The measure, with an error that names the right word for a wrong one; its signature stays in sight."""
    signature = inspect.signature(measure)
    parameters = signature.parameters
    kinds = [parameter.kind for parameter in parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return measure
    passes_on = inspect.Parameter.VAR_KEYWORD in kinds
    by_position = sum(kind is not inspect.Parameter.KEYWORD_ONLY for kind in kinds)
    name = measure.__name__

    @wraps(measure)
    def called(*args: Options.args, **options: Options.kwargs) -> Result:
        for word in () if passes_on else options.keys() - parameters.keys():
            new = next((now for now in FORMER.get(word, ()) if now in parameters), None)
            hint = f"It is called '{new}'." if new else did_you_mean(word, parameters)
            raise TypeError(f"{name} has no argument '{word}'. {hint}".strip())
        if len(args) > by_position and not passes_on:
            word = [*parameters, "nothing more"][by_position]
            raise TypeError(
                f"{name} takes {by_position} by position, and what follows by name: "
                f"write {word}=… for argument {by_position + 1}"
                if len(parameters) > by_position
                else f"{name} takes {by_position} arguments, and {len(args)} are given"
            )
        try:
            bound = signature.bind(*args, **options)
        except TypeError:
            return measure(*args, **options)
        bound.arguments.update(taken(name, parameters, bound.arguments))
        return measure(*bound.args, **bound.kwargs)

    # Where it is found by name, also by pickle.
    called.__module__ = "gvcmetrics.measures"
    return called
