"""The routes that exports take after the first border, as Borin and Mancini follow them.

For exports of s to r: used as final goods; processed in r for its own final use; processed in r
into final goods for elsewhere; or processed in r into further intermediate exports. Multiplied by
the content of a unit of exports, the routes give the decomposition's terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.measures.decompositions.content import return_factors
from gvcmetrics.measures.input_output import Array, InputOutput


@dataclass(frozen=True, eq=False)
class Routes:
    """Gross exports by route, each (n, R): exporting row by importing region, zero at home.

    final : Y_sr.
    direct : A_sr L_r Y_rr.
    onward_home, onward_third : A_sr L_r Y_rj, back to s (j = s) and on to others.
    further_home, further_third : A_sr L_r Σ_{j≠r} A_rj (output of j that ends in l), l = s and l ≠ s.
    further_importer : the part of `further_third` that ends in r itself.
    own : the part of further processing that leaves s again among its exports (sink only).
    """

    final: Array
    direct: Array
    onward_home: Array
    onward_third: Array
    further_home: Array
    further_third: Array
    further_importer: Array
    own: Array


def source_routes(table: InputOutput) -> Routes:
    """Routes that follow further exports to their final use, through s again where they go there.

    The output of j that ends in l is (B Y)_jl.
    """
    routes, _ = _follow(table)
    return routes


def sink_routes(table: InputOutput) -> Routes:
    """Routes that stop where they would leave s a second time; those exports are `own`.

    With the extraction inverse B^{s} and Y^{s} = Y without the final exports of s,

        (B^{s} Y^{s})_jl = (B Y)_jl − B_js M_s⁻¹ P_sl,   P_sl = Y_sl + Σ_{k≠s} A_sk (B Y)_kl  (l ≠ s
        for the first part),

    P_sl being the exports of s by final destination, so that Σ_l P_sl = E_s. M_s as in
    `return_factors`. No inverse per exporter is formed.
    """
    routes, once_processed = _follow(table)
    destinations = _exports_by_destination(table)
    passed_on = table.B - np.eye(len(table.x))
    for b in table.blocks:
        passed_on[b] -= table.A[b, b] @ table.B[b]
    own = np.zeros_like(routes.own)
    home, third, importer = (
        routes.further_home.copy(),
        routes.further_third.copy(),
        routes.further_importer.copy(),
    )
    for s, (b, M) in enumerate(zip(table.blocks, return_factors(table), strict=True)):
        again = passed_on[:, b] @ np.linalg.solve(M, destinations[b])
        for r, c in enumerate(table.blocks):
            if r == s:
                continue
            out_again = once_processed[b, c] @ again[c]
            own[b, r] = out_again.sum(axis=1)
            home[b, r] -= out_again[:, s]
            third[b, r] -= own[b, r] - out_again[:, s]
            importer[b, r] -= out_again[:, r]
    return Routes(
        final=routes.final,
        direct=routes.direct,
        onward_home=routes.onward_home,
        onward_third=routes.onward_third,
        further_home=home,
        further_third=third,
        further_importer=importer,
        own=own,
    )


def _exports_by_destination(table: InputOutput) -> Array:
    """P_sl: exports of each row by the region where they end in final use, (n, R)."""
    output = table.output_by_destination
    passed_on = table.A @ output
    for b in table.blocks:
        passed_on[b] -= table.A[b, b] @ output[b]
    return passed_on + table.final_exports


def _follow(table: InputOutput) -> tuple[Routes, Array]:
    """The source-based routes, and A_sr L_r for all s ≠ r, (n, n)."""
    n, R = table.final_use.shape
    further_use = _exports_by_destination(table) - table.final_exports
    home_use = table.at_home(table.final_use)
    rows, own_region = np.arange(n), table.region_of_row
    once_processed = np.empty((n, n))
    direct, onward, onward_home, further, further_home, further_importer = np.empty((6, n, R))
    for r, c in enumerate(table.blocks):
        once_processed[:, c] = table.A[:, c] @ table.L[r]
        ends = once_processed[:, c] @ np.column_stack(
            [home_use[c], table.final_exports[c], further_use[c]]
        )
        direct[:, r] = ends[:, 0]
        onward[:, r] = ends[:, 1 : R + 1].sum(axis=1)
        onward_home[:, r] = ends[rows, 1 + own_region]
        further[:, r] = ends[:, R + 1 :].sum(axis=1)
        further_home[:, r] = ends[rows, R + 1 + own_region]
        further_importer[:, r] = ends[:, R + 1 + r]
    abroad = table.abroad
    routes = Routes(
        final=table.final_exports,
        direct=direct * abroad,
        onward_home=onward_home * abroad,
        onward_third=(onward - onward_home) * abroad,
        further_home=further_home * abroad,
        further_third=(further - further_home) * abroad,
        further_importer=further_importer * abroad,
        own=np.zeros((n, R)),
    )
    return routes, once_processed
