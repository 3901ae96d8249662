"""Writes mills.csv: m = phi/Phi and three derivatives to 20 digits, by mpmath (no test depends on it)."""

from pathlib import Path

import mpmath as mp

mp.mp.dps = 80
POINTS = (-1e6, -1e4, -1e3, -200, -50, -30, -26, -25, -24, -20, -10, -3, -1, 0, 1, 3, 8, 20)

lines = ["a,m,m1,m2,m3"]
for a in map(mp.mpf, POINTS):
    m = mp.sqrt(2 / mp.pi) * mp.exp(-a * a / 2) / mp.erfc(-a / mp.sqrt(2))
    m1 = -m * (a + m)
    m2 = -m1 * (a + m) - m * (1 + m1)
    m3 = -m2 * (a + 2 * m) - 2 * m1 * (1 + m1)
    lines.append(",".join(mp.nstr(value, 20) for value in (a, m, m1, m2, m3)))
Path(__file__).with_suffix(".csv").write_text("\n".join(lines) + "\n")
