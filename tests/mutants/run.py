"""Small faults put into the package one at a time: what share of them does a test notice?

`make mutants` takes a seeded sample over the rooms and goes on where it was stopped: each mutant has a
record of its own, which holds as long as its module is what it was, and for a survivor as long as the tests
are, too.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from pathlib import Path

from bench import REACHES, ROOT, Bench, digest, write
from sites import Mutant, in_order, mutants

RECORDS = ROOT / "analysis" / "results" / "mutants"
KNOWN = Path(__file__).resolve().parent / "survivors.csv"


def main() -> None:
    """Judge the sample and print what survived."""
    asked = arguments()
    bench = Bench(asked.folder.resolve(), asked.reach)
    bench.refresh()
    every = mutants(bench.tree / "gvcmetrics")
    chosen = [mutant for mutant in in_order(every, asked.seed) if asked.only in mutant.file][: asked.number]
    print(f"mutants  {len(chosen)} of {len(every)}, seed {asked.seed}", flush=True)
    fates = {}
    for place, mutant in enumerate(chosen, 1):
        fates[mutant] = fate(bench, mutant)
        print(f"{place:5d} {fates[mutant]:9s} {where(mutant)}", flush=True)
    print(report(fates))


def arguments() -> argparse.Namespace:
    """How many, and against which tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300, help="mutants (300)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (1)")
    parser.add_argument("--only", default="", help="part of a path: only the modules that have it")
    parser.add_argument("--reach", choices=REACHES, default="all", help="tests (all)")
    parser.add_argument("--folder", type=Path, default=RECORDS, help="of the records")
    return parser.parse_args()


def fate(bench: Bench, mutant: Mutant) -> str:
    """`caught`, `survived`, or `not run` where no test runs its function; from its record if there is one."""
    path = bench.folder / "mutants" / f"{mutant.key}.json"
    module = digest(bench.tree / mutant.file, bench.tree)
    tests = hashlib.sha256("".join([bench.reach, *bench.tests.values()]).encode()).hexdigest()[:24]
    if path.exists():
        record = json.loads(path.read_text())
        if record["module"] == module and (record["fate"] == "caught" or record["tests"] == tests):
            return str(record["fate"])
    found = "not run"
    for stage in bench.stages(mutant):
        with bench.wrong(mutant):
            found = "caught" if bench.fails(stage, mutant) else "survived"
        if found == "caught":
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, {"fate": found, "module": module, "tests": tests, "where": where(mutant)})
    return found


def where(mutant: Mutant) -> str:
    """File, line and change, of a long text only what differs."""
    old, new = mutant.shown
    return f"{mutant.file}:{mutant.line} {mutant.function or '(top)'}: {old} → {new}"


def report(fates: dict[Mutant, str]) -> str:
    """The share caught by room, and the survivors that nobody has judged yet."""
    with KNOWN.open(newline="", encoding="utf-8") as file:
        known = {row["key"] for row in csv.DictReader(file)}
    lines = ["", "room        mutants  caught  judged"]
    rooms = {room: [m for m in fates if m.room == room] for room in sorted({m.room for m in fates})}
    for room, group in [*rooms.items(), ("all", [*fates])]:
        caught = sum(fates[mutant] == "caught" for mutant in group)
        judged = sum(fates[mutant] != "caught" and mutant.key in known for mutant in group)
        lines.append(f"{room:10s} {len(group):8d} {caught / max(len(group), 1):7.1%} {judged:7d}")
    new = [mutant for mutant, found in fates.items() if found != "caught" and mutant.key not in known]
    lines += ["", f"survivors that {KNOWN.name} does not explain: {len(new)}"]
    lines += [f"  {mutant.key} {fates[mutant]}: {where(mutant)}" for mutant in new]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
