"""Variables that stand elsewhere than among the regressors too: their effect is more than it seems."""

from __future__ import annotations

from collections.abc import Sequence

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.data.formula import variables_of


def refuse_held(sample: EstimationSample, names: Sequence[str]) -> None:
    """Raise for a variable of the offset, or one with a slope in each group of an absorbed effect.

    Raises
    ------
    ModelError : it names the variable.
    """
    held = variables_of(sample.offset_name) if sample.offset_name else ()
    varying = {variable: columns for columns, variable in sample.formula.slopes}
    for name in names:
        if name in varying:
            raise ModelError(
                f"'{name}' has a slope of its own in each '{'^'.join(varying[name])}', which has no error",
                remedy=f"See fixed_effects(), or write i({varying[name][0]}, {name}) among the regressors",
            )
        if name in held:
            raise ModelError(
                f"'{name}' stands in the offset too, which stays as it is",
                remedy="Make the offset a column of its own, if its part in it is to stay",
            )
