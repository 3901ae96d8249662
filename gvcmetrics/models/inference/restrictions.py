"""Wald tests of linear hypotheses, and what every test returns."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.least_squares import distance_squared, rank
from gvcmetrics.models.inference.bias_reduced import BiasReduced, OfCombinations


@dataclass(frozen=True)
class TestResult:
    """A test statistic with its distribution."""

    __test__ = False  # pytest would take the name for a test case

    name: str
    statistic: float
    df: int
    pvalue: float
    distribution: str
    df_denominator: float | None = None
    null: str = ""

    def __str__(self) -> str:
        degrees = f"{self.df}" if self.df_denominator is None else f"{self.df}, {self.df_denominator:.0f}"
        head = f"{self.name}: {self.distribution}({degrees}) = {self.statistic:.4f}, p = {self.pvalue:.4f}"
        return f"{head}\nH0: {self.null}" if self.null else head

    __repr__ = __str__


def wald(
    params: pd.Series,
    cov: pd.DataFrame,
    hypotheses: str | Sequence[str],
    df: float = float("inf"),
    adjusted: BiasReduced | OfCombinations | None = None,
) -> TestResult:
    r"""Wald test of :math:`R\beta = r`.

    :math:`W = (R\hat\beta - r)'(R\hat V R')^{-1}(R\hat\beta - r)`, χ² with q = rank R degrees of
    freedom, or :math:`W/q` as F(q, df) when `df` is finite. After CR2 :math:`\frac{\nu - q + 1}{\nu q} W` as
    :math:`F(q, \nu - q + 1)`, Hotelling's distribution with the degrees of freedom ν of the hypotheses.

    Parameters
    ----------
    hypotheses : `"a = b"`, `"a - 2*b = 0"`, `"a"` (a = 0), or several, tested jointly. Names as
        printed; in backticks if they could be read otherwise.

    Raises
    ------
    ModelError : a name is not a parameter, a hypothesis is not linear, or hypotheses are redundant.
    """
    R, r, null = linear_hypotheses(list(params.index), hypotheses)
    distance = R @ params.to_numpy() - r
    spread = R @ cov.to_numpy() @ R.T
    q = len(R)
    if np.isnan(spread).any():
        raise ModelError(
            "the covariance between these parameters is not known", remedy="Test them one by one"
        )
    if rank(spread) < q:
        raise ModelError(
            f"the covariance cannot carry {q} hypotheses at once",
            remedy="With few clusters at most G − 1 hypotheses can be tested jointly",
        )
    statistic = distance_squared(distance, spread)
    if adjusted is not None:
        return _hotelling(statistic, adjusted.degrees(R), q, null)
    if np.isinf(df):
        return TestResult("Wald test", statistic, q, float(stats.chi2.sf(statistic, q)), "χ²", None, null)
    value = statistic / q
    return TestResult("Wald test", value, q, float(stats.f.sf(value, q, df)), "F", df, null)


def _hotelling(statistic: float, nu: float, q: int, null: str) -> TestResult:
    left = nu - q + 1
    if not left > 0.0:
        raise ModelError(
            f"the clusters leave {nu:.1f} degrees of freedom, which cannot carry {q} hypotheses at once",
            remedy="Test fewer at once",
        )
    value = left / (nu * q) * statistic
    return TestResult("Wald test", value, q, float(stats.f.sf(value, q, left)), "F", left, null)


def linear_hypotheses(
    names: Sequence[str], hypotheses: str | Sequence[str]
) -> tuple[np.ndarray, np.ndarray, str]:
    r"""R (q, k) and r (q) of :math:`R\beta = r`, and the hypotheses as one sentence.

    Raises
    ------
    ModelError : a name is not a parameter, a hypothesis is not linear, or hypotheses are redundant.
    """
    texts = [hypotheses] if isinstance(hypotheses, str) else list(hypotheses)
    rows = [_linear(text, list(names)) for text in texts]
    R = np.array([row for row, _ in rows])
    r = np.array([constant for _, constant in rows])
    if not texts or np.linalg.matrix_rank(R / np.linalg.norm(R, axis=1, keepdims=True)) < len(texts):
        raise ModelError(
            "the hypotheses are redundant or empty", remedy="Give linearly independent hypotheses"
        )
    return R, r, "; ".join(text if "=" in text else f"{text} = 0" for text in texts)


def linear_combinations(
    params: pd.Series,
    cov: pd.DataFrame,
    expressions: str | Sequence[str],
    df: float,
    level: float,
    adjusted: BiasReduced | None = None,
) -> pd.DataFrame:
    r"""Rows of :math:`R\hat\beta - r` with errors :math:`\sqrt{R \hat V R'}`, tests and intervals.

    adjusted : of a CR2 covariance, by which each has degrees of freedom of its own.

    Raises
    ------
    ModelError : a name is not a parameter, a combination is not linear, or the level is no share.
    """
    if not 0 < level < 1:
        raise ModelError(f"level={level} is not between 0 and 1", remedy="Write 0.95 for 95 %")
    texts = [expressions] if isinstance(expressions, str) else list(expressions)
    if not texts:
        raise ModelError("no combination is asked for", remedy='Write "a - b"')
    rows = [_linear(text, list(params.index)) for text in texts]
    R, r = np.array([row for row, _ in rows]), np.array([constant for _, constant in rows])
    estimate = R @ params.to_numpy() - r
    error = np.sqrt(np.einsum("ia,ab,ib->i", R, cov.to_numpy(), R))
    reference = distribution(df if adjusted is None else OfCombinations(adjusted, R).by_combination)
    half = reference.ppf(0.5 + level / 2) * error
    return pd.DataFrame(
        {
            "term": texts,
            "estimate": estimate,
            "std_error": error,
            "statistic": estimate / error,
            "p_value": 2 * reference.sf(np.abs(estimate / error)),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )


def _linear(text: str, names: list[str]) -> tuple[np.ndarray, float]:
    """Row R and constant r of one hypothesis."""
    stand_ins: dict[str, int] = {}
    coded = re.sub(r"`([^`]*)`", lambda match: _stand_in(match.group(1), names, stand_ins), text)
    for name in sorted(names, key=len, reverse=True):
        pattern = rf"(?<![\w.]){re.escape(name)}(?![\w.])"
        coded = re.sub(pattern, lambda match, name=name: _stand_in(name, names, stand_ins), coded)  # type: ignore[misc]
    left, _, right = coded.partition("=")
    try:
        trees = [ast.parse(side.strip() or "0", mode="eval").body for side in (left, right.lstrip("="))]
    except SyntaxError as error:
        raise ModelError(
            f"hypothesis '{text}' cannot be read",
            remedy=f"Write 'a = b' or 'a - 2*b = 0' with these names: {', '.join(names[:12])}",
        ) from error
    row_left, constant_left = _combination(trees[0], text, stand_ins, names)
    row_right, constant_right = _combination(trees[1], text, stand_ins, names)
    return row_left - row_right, constant_right - constant_left


def _stand_in(name: str, names: list[str], stand_ins: dict[str, int]) -> str:
    if name not in names:
        raise ModelError(
            f"'{name}' is not a parameter of the model", remedy=f"They are {', '.join(names[:12])}"
        )
    # Letters outside any column name's alphabet, so that a shorter name cannot match inside.
    key = f"ẞ{names.index(name)}ẞ"
    stand_ins[key] = names.index(name)
    return key


def _combination(
    node: ast.expr, text: str, stand_ins: dict[str, int], names: list[str]
) -> tuple[np.ndarray, float]:
    """An expression as coefficients on the parameters and a constant."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return np.zeros(len(names)), float(node.value)
    if isinstance(node, ast.Name):
        if node.id not in stand_ins:
            raise ModelError(
                f"'{node.id}' in hypothesis '{text}' is not a parameter",
                remedy=f"They are {', '.join(names[:12])}",
            )
        row = np.zeros(len(names))
        row[stand_ins[node.id]] = 1.0
        return row, 0.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        row, constant = _combination(node.operand, text, stand_ins, names)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return sign * row, sign * constant
    if isinstance(node, ast.BinOp):
        (left, a), (right, b) = (
            _combination(side, text, stand_ins, names) for side in (node.left, node.right)
        )
        if isinstance(node.op, ast.Add):
            return left + right, a + b
        if isinstance(node.op, ast.Sub):
            return left - right, a - b
        if isinstance(node.op, ast.Mult) and not (left.any() and right.any()):
            return a * right + b * left, a * b
        if isinstance(node.op, ast.Div) and not right.any() and b != 0:
            return left / b, a / b
    raise ModelError(f"hypothesis '{text}' is not linear in the parameters", remedy="Write 'a - 2*b = 0'")


def distribution(df: float | np.ndarray) -> Any:
    """The distribution of test statistics: normal, or t when `df` is finite (one each when they differ)."""
    return stats.norm() if np.isinf(df).all() else stats.t(df)
