"""Random memberships and their solutions by the Python package setqca 0.2.0 (which needs pandas below 3)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import setqca

HERE = Path(__file__).parent


def main() -> None:
    rng = np.random.default_rng(11)
    made = []
    for number in range(30):
        names = list("ABCDE"[: 3 + number % 3])
        sets = pd.DataFrame(rng.uniform(0, 1, (16, len(names))).round(2), columns=names).replace(0.5, 0.51)
        y = np.maximum(np.minimum(sets["A"], 1 - sets["B"]), sets["C"]) + rng.normal(0, 0.15, 16)
        frame = sets.assign(Y=y.clip(0, 1).round(2))
        model = setqca.FSQCA(consistency=0.8)
        result = model.fit(frame, outcome="Y", conditions=names)
        solutions = {}
        for kind in ("conservative", "parsimonious"):
            found = result.solutions(kind)
            solutions[kind] = sorted(sorted(one.expression(tuple(names)).split(" + ")) for one in found)
        made.append({"memberships": frame.to_dict("list"), "solutions": solutions})
    text = json.dumps(made, ensure_ascii=False)
    (HERE / "random.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
