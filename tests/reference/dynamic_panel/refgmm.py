"""Dense, slow, literal dynamic-panel GMM after the formulas of Arellano & Bond (1991), Arellano & Bover (1995),
Blundell & Bond (1998), Windmeijer (2005) and Roodman (2009, Stata Journal 9(1)). Reference only: every matrix is formed.

gmm: list of (variable, base_lag, (first, last), collapse); instruments for the transformed equation are
variable lagged base_lag + first ... ; for the level equation the difference of lag base_lag + first - 1.
iv: list of (columns, equation) with equation in diff, level, both.
"""

import numpy as np

CONST = "_cons"


class Panel:
    def __init__(self, frame, unit, time):
        self.units = np.sort(frame[unit].unique())
        self.times = np.arange(frame[time].min(), frame[time].max() + 1)
        self.N, self.T = len(self.units), len(self.times)
        self.rows = np.searchsorted(self.units, frame[unit]), (frame[time] - self.times[0]).to_numpy(int)
        self.frame = frame

    def grid(self, column, lag=0):
        out = np.full((self.N, self.T), np.nan)
        if column == CONST:
            out[self.rows] = 1.0
            return out
        out[self.rows] = self.frame[column].to_numpy(float)
        if lag:
            moved = np.full_like(out, np.nan)
            moved[:, lag:] = out[:, :-lag]
            out = moved
        return out


def difference(T):
    M = np.zeros((T, T))
    for t in range(1, T):
        M[t, t], M[t, t - 1] = 1, -1
    return M


def fod_rows(present):
    """Forward orthogonal deviations; row t holds the deviation stored one period later, as xtabond2 does."""
    T = len(present)
    M = np.zeros((T, T))
    idx = np.flatnonzero(present)
    for t in idx[:-1]:
        later = idx[idx > t]
        c = np.sqrt(len(later) / (len(later) + 1))
        if t + 1 < T:
            M[t + 1, t] = c
            M[t + 1, later] = -c / len(later)
    return M


