"""What `panel new` and `panel check` print."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from gvcmetrics.ground.numbers import short
from gvcmetrics.panels.draft.write import Draft
from gvcmetrics.panels.findings import OUTLIER_RULE, Findings
from gvcmetrics.panels.show.terminal import new_console, new_table
from gvcmetrics.panels.spec.columns import PanelColumn
from gvcmetrics.panels.spec.panel import PanelSpec, said_unlabelled

_MOST_VALUES = 12
_MOST_RAW = 40


def print_draft(draft: Draft) -> None:
    """What the draft maps, and the lines that wait for a decision."""
    console = new_console()
    if draft.copied is not None:
        command(console, f"copied {draft.sample.name} to {shown(draft.copied)}, where specs find it")
    preset = f", layout preset {draft.preset}" if draft.preset else ""
    command(console, f"wrote {shown(draft.path)}: {len(draft.proposed)} panel columns proposed{preset}")
    table = new_table("panel column", "read from")
    for name, raw in draft.proposed.items():
        table.add_row(name, raw)
    console.print(table)
    say(console, f"\nTo decide or fill in, {len(draft.unsure)} lines:")
    table = new_table("line", "key", "why", numeric=("line",))
    for number, line in draft.unsure.items():
        table.add_row(str(number), line.key, line.why)
    console.print(table)
    command(console, f"\nThen run: gvcmetrics panel check {shown(draft.path)}")


def print_check(report: Findings, path: Path) -> None:
    """The report of a check, as far as it got; problems are printed by the caller."""
    console = new_console()
    spec, tally = report.spec, report.tally
    if spec is None or tally is None:
        if not report.problems:
            command(console, f"{report.note}. Next: gvcmetrics panel build {shown(path)}")
        return
    counts = f"{tally.rows:,} raw rows, {report.rows:,} rows of a {spec.contract.name} panel"
    say(console, f"{spec.name}: {counts}; keys {' × '.join(spec.keys)}", style="bold")
    repeated = (
        f"raw rows that share a key: {report.duplicates:,}" if report.duplicates else "no key stands twice"
    )
    rejected = f"raw rows that break a rule: {tally.rejected:,}" if tally.rejected else "no row breaks a rule"
    say(
        console,
        f"{repeated}; {rejected}"
        + (f"; {tally.left_out:,} left out by `keep` or `drop`" if tally.left_out else ""),
    )
    _print_columns(console, report)
    say(console, f"\nNot in the spec, of the {spec.contract.name} contract:", style="bold")
    say(console, ", ".join(report.absent) or "nothing; the spec maps every column")
    if spec.absent:
        say(console, f"Optional, and not in the file: {', '.join(spec.absent)}")
    if spec.unlabelled:
        say(console, f"{said_unlabelled(spec)}.")
    _print_recodes(console, report)
    _print_outliers(console, report)
    for name, values in report.coverage:
        most = values[:_MOST_VALUES]
        more = f", and {len(values) - len(most):,} more" if len(values) > len(most) else ""
        say(console, f"\nRows by {name}", style="bold")
        say(console, ", ".join(f"{value} ({rows:,})" for value, rows in most) + more)
    if report.implausible:
        table = new_table("implausible column", "why")
        for name, why in report.implausible:
            table.add_row(name, why)
        console.print()
        console.print(table)
    if not report.problems:
        said = (
            "No rule is broken; look at the implausible columns" if report.implausible else "Nothing is wrong"
        )
        command(console, f"\n{said}. Next: gvcmetrics panel build {shown(path)}")


def _print_columns(console: Console, report: Findings) -> None:
    assert report.spec is not None
    table = new_table(
        "column", "raw column", "missing", "distinct", "values", numeric=("missing", "distinct")
    )
    for line in report.columns:
        missing = f"{100 * line.missing_share:.1f} %"
        table.add_row(
            line.column.name, _raw(line.column, report.spec), missing, f"{line.distinct:,}", line.spread
        )
    console.print()
    console.print(table)


def _print_recodes(console: Console, report: Findings) -> None:
    if not report.recoded:
        return
    table = new_table("recoded column", "raw column", "raw value", "becomes", "rows", numeric=("rows",))
    for line in report.recoded:
        table.add_row(line.column, line.raw_column, line.value, line.becomes, f"{line.rows:,}")
    console.print()
    console.print(table)


def _print_outliers(console: Console, report: Findings) -> None:
    say(console, f"\nOutliers: {OUTLIER_RULE}", style="bold")
    if not report.outliers:
        say(console, "none")
        return
    table = new_table(
        "column", "outliers", "of positive values", "from", "to", numeric=("outliers", "from", "to")
    )
    for line in report.outliers:
        table.add_row(
            line.column, f"{line.outliers:,}", f"{line.positive:,}", short(line.low), short(line.high)
        )
    console.print(table)


def _raw(column: PanelColumn, spec: PanelSpec) -> str:
    if column.spec.cross:
        return " × ".join(column.spec.cross)
    raws = [item.raw for item in column.inputs if item.raw is not None]
    if not raws:
        constant = column.spec.constant
        return (
            f"constant {constant}" if constant is not None else "the layout" if spec.periods else "file name"
        )
    text = ", ".join(raws)
    text = text if len(text) <= _MOST_RAW else f"{raws[0]} and {len(raws) - 1} more"
    return text if column.spec.scale is None else f"{text} × {column.spec.scale:g}"


def say(console: Console, text: str, style: str | None = None) -> None:
    """A paragraph as it is: neither markup nor highlighting."""
    console.print(text, style=style, markup=False)


def command(console: Console, text: str) -> None:
    """A line with a path or command, which a terminal must not break."""
    console.print(text, markup=False, soft_wrap=True)


def shown(path: Path) -> str:
    """A path from the working directory, where it lies below."""
    path, here = path.absolute(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
