"""Checks that estimate again: other controls, a cluster less, shuffled regressors."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import EstimationWarning, GvcError, ModelError
from gvcmetrics.models.data.formula import split_outside
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.robustness.check import Check, coefficient
from gvcmetrics.models.robustness.figures import distribution, in_order, with_choices

_MOST = 2_000


def specification_curve(
    results: Results,
    variable: str,
    *,
    controls: Sequence[str] | None = None,
    absorbed: Sequence[str] = (),
    samples: Mapping[str, Callable[[pd.DataFrame], pd.Series]] | None = None,
) -> Check:
    """The coefficient in every specification that could have been chosen (Simonsohn, Simmons & Nelson 2020).

    Parameters
    ----------
    results : the preferred specification.
    variable : the coefficient.
    controls : terms of the formula that may be left out, by default all but those with the variable.
    absorbed : sets of absorbed effects to try besides the result's own, `["", "year", "firm + year"]`.
    samples : name -> (data -> mask), further samples.

    Returns
    -------
    Check whose table has a row a specification, by estimate: `estimate`, `std_error`, `p_value`, `conf_low`,
    `conf_high`, `nobs` and a column a choice. `values`: `median`, the shares of them that are `positive`,
    `significant` at 5 %, and both `like_preferred`, and how many `failed`.

    Raises
    ------
    ModelError : there is nothing to choose, or there are more than 2,000 specifications.

    Examples
    --------
    >>> import pandas as pd, gvcmetrics as gvc
    >>> frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 6, 5], "x": [1.0, 2, 3, 3, 5, 5], "z": [1, 0, 1, 0, 1, 0]})
    >>> len(specification_curve(gvc.ols("y ~ x + z", frame), "x").table)
    2
    """
    request, frame = _request(results)
    coefficient(results, variable)
    left, right = split_outside(request.formula, "~")
    parts = split_outside(right, "|")
    terms = split_outside(parts[0], "+")
    optional = [t for t in terms if not _holds(t, variable)] if controls is None else list(controls)
    optional = [term for term in optional if term not in ("1", "0")]
    for term in optional:
        if term not in terms:
            raise ModelError(f"'{term}' is not a term of the formula", remedy=f"They are {', '.join(terms)}")
    own = parts[1] if len(parts) > 1 else ""
    effects = list(dict.fromkeys([own, *absorbed]))
    chosen = {"all rows": None, **(samples or {})}
    count = 2 ** len(optional) * len(effects) * len(chosen)
    if count < 2:
        raise ModelError("there is one specification", remedy="Name controls=, absorbed= or samples=")
    if count > _MOST:
        raise ModelError(f"{count:,} specifications", remedy=f"Choose at most {_MOST:,}: fewer controls=")
    rows, failed = [], 0
    for size in range(len(optional) + 1):
        for out in combinations(optional, size):
            for effect in effects:
                for sample, mask in chosen.items():
                    kept = " + ".join(term for term in terms if term not in out) or "1"
                    formula = f"{left} ~ {kept}" + (f" | {effect}" if effect else "")
                    data = frame if mask is None else frame[mask(frame)]
                    found = _estimates(_again(request, formula=formula, data=data), variable)
                    failed += found is None
                    if found is not None:
                        choices = {term: term not in out for term in optional}
                        choices |= {f"| {e or 'nothing'}": e == effect for e in effects if len(effects) > 1}
                        choices |= {name: name == sample for name in chosen if len(chosen) > 1}
                        preferred = not out and effect == own and mask is None
                        rows.append({**found, **choices, "preferred": preferred})
    table = pd.DataFrame(rows).sort_values("estimate", kind="stable", ignore_index=True)
    return _curve(results, variable, table, failed)


def _curve(results: Results, variable: str, table: pd.DataFrame, failed: int) -> Check:
    preferred, significant = float(results.params[variable]), table["p_value"] < 0.05
    values = {
        "specifications": float(len(table)), "median": float(table["estimate"].median()),
        "positive": float((table["estimate"] > 0).mean()), "significant": float(significant.mean()),
        "like_preferred": float((significant & (np.sign(table["estimate"]) == np.sign(preferred))).mean()),
        "failed": float(failed),
    }  # fmt: skip
    sign = "positive" if preferred > 0 else "negative"
    share = values["positive"] if preferred > 0 else 1 - values["positive"]
    said = (
        f"{len(table)} specifications: median {values['median']:.4g} (preferred {preferred:.4g}), "
        f"{share:.0%} {sign}, {values['like_preferred']:.0%} {sign} with p < 0.05; "
        f"{failed} could not be estimated."
    )
    choices = table.drop(columns=[*_COLUMNS, "preferred"]).astype(bool)
    marked = np.flatnonzero(table["preferred"])
    return Check(
        "Specification curve", variable, table, said, values,
        lambda named: with_choices(
            table, choices.rename(columns=named), named(variable), int(marked[0]) if len(marked) else None
        ),
    )  # fmt: skip


def leave_one_out(results: Results, variable: str, cluster: str) -> Check:
    """The coefficient without each cluster in turn: whether one country or firm carries the result.

    Parameters
    ----------
    results : of any model. variable : the coefficient. cluster : column of the clusters.

    Returns
    -------
    Check whose table has a row a cluster: `without`, the estimate without it, and `moved`, by how many
    standard errors. `values`: `lowest`, `highest`, and `turned`, how many turn the sign.

    Raises
    ------
    ModelError : the model cannot be estimated again without its rows.

    Examples
    --------
    >>> import pandas as pd, gvcmetrics as gvc
    >>> frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 6, 5], "x": [1.0, 2, 3, 3, 5, 5], "c": list("aabbcc")})
    >>> leave_one_out(gvc.ols("y ~ x", frame), "x", "c").table["without"].round(2).to_dict()
    {'a': 1.0, 'b': 1.14, 'c': 1.27}
    """
    whole = coefficient(results, variable)
    inference, sample = results.inference, results.sample
    jackknife = None if inference is None else inference.jackknife
    if jackknife is None or results.codes is None or not isinstance(sample, Sample):
        raise ModelError(f"{results.model} cannot be estimated again without a cluster")
    codes = np.asarray(results.codes(cluster))
    at = list(results.params.index).index(variable)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        without = jackknife(codes)[:, at]
    error = float(results.std_errors[variable])
    table = pd.DataFrame(
        {"without": without, "moved": (without - whole) / error},
        index=pd.Index(sample.labels(cluster), name=cluster),
    ).sort_values("without", kind="stable")
    known = table["without"].dropna()
    if known.empty:
        raise ModelError("without any one cluster nothing can be estimated")
    turned = int((np.sign(known) != np.sign(whole)).sum())
    values = {"lowest": float(known.min()), "highest": float(known.max()), "turned": float(turned)}
    furthest = str(table["moved"].abs().idxmax())
    said = (
        f"Without one of {len(table)} clusters the estimate of {whole:.4g} lies between "
        f"{values['lowest']:.4g} and {values['highest']:.4g}; {turned} turn its sign. "
        f"'{furthest}' moves it most, by {table['moved'].abs().max():.2f} standard errors."
    )
    half = 1.959963984540054 * error
    drawn = pd.DataFrame({"estimate": known, "conf_low": known - half, "conf_high": known + half})
    return Check(
        "Leave one cluster out", variable, table, said, values,
        lambda named: in_order(
            drawn.rename(index=named), named(variable),
            f"{named(cluster)} left out, by estimate (error of the whole)", whole,
        ),
    )  # fmt: skip


def permutation_test(
    results: Results,
    variable: str,
    *,
    draws: int = 999,
    within: str | None = None,
    by: str | None = None,
    seed: int = 0,
) -> Check:
    """p-value by shuffling the regressor (Fisher's randomisation test of no effect at all).

    Parameters
    ----------
    results : of a model in which the variable stands as a column of its own.
    variable : a column of the data.
    draws : shuffles. The p-value is (1 + draws as extreme) / (1 + draws), of the t statistic.
    within : shuffle within the groups of this column only (a stratum, a year).
    by : shuffle whole groups, which have one value each (treatment by cluster).
    seed : of the shuffles.

    Returns
    -------
    Check whose table has `estimate`, `statistic`, `p_value` (of the model) and `permutation_p`.

    Raises
    ------
    ModelError : the variable is no column, or varies within the groups of `by`.

    Examples
    --------
    >>> import pandas as pd, gvcmetrics as gvc
    >>> frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 6, 5], "x": [0, 0, 0, 1, 1, 1]})
    >>> permutation_test(gvc.ols("y ~ x", frame), "x", draws=199).values["draws"]
    199.0
    """
    request, data = _request(results)
    estimate = coefficient(results, variable)
    if variable not in data:
        raise ModelError(f"'{variable}' is not a column of the data", remedy="Name a plain regressor")
    shuffle = _shuffle(data, variable, within, by)
    rng = np.random.default_rng(seed)
    seen = estimate / float(results.std_errors[variable])
    found = []
    for _ in range(draws):
        made = _estimates(_again(request, data=data.assign(**{variable: shuffle(rng)})), variable)
        if made is not None:
            found.append(made["estimate"] / made["std_error"])
    extreme = sum(abs(each) >= abs(seen) * (1 - 1e-12) for each in found)
    p = (1 + extreme) / (1 + len(found))
    table = pd.DataFrame(
        [{"estimate": estimate, "statistic": seen, "p_value": results.pvalues[variable], "permutation_p": p}],
        index=pd.Index([variable]),
    )
    said = f"{extreme} of {len(found)} shuffles give a statistic as far from zero: p = {p:.4f}."
    return Check(
        "Permutation test", variable, table, said, {"permutation_p": p, "draws": float(len(found))},
        lambda named: distribution(found, seen, named(variable), "t statistic of shuffled data"),
    )  # fmt: skip


def _shuffle(
    data: pd.DataFrame, variable: str, within: str | None, by: str | None
) -> Callable[[np.random.Generator], np.ndarray]:
    values = data[variable].to_numpy()
    if by is not None:
        codes = pd.factorize(data[by])[0]
        first = data.groupby(codes)[variable].first().to_numpy()
        if not pd.Series(values).equals(pd.Series(first[codes])):
            raise ModelError(f"'{variable}' varies within '{by}'", remedy="Shuffle rows, or within= groups")
        strata = None if within is None else data.groupby(codes)[within].first()
        return lambda rng: _permuted(first, strata, rng)[codes]
    strata = None if within is None else data[within]
    return lambda rng: _permuted(values, strata, rng)


def _permuted(values: np.ndarray, strata: pd.Series | None, rng: np.random.Generator) -> np.ndarray:
    if strata is None:
        return rng.permutation(values)
    made = values.copy()
    for rows in pd.Series(range(len(values))).groupby(strata.to_numpy()).indices.values():
        made[rows] = rng.permutation(values[rows])
    return made


_COLUMNS = ("estimate", "std_error", "p_value", "conf_low", "conf_high", "nobs")


def _estimates(again: Callable[[], Results], variable: str) -> dict[str, Any] | None:
    """What a specification gives, None where it cannot be estimated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = again()
        except GvcError:
            return None
    if variable not in made.params.index:
        return None
    row = made.tidy().set_index("term").loc[variable]
    return {name: row[name] for name in _COLUMNS if name != "nobs"} | {"nobs": made.nobs}


def _again(request: Request, **changed: Any) -> Callable[[], Results]:
    """The same call with other data or another formula."""
    asked = replace(request, **changed)
    taken = {name: getattr(asked, name) for name in (f.name for f in fields(asked))}
    known = _arguments(request)
    options = {name: value for name, value in {**taken, **asked.options}.items() if name in known}
    return lambda: asked.function(asked.formula, asked.data, **options)


def _arguments(request: Request) -> set[str]:
    return set(inspect.signature(request.function).parameters) - {"formula", "data"}


def _request(results: Results) -> tuple[Request, pd.DataFrame]:
    """What was asked for, and of which frame; what the frame says of itself was heeded then, and pandas would
    copy it at every step."""
    request = results.request
    if not isinstance(request, Request) or not isinstance(request.data, pd.DataFrame):
        raise ModelError("the estimates were not made from a frame", remedy="Estimate from a frame in memory")
    bare = request.data.copy(deep=False)
    bare.attrs = {}
    return request, bare


def _holds(term: str, variable: str) -> bool:
    """Whether a term has the variable in it: `x` is in `x:z`, not in `xz`."""
    return re.search(rf"(?<!\w){re.escape(variable)}(?!\w)", term) is not None