def fit(
    frame,
    unit,
    time,
    y,
    x,
    gmm,
    iv,
    system=False,
    twostep=False,
    robust=True,
    orthogonal=False,
    small=False,
    h=3,
    groups=None,
):
    p = Panel(frame, unit, time)
    yy = p.grid(*y)
    X = np.stack([p.grid(*c) for c in x], 2)
    ivg = [([p.grid(*c) for c in cols], eq) for cols, eq in iv]
    touse = np.isfinite(yy) & np.isfinite(X).all(2)
    for cols, _ in ivg:
        for c in cols:
            touse &= np.isfinite(c)
    blocks = []
    T = p.T
    # instruments, one (N, T) array per column, with its equation
    ziv = []
    for g, (cols, eq) in enumerate(ivg):
        for c in cols:
            ziv.append((c, eq, f"iv{g}"))
    zd, zl = [], []
    for g, (var, base, (first, last), collapse) in enumerate(gmm):
        src = p.grid(var)
        top = T if last is None else base + last
        cols = {}
        for t in range(1, T):
            for lag in range(base + first, min(top, t) + 1):
                key = lag if collapse else (t, lag)
                cols.setdefault(key, np.zeros((p.N, T)))[:, t] = np.nan_to_num(src[:, t - lag])
        zd += [(c, f"gmm{g}") for c in cols.values()]
        if system:
            lag = base + first - 1
            d = np.full_like(src, np.nan)
            d[:, 1:] = src[:, 1:] - src[:, :-1]
            cols = {}
            for t in range(1, T):
                if t - lag >= 1:
                    cols.setdefault(0 if collapse else t, np.zeros((p.N, T)))[:, t] = np.nan_to_num(
                        d[:, t - lag]
                    )
            zl += [(c, f"gmmlev{g}") for c in cols.values()]
    names = [n for _, _, n in ziv] + [n for _, n in zd] + [n for _, n in zl]
    for i in range(p.N):
        u = touse[i]
        if not u.any():
            continue
        lev = np.flatnonzero(u)
        if orthogonal:
            M = fod_rows(u)
            ok = np.flatnonzero(np.abs(M).sum(1) > 0)
        else:
            M = difference(T)
            ok = np.array([t for t in range(1, T) if u[t] and u[t - 1]], int)
        y0, X0 = np.where(u, yy[i], 0.0), np.where(u[:, None], X[i], 0.0)
        ty, tX = (M @ y0)[ok], (M @ X0)[ok]
        Zt = []
        for c, eq, _ in ziv:
            v = M @ np.where(u, c[i], 0.0)
            Zt.append(v[ok] if eq in ("diff", "both") else np.zeros(len(ok)))
        for c, _ in zd:
            Zt.append(c[i][ok])
        for _ in zl:
            Zt.append(np.zeros(len(ok)))
        Zt = np.stack(Zt, 1) if len(ok) else np.zeros((0, len(names)))
        Mr = M[ok][:, lev]
        Htt = Mr @ Mr.T
        dy = difference(T)
        okd = np.array([t for t in range(1, T) if u[t] and u[t - 1]], int)
        if system:
            Zl = []
            for c, eq, _ in ziv:
                Zl.append(c[i][lev] if eq in ("level", "both") else np.zeros(len(lev)))
            for _ in zd:
                Zl.append(np.zeros(len(lev)))
            for c, _ in zl:
                Zl.append(c[i][lev])
            Zl = np.stack(Zl, 1)
            Y, XX, Z = np.r_[ty, yy[i][lev]], np.r_[tX, X[i][lev]], np.r_[Zt, Zl]
            H = np.block([[Htt, Mr], [Mr.T, np.eye(len(lev))]])
            if h == 2:
                H[: len(ok), len(ok) :] = 0
                H[len(ok) :, : len(ok)] = 0
        else:
            Y, XX, Z, H = ty, tX, Zt, Htt
        if h == 1:
            H = np.eye(len(Y))
        blocks.append(
            dict(
                Y=Y,
                X=XX,
                Z=Z,
                H=H,
                nt=len(ok),
                i=i,
                ok=ok,
                okd=okd,
                Xd=(dy @ X0)[okd],
                yd=(dy @ y0)[okd],
                nl=len(lev),
            )
        )
    keepz = np.abs(sum(np.abs(b["Z"]).sum(0) for b in blocks)) > 1e-12
    names = [n for n, k in zip(names, keepz) if k]
    for b in blocks:
        b["Z"] = b["Z"][:, keepz]
    Zall = np.concatenate([b["Z"] for b in blocks])
    rank = np.linalg.matrix_rank(Zall)
    # drop collinear instruments, first come first kept (QR order)
    if rank < Zall.shape[1]:
        kept = []
        Q = np.zeros((Zall.shape[0], 0))
        for j in range(Zall.shape[1]):
            v = Zall[:, j]
            r = v - Q @ (Q.T @ v)
            r = r - Q @ (Q.T @ r)
            if np.linalg.norm(r) > 1e-8 * max(1, np.linalg.norm(v)):
                Q = np.c_[Q, r / np.linalg.norm(r)]
                kept.append(j)
        names = [names[j] for j in kept]
        for b in blocks:
            b["Z"] = b["Z"][:, kept]
    res = _estimate(blocks, system, twostep, robust, small)
    res["instruments"] = len(names)
    res["nobs"] = sum(b["nl"] if system else b["nt"] for b in blocks)
    res["units"] = len(blocks)
    res["names"] = names
    res["dh"] = {}
    for label, drop in (groups or {}).items():
        mask = np.array([n not in drop for n in names])
        sub = [dict(b, Z=b["Z"][:, mask]) for b in blocks]
        J, df = _hansen(sub, blocks, mask)
        res["dh"][label] = (J, df, res["hansen"] - J, res["hansen_df"] - df)
    return res


def _sums(blocks):
    ZX = sum(b["Z"].T @ b["X"] for b in blocks)
    ZY = sum(b["Z"].T @ b["Y"] for b in blocks)
    ZHZ = sum(b["Z"].T @ b["H"] @ b["Z"] for b in blocks)
    return ZX, ZY, ZHZ


def _meat(blocks, beta):
    return sum(np.outer(g, g) for g in (b["Z"].T @ (b["Y"] - b["X"] @ beta) for b in blocks))


