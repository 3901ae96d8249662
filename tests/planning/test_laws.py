"""Chances of a test, design effects and allocations: against R, publications, drawing and search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gvcmetrics.planning import clusters, laws

TEXT = (Path(__file__).parents[1] / "reference/power/power.txt").read_text("utf-8")
R = {line.split()[0]: float(line.split()[1]) for line in TEXT.splitlines()}


def test_power_of_two_means_is_that_of_r() -> None:
    n = 20
    found = laws.two_sided(1 / np.sqrt(2 / n), laws.critical(0.05, 2 * n - 2), 2 * n - 2)
    assert found.power == pytest.approx(R["t_power"], abs=1e-8)
    n = R["t_n"]
    found = laws.two_sided(0.5 / np.sqrt(2 / n), laws.critical(0.05, 2 * n - 2), 2 * n - 2)
    assert found.power == pytest.approx(0.8, abs=1e-6)


def test_firms_for_two_shares_are_those_of_r() -> None:
    n, low, high = R["prop_n"], 0.5, 0.75
    error = np.sqrt((low * (1 - low) + high * (1 - high)) / n)
    middle = (low + high) / 2
    under_null = np.sqrt(2 * middle * (1 - middle) / n)
    found = laws.two_sided((high - low) / error, laws.critical(0.05) * under_null / error)
    assert found.power == pytest.approx(0.9, abs=1e-6)


def test_the_smallest_effect_in_clusters_is_the_published_formula() -> None:
    error = np.sqrt(4 / 800 * clusters.design_effect(20, 0.05))
    law = stats.t(38)
    assert (law.ppf(0.975) + law.ppf(0.8)) * error == pytest.approx(R["cluster_mde"], abs=1e-8)
    # The sum of quantiles stands for the non-central t, which is exact.
    exact = laws.detectable(0.8, laws.critical(0.05, 38), 38) * error
    assert exact == pytest.approx(R["cluster_mde"], rel=5e-3)
    assert laws.two_sided(exact / error, laws.critical(0.05, 38), 38).power == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize(
    ("effect", "error", "power", "sign", "size"), [(2.0, 8.1, 0.06, 0.24, 9.7), (0.1, 3.28, 0.05, 0.46, 77)]
)
def test_errors_of_sign_and_size_are_those_of_gelman_and_carlin(effect, error, power, sign, size) -> None:
    found = laws.two_sided(effect / error, laws.critical(0.05))
    assert round(found.found, 2) == power
    assert round(found.type_s, 2) == sign
    assert found.type_m == pytest.approx(size, rel=0.02)


@pytest.mark.parametrize(("distance", "df"), [(0.4, 4.0), (-1.7, 19.0), (3.0, np.inf)])
def test_chances_are_those_of_drawn_tests(distance: float, df: float) -> None:
    rng = np.random.default_rng(3)
    draws = 400_000
    ratio = np.ones(draws) if np.isinf(df) else np.sqrt(rng.chisquare(df, draws) / df)
    estimate, bar = distance + rng.normal(size=draws), laws.critical(0.1, df)
    hit = np.abs(estimate) > bar * ratio
    found = laws.two_sided(distance, bar, df)
    assert found.found == pytest.approx(hit.mean(), abs=0.003)
    assert found.power == pytest.approx((hit & (np.sign(estimate) == np.sign(distance))).mean(), abs=0.003)
    wrong = (np.sign(estimate[hit]) != np.sign(distance)).mean()
    assert found.type_s == pytest.approx(wrong, abs=0.005)
    assert found.type_m == pytest.approx(np.abs(estimate[hit]).mean() / abs(distance), rel=0.01)
    inside = np.abs(estimate) + bar * ratio < 4.5
    assert laws.equivalence(distance, 4.5, bar, df) == pytest.approx(inside.mean(), abs=0.003)


def test_an_effect_of_nothing_is_found_at_the_level() -> None:
    for df in (5.0, 30.0, np.inf):
        found = laws.two_sided(0.0, laws.critical(0.07, df), df)
        assert found.found == pytest.approx(0.07, abs=1e-9)
        assert found.power == pytest.approx(0.035, abs=1e-9)
    assert laws.joint(0.0, 3, 0.07, 24) == pytest.approx(0.07)


def test_one_effect_tested_jointly_is_a_two_sided_test() -> None:
    single = laws.two_sided(2.1, laws.critical(0.05, 24), 24)
    assert laws.joint(2.1**2, 1, 0.05, 24) == pytest.approx(single.found, abs=1e-7)
    assert laws.joint(2.1**2, 1, 0.05) == pytest.approx(laws.two_sided(2.1, laws.critical(0.05)).found)


def test_power_of_a_share_is_that_of_the_exact_test() -> None:
    trials, bound, true = 37, 0.3, 0.11
    found = 0.0
    for ones in range(trials + 1):
        p = 2 * min(stats.binomtest(ones, trials, bound, side).pvalue for side in ("less", "greater"))
        if p <= 0.05 and ones / trials < bound:
            found += stats.binom.pmf(ones, trials, true)
    assert laws.share(trials, true, bound, True, 0.05) == pytest.approx(found)


def test_design_effects_are_the_variance_of_a_mean_in_unequal_clusters() -> None:
    sizes, rho = np.array([3, 9, 1, 20, 7]), 0.2
    total = sizes.sum()
    variance = (sizes * (1 - rho) + sizes**2 * rho).sum() / total**2
    cv = sizes.std() / sizes.mean()
    assert clusters.design_effect(sizes.mean(), rho, cv) / total == pytest.approx(variance)
    by_cluster = variance * total
    assert clusters.correlation(1.0, by_cluster, (sizes**2).sum() / total) == pytest.approx(rho)


@pytest.mark.parametrize(("rho", "cv", "cluster_cost"), [(0.03, 0.6, 150), (0.2, 0.0, 40), (0.0, 0.4, 90)])
def test_the_allocation_is_the_best_of_a_search(rho: float, cv: float, cluster_cost: float) -> None:
    budget, firm_cost = 20_000, 11
    best = clusters.allocate(budget, firm_cost, cluster_cost, 2.0, rho, cv, least=5)
    assert best.cost <= budget
    assert best.clusters >= 5
    searched = min(
        np.sqrt(2.0 / (m * c) * clusters.design_effect(m, rho, cv))
        for m in range(1, 2000)
        if (c := int(budget // (cluster_cost + m * firm_cost))) >= 5
    )
    assert best.std_error == pytest.approx(searched, rel=1e-12)
    if rho:
        ideal = clusters.best_size(rho, firm_cost, cluster_cost, cv)
        flat = np.linspace(0.2, 4 * ideal, 40_001)
        variance = (cluster_cost / flat + firm_cost) * (1 + (flat * (1 + cv**2) - 1) * rho)
        assert ideal == pytest.approx(flat[np.argmin(variance)], rel=1e-3)
