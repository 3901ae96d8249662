"""The routes that exports take after the first border, as Borin and Mancini follow them.

For exports of s to r: used as final goods; processed in r for its own final use; processed in r
into final goods for elsewhere; or processed in r into further intermediate exports. Multiplied by
the content of a unit of exports, the routes give the decomposition's terms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gvcmetrics.measures.input_output.decompositions.content import return_factors
from gvcmetrics.measures.input_output.table import Array, InputOutput


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
    R = len(table.regions)
    further = table.local(_exports_by_destination(table) - table.final_exports)
    onward = table.local(table.final_exports)

    def same_for_all(column: Array) -> Array:
        return np.repeat(column[:, None], R, axis=1)

    # Output that r needs for each use, rows of r; column s where it depends on the exporter.
    needs = [
        same_for_all(table.local(table.at_home(table.final_use))),
        onward,
        same_for_all(onward.sum(axis=1)),
        further,
        same_for_all(further.sum(axis=1)),
        same_for_all(table.at_home(further)),
    ]
    direct, onward_home, onward_all, further_home, further_all, further_importer = bought(
        table, np.stack(needs, axis=2)
    )
    return Routes(
        final=table.final_exports,
        direct=direct,
        onward_home=onward_home,
        onward_third=onward_all - onward_home,
        further_home=further_home,
        further_third=further_all - further_home,
        further_importer=further_importer,
        own=np.zeros_like(direct),
    )


def sink_routes(table: InputOutput) -> Routes:
    """Routes that stop where they would leave s a second time; those exports are `own`.

    With the extraction inverse B^{s}, and Y^{s} for Y without the final exports of s,

        B^{s} Y^{s} = B Y − B_·s M_s⁻¹ P_s,    P_sl = Y_sl [l ≠ s] + Σ_{k≠s} A_sk (B Y)_kl

    P_sl being the exports of s by region l of final use, so that Σ_l P_sl = E_s. M_s as in
    `return_factors`. No inverse per exporter is formed.
    """
    routes = source_routes(table)
    destinations = _exports_by_destination(table)
    passed_on = table.B - np.eye(len(table.x))
    for b in table.blocks:
        passed_on[b] -= table.A[b, b] @ table.B[b]
    needs = np.empty((len(table.x), len(table.regions), 3))
    for s, (b, M) in enumerate(zip(table.blocks, return_factors(table), strict=True)):
        again = table.local(passed_on[:, b] @ np.linalg.solve(M, destinations[b]))
        needs[:, s] = np.column_stack([again.sum(axis=1), again[:, s], table.at_home(again)])
    own, home, importer = bought(table, needs)
    return replace(
        routes,
        further_home=routes.further_home - home,
        further_third=routes.further_third - (own - home),
        further_importer=routes.further_importer - importer,
        own=own,
    )


def bought(table: InputOutput, needs: Array) -> Array:
    """What each exporter s sells to r as inputs, A_sr times the output that r needs.

    Parameters
    ----------
    table : the input-output table.
    needs : output by row of r, exporter s and use, (n, R, uses).

    Returns
    -------
    array by use, row of s and importer r, zero at home, (uses, n, R).
    """
    sold = np.zeros((needs.shape[2], len(table.x), len(table.regions)))
    for s, b in enumerate(table.blocks):
        for r, c in enumerate(table.blocks):
            if r != s:
                sold[:, b, r] = (table.A[b, c] @ needs[c, s]).T
    return sold


def _exports_by_destination(table: InputOutput) -> Array:
    """P_sl: exports of each row by the region where they end in final use, (n, R)."""
    output = table.output_by_destination
    passed_on = table.A @ output
    for b in table.blocks:
        passed_on[b] -= table.A[b, b] @ output[b]
    return passed_on + table.final_exports
