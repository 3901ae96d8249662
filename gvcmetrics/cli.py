"""The command line: parses, calls, prints. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gvcmetrics.errors import GvcError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
panel_app = typer.Typer(no_args_is_help=True, help="Harmonised panels: list, build, describe.")
app.add_typer(panel_app, name="panel")


@app.callback()
def _root() -> None:
    """gvcmetrics: upgrading in global value chains and industrial clusters, from raw files to tables."""


@panel_app.command("list")
def panel_list() -> None:
    """The project's panels: rows, years, countries, source and licence."""
    from gvcmetrics.panels import terminal

    terminal.print_panels()


@panel_app.command("build")
def panel_build(
    spec: Annotated[Path, typer.Argument(help="The panel's YAML, as in data/panels/NAME.yaml.")],
    show_sql: Annotated[
        bool, typer.Option("--show-sql", help="Print the SQL instead of running it.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Write `built` or `absent` here; an absent source is no error then."),
    ] = None,
) -> None:
    """Build the panel of one spec into data/parquet."""
    from gvcmetrics.panels import build, terminal
    from gvcmetrics.panels.state import build_or_skip

    if show_sql:
        typer.echo(build.show_sql(spec))
    elif state is not None:
        terminal.print_built_or_skipped(spec.stem, build_or_skip(spec, state))
    else:
        terminal.print_built(build.build_panel(spec))


@panel_app.command("describe")
def panel_describe(name: Annotated[str, typer.Argument(help="The panel's name.")]) -> None:
    """A built panel's codebook."""
    from gvcmetrics.panels import terminal

    terminal.print_description(name)


@app.command()
def codebook() -> None:
    """Write the codebook of all built panels to analysis/results/codebook.html."""
    from gvcmetrics.panels.codebook import write_codebook

    typer.echo(f"wrote {_shown(write_codebook())}")


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources; all that have an address if none is named.")
    ] = None,
) -> None:
    """Download sources that have an address, and say how to get the others."""
    from gvcmetrics.panels import terminal

    terminal.fetch_sources(names or [])


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def main() -> None:
    """Run the command line; an error that a user can act on is one message and exit code 1."""
    try:
        app()
    except GvcError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        at = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {at}{error.strerror or error}.", err=True)
        sys.exit(1)