def _hansen(blocks, full, mask):
    """Hansen J without some instruments, weighted by the block of the full model's moment covariance (as xtabond2)."""
    ZX, ZY, ZHZ = _sums(full)
    W1 = np.linalg.pinv(ZHZ)
    b1 = np.linalg.solve(ZX.T @ W1 @ ZX, ZX.T @ W1 @ ZY)
    S = _meat(full, b1)[np.ix_(mask, mask)]
    ZX, ZY, _ = _sums(blocks)
    W2 = np.linalg.pinv(S)
    b2 = np.linalg.solve(ZX.T @ W2 @ ZX, ZX.T @ W2 @ ZY)
    m = ZY - ZX @ b2
    return m @ W2 @ m, ZX.shape[0] - ZX.shape[1]


def _estimate(blocks, system, twostep, robust, small):
    ZX, ZY, ZHZ = _sums(blocks)
    K, L = ZX.shape[1], ZX.shape[0]
    W1 = np.linalg.pinv(ZHZ)
    V1 = np.linalg.inv(ZX.T @ W1 @ ZX)
    b1 = V1 @ ZX.T @ W1 @ ZY
    S1 = _meat(blocks, b1)
    V1r = V1 @ ZX.T @ W1 @ S1 @ W1 @ ZX @ V1
    W2 = np.linalg.pinv(S1)
    V2 = np.linalg.inv(ZX.T @ W2 @ ZX)
    b2 = V2 @ ZX.T @ W2 @ ZY
    # Windmeijer
    e2 = ZY - ZX @ b2
    D = np.zeros((K, K))
    for k in range(K):
        dS = np.zeros((L, L))
        for b in blocks:
            g = b["Z"].T @ (b["Y"] - b["X"] @ b1)
            xk = b["Z"].T @ b["X"][:, k]
            dS -= np.outer(xk, g) + np.outer(g, xk)
        D[:, k] = -V2 @ ZX.T @ W2 @ dS @ W2 @ e2
    V2w = V2 + D @ V2 + V2 @ D.T + D @ V1r @ D.T
    out = {"b1": b1, "b2": b2, "V1r": V1r, "V2": V2, "V2w": V2w}
    nobs = sum(b["nl"] if system else b["nt"] for b in blocks)
    # sargan: sigma^2 of the level error from the transformed rows
    e1 = [b["Y"] - b["X"] @ b1 for b in blocks]
    ss = sum((e[: b["nt"]] ** 2).sum() for e, b in zip(e1, blocks))
    tr = sum(np.trace(b["H"][: b["nt"], : b["nt"]]) for b in blocks)
    nt = sum(b["nt"] for b in blocks)
    m1 = ZY - ZX @ b1
    out["sargan"] = m1 @ W1 @ m1 / (ss / tr)
    out["sargan_nk"] = m1 @ W1 @ m1 / (ss / tr) * (nt - K) / nt
    out["sargan_df"] = L - K
    m2 = ZY - ZX @ b2
    out["hansen"] = m2 @ W2 @ m2
    out["hansen_df"] = L - K
    beta = b2 if twostep else b1
    V = (V2w if robust else V2) if twostep else V1r
    W = W2 if twostep else W1
    A = np.linalg.inv(ZX.T @ W @ ZX)
    out["beta"], out["se"] = beta, np.sqrt(np.diag(V))
    G = len(blocks)
    if small:
        out["se"] = out["se"] * np.sqrt(G / (G - 1) * (nobs - 1) / (nobs - K))
        V = V * G / (G - 1) * (nobs - 1) / (nobs - K)
    for lag in (1, 2):
        num = den1 = 0.0
        q = np.zeros(L)
        ex = np.zeros(K)
        for b in blocks:
            T = 64
            e = np.full(T, 0.0)
            rd = b["yd"] - b["Xd"] @ beta
            e[b["okd"]] = rd
            el = np.zeros(T)
            el[lag:] = e[:-lag]
            has = np.zeros(T, bool)
            has[b["okd"]] = True
            el = el[b["okd"]]
            num += el @ rd
            ex += el @ b["Xd"]
            w = el @ rd
            den1 += w * w
            q += b["Z"].T @ (b["Y"] - b["X"] @ beta) * w
        var = den1 - 2 * ex @ A @ ZX.T @ W @ q + ex @ V @ ex
        out[f"ar{lag}"] = num / np.sqrt(var)
    return out
