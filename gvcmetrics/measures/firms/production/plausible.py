"""What an estimated production function has that no technology has, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

RETURNS = (0.5, 1.5)
"""Returns to scale outside of which an estimate is not believed without a reason."""


def implausible(solutions: pd.DataFrame, elasticities: Mapping[object, pd.DataFrame]) -> Iterator[str]:
    """A sentence for each group with several solutions, negative elasticities or odd returns to scale.

    Parameters
    ----------
    solutions : `group`, `taken`, and a column for each coefficient.
    elasticities : of each group's rows, a column for each input.
    """
    for group, rows in elasticities.items():
        roots = solutions[solutions["group"] == group]
        if len(roots) > 1:
            shown = "; ".join(
                ", ".join(f"{name} {value:.3f}" for name, value in root.items())
                for _, root in roots.drop(columns=["group", "taken"]).iterrows()
            )
            yield (
                f"the second stage has several solutions in {group} ({shown}); `solutions` says which was "
                "taken. Compare objective='residuals' and 'moments', other proxies and a lower "
                "markov_degree, and report what moves"
            )
        mean = rows.mean()
        negative = mean[mean < 0]
        if len(negative):
            said = ", ".join(f"{name} {value:.3f}" for name, value in negative.items())
            yield (
                f"{group}: negative elasticity ({said}). More of an input does not make less output: the "
                "proxy may not follow productivity, or the root is a wrong one. Do not use its "
                "productivity; try another method, proxy or objective"
            )
        returns = mean.sum()
        if returns < RETURNS[0] or returns > RETURNS[1]:
            yield (
                f"{group}: returns to scale are {returns:.3f}. Check units, deflators and the proxy; compare "
                "with method='ols' and 'wooldridge'"
            )
