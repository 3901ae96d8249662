"""Results taken elsewhere: to a dictionary, to LaTeX and HTML, beside their rows, into a file and back."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.frames import frame_of
from gvcmetrics.models.results.latex import summary_latex
from gvcmetrics.models.results.summary import summary_html

# They hold functions, which no file can keep; the call that is kept makes them again.
_MADE_AGAIN = ("sample", "inference", "codes", "predictor", "quadrature", "renewed")


class Carried:
    """What takes estimates elsewhere; mixed into `Results`."""

    def to_dict(self: Any) -> dict[str, Any]:
        """Numbers and facts in Python's own types, as JSON has them: parameters by name, statistics, call."""
        terms = self.tidy().replace({np.nan: None}).to_dict("records")
        return {
            "model": self.model,
            "outcome": self.outcome,
            "formula": self.formula,
            "effects": self.effects,
            "absorbed": list(self.absorbed),
            "nobs": int(self.nobs),
            "df": None if np.isinf(self.df) else float(self.df),
            "loglik": None if self.loglik is None else float(self.loglik),
            "converged": bool(self.converged),
            "vcov": self.vcov_label,
            "n_clusters": {name: int(count) for name, count in self.n_clusters.items()},
            "dropped": {reason: int(count) for reason, count in self.dropped.items()},
            "parameters": {row.pop("term"): row for row in terms},
            "statistics": {
                key: None if np.isnan(value) else float(value) for key, value in self.statistics.items()
            },
            "notes": [*self.notes],
            "call": self.call,
        }

    def to_latex(self: Any) -> str:
        """The estimates as a `tabular` of LaTeX, with booktabs; `gvc.table` sets several side by side."""
        return summary_latex(self)

    def to_html(self: Any) -> str:
        """The estimates as a table of HTML."""
        return summary_html(self)

    def augment(self: Any, data: Any = None) -> pd.DataFrame:
        """The rows of the estimates, or those of `data`, with what the model expects of them.

        Returns
        -------
        The columns of the data and `fitted` (of categories `fitted_` and the category); of the rows of the
        estimates `residual` as well.

        Raises
        ------
        ModelError : the rows are in a file, and were not kept.
        """
        if data is None and not (self.sample is not None and self.sample.in_memory):
            raise ModelError("the rows of a file are not kept", remedy="Pass a frame: augment(data)")
        fitted = _named(self.predict(data), "fitted")
        if data is not None:
            return pd.concat([frame_of(data), fitted], axis=1)
        made = {shift.name for shift in self.sample.formula.shifts}
        rows = self.sample.source.iloc[self.sample.rows]
        rows = rows[[name for name in rows.columns if name not in made]]
        return pd.concat([rows, fitted, _named(self.residuals, "residual")], axis=1)

    def copy(self: Any) -> Any:
        """The same estimates, whose series and frames may be changed."""
        return replace(self, params=self.params.copy(), cov=self.cov.copy())

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __getstate__(self: Any) -> dict[str, Any]:
        kept = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in (*_MADE_AGAIN, "response")
        }
        return {**kept, "quadrature_is_there": self.quadrature is not None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        kept = dict(state)
        if not kept.pop("quadrature_is_there"):
            kept["quadrature"] = None
        response = None
        if kept["request"] is not None:
            function = kept["request"].function
            module = importlib.import_module(function.__module__)
            response = getattr(module, function.__name__.upper(), None) or getattr(module, "_RESPONSE", None)
        for name, value in {**kept, "response": response}.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """What a file could not keep of the estimates, made by the call once more."""
        if name not in _MADE_AGAIN or self.__dict__.get("request") is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        made = again(self.__dict__["request"])
        for missing in (*_MADE_AGAIN, "response"):
            object.__setattr__(self, missing, getattr(made, missing))
        return self.__dict__[name]


def again(request: Any) -> Any:
    """The estimates of a request, made once more."""
    given = {f.name: getattr(request, f.name) for f in fields(request)} | dict(request.options)
    names = inspect.signature(request.function).parameters
    return request.function(**{name: given[name] for name in names})


def _named(values: pd.Series | pd.DataFrame, name: str) -> pd.Series | pd.DataFrame:
    return values.rename(name) if isinstance(values, pd.Series) else values.add_prefix(f"{name}_")
