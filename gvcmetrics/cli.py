"""The command line: parses, calls, prints. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gvcmetrics.errors import GvcError, printable

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
panel_app = typer.Typer(
    no_args_is_help=True, help="Harmonised panels: draft a spec, check it, build, list, describe."
)
app.add_typer(panel_app, name="panel")
hypotheses_app = typer.Typer(
    no_args_is_help=True, help="The field's hypotheses: list them, examine every panel, explain one."
)
app.add_typer(hypotheses_app, name="hypotheses")

# Newer typers bring a click of their own, whose mistakes are none of the package's.
_MISUSED: Any = typer.BadParameter.__mro__[2]
# What a shell gives a program that Ctrl-C has ended; typer hands it back without a word.
_STOPPED = 130
_SPEC_HELP = "The panel's YAML, as in data/panels/NAME.yaml; or NAME, of the project or an installed package."


@app.callback()
def _root() -> None:
    """gvcmetrics: upgrading in global value chains and industrial clusters, from raw files to tables."""


@panel_app.command("list")
def panel_list() -> None:
    """The project's panels: rows, years, countries, source and licence."""
    from gvcmetrics.panels.show import terminal

    terminal.print_panels()


@panel_app.command("new")
def panel_new(
    file: Annotated[
        Path,
        typer.Argument(
            help="The raw file: .csv, .tsv, .dta, .sav, .sas7bdat, .xlsx, .parquet, .zip, .tar.gz, …"
        ),
    ],
    country: Annotated[
        str | None,
        typer.Option("--country", help="The country of the data: ISO3 code or name; not of a trade file."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", help="Layout of the file, as in wbes, cis, baci, eurostat; else it is recognised."
        ),
    ] = None,
) -> None:
    """Draft a spec from a raw file: data/panels/NAME.yaml, with what is unsure marked in it."""
    from gvcmetrics.panels.draft.write import write_draft
    from gvcmetrics.panels.project import find_project
    from gvcmetrics.panels.show import findings

    findings.print_draft(write_draft(file, country, find_project(), preset))


@panel_app.command("check")
def panel_check(spec: Annotated[str, typer.Argument(help=_SPEC_HELP)]) -> None:
    """Report what a spec makes of its raw file, without building; exit code 1 if something is wrong."""
    from gvcmetrics.panels.show import findings, terminal
    from gvcmetrics.panels.sources.plugins import find_spec_file
    from gvcmetrics.panels.trial import check_panel

    path, project = find_spec_file(spec)
    with terminal.shown_progress(path.stem) as progress:
        report = check_panel(path, project, progress)
    findings.print_check(report, path)
    for problem in report.problems:
        typer.echo(f"error: {problem}", err=True)
    if report.problems:
        raise typer.Exit(1)
    if report.spec is not None:
        from gvcmetrics.claims.show import print_answerable

        columns = [line.column.name for line in report.columns if line.distinct]
        print_answerable(report.spec.contract.name, columns, project)


@panel_app.command("waves")
def panel_waves(
    spec: Annotated[str, typer.Argument(help=_SPEC_HELP)],
    everything: Annotated[
        bool, typer.Option("--all", help="Every variable of the files, not only those that the spec reads.")
    ] = False,
) -> None:
    """Report what changed between the waves of a survey: wording, labels, codes, types, scales."""
    from gvcmetrics.panels.show.waves import print_waves
    from gvcmetrics.panels.sources.plugins import find_spec_file
    from gvcmetrics.panels.waves.changes import wave_changes

    path, project = find_spec_file(spec)
    print_waves(wave_changes(path, project, everything))


@panel_app.command("build")
def panel_build(
    spec: Annotated[str, typer.Argument(help=_SPEC_HELP)],
    show_sql: Annotated[
        bool, typer.Option("--show-sql", help="Print the SQL instead of running it.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Write `built` or `absent` here; an absent source is no error then."),
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="duckdb, or spark (extra `spark`).")] = "duckdb",
) -> None:
    """Build the panel of one spec into data/parquet."""
    from gvcmetrics.panels import build
    from gvcmetrics.panels.show import terminal
    from gvcmetrics.panels.sources.plugins import find_spec_file
    from gvcmetrics.panels.state import build_or_skip

    if engine not in ("duckdb", "spark"):
        raise typer.BadParameter("write duckdb or spark", param_hint="--engine")
    chosen: Literal["duckdb", "spark"] = "spark" if engine == "spark" else "duckdb"
    path, project = find_spec_file(spec)
    if show_sql:
        typer.echo(build.show_sql(path))
    elif state is not None:
        terminal.print_built_or_skipped(path.stem, build_or_skip(path, state, project, chosen))
    else:
        with terminal.shown_progress(path.stem) as report:
            built = build.build_panel(path, project, chosen, report)
        terminal.print_built(built)


@panel_app.command("describe")
def panel_describe(
    name: Annotated[str, typer.Argument(help="The panel's name.")],
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the codebook to this HTML file instead.")
    ] = None,
) -> None:
    """A built panel's codebook: each column's label, unit, values, and the raw column behind it."""
    from gvcmetrics.panels.show import codebook, terminal

    if html is None:
        terminal.print_description(name)
    else:
        codebook.write_description(name, html)
        typer.echo(f"wrote {_shown(html.absolute())}")


@panel_app.command("page")
def panel_page(name: Annotated[str, typer.Argument(help="The panel's name.")]) -> None:
    """What a built panel holds and shows, for the report: analysis/results/panel_NAME.json and its files."""
    from gvcmetrics.report.portraits.page import write_page

    typer.echo(f"wrote {_shown(write_page(name))}")


@panel_app.command("schema")
def panel_schema() -> None:
    """The JSON Schema of specs, for editors that complete and check YAML."""
    import json

    from gvcmetrics.panels.spec.words import spec_schema

    typer.echo(json.dumps(spec_schema(), indent=2, ensure_ascii=False))


@hypotheses_app.command("list")
def hypotheses_list() -> None:
    """The hypotheses of analysis/hypotheses.yaml: what each claims, and of which panels."""
    from gvcmetrics.claims.show import print_list

    print_list()


@hypotheses_app.command("run")
def hypotheses_run() -> None:
    """Examine every hypothesis on every built panel; writes analysis/results/hypotheses.parquet."""
    from gvcmetrics.claims import show

    typer.echo(f"wrote {_shown(show.print_run())}")


@hypotheses_app.command("explain")
def hypotheses_explain(
    hypothesis: Annotated[str, typer.Argument(help="The id of the hypothesis, as in H1.")],
) -> None:
    """One hypothesis: claim, equations, rules, measures, and what each built panel has for it."""
    from gvcmetrics.claims.show import print_explanation

    print_explanation(hypothesis)


@hypotheses_app.command("schema")
def hypotheses_schema() -> None:
    """The JSON Schema of hypotheses, for editors that complete and check YAML."""
    import json

    from gvcmetrics.claims.claim import schema

    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


@app.command()
def survey(
    hypotheses: Annotated[
        list[str] | None,
        typer.Argument(help="Hypotheses, as in H1 H2 H7; all that firms can be asked for if none is named."),
    ] = None,
    language: Annotated[str, typer.Option("--language", help="Of the documents: en or es.")] = "en",
    currency: Annotated[str, typer.Option("--currency", help="Of amounts, as in PEN.")] = "USD",
    country: Annotated[str, typer.Option("--country", help="ISO3 code that the form begins with.")] = "",
    name: Annotated[str, typer.Option("--name", help="Of the form, its answers and the panel.")] = "survey",
    folder: Annotated[Path, typer.Option("--folder", help="Where to write.")] = Path("survey"),
) -> None:
    """Write a questionnaire (Markdown, Word, XLSForm), the spec of its answers, and made-up answers."""
    from gvcmetrics.report.questionnaires.survey import survey as made_of
    from gvcmetrics.simulate import economy

    made = made_of(hypotheses or (), language=language, currency=currency, country=country, name=name)
    simulated = economy(firms=400, clusters=20, years=4, seed=1).firms
    if not made.over_time:
        last = simulated["year"] == simulated["year"].max()
        simulated = simulated[last]
    typer.echo(str(made))
    for path in [*made.save(folder), *made.save_answers(simulated, folder)]:
        typer.echo(f"wrote {_shown(path.absolute())}")


@app.command()
def power(
    hypothesis: Annotated[str, typer.Argument(help="The id of a hypothesis on firms, as in H1.")],
    firms: Annotated[int, typer.Option("--firms", help="Firms asked.")] = 400,
    clusters: Annotated[int, typer.Option("--clusters", help="Clusters in which they are.")] = 20,
    years: Annotated[int, typer.Option("--years", help="Years in which each is asked.")] = 1,
    effect: Annotated[
        float | None,
        typer.Option("--effect", help="True effect, in the direction of the rule; else that of the economy."),
    ] = None,
    level: Annotated[float, typer.Option("--level", help="Of the two-sided test.")] = 0.05,
    wanted: Annotated[float, typer.Option("--power", help="The power that is wanted.")] = 0.8,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", help="Compare with and without this question; repeatable.")
    ] = None,
    buyers: Annotated[
        int | None, typer.Option("--buyers", help="Buyers that firms of a cluster can sell to.")
    ] = None,
    cv: Annotated[
        float | None, typer.Option("--cv", help="Coefficient of variation of the clusters' sizes.")
    ] = None,
    pilot: Annotated[
        str | None, typer.Option("--pilot", help="A built panel of firms, from which precision is taken.")
    ] = None,
    firm_cost: Annotated[float | None, typer.Option("--firm-cost", help="Of asking one firm.")] = None,
    cluster_cost: Annotated[
        float | None, typer.Option("--cluster-cost", help="Of going to a cluster.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", help="To spend; else what this design costs.")
    ] = None,
    rule: Annotated[int, typer.Option("--rule", help="The rule for costs and simulation, from 0.")] = 0,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", help="Draw power over firms and clusters: NAME.png and NAME.pdf."),
    ] = None,
    simulate: Annotated[
        int | None, typer.Option("--simulate", help="Examine so many simulated economies instead.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes of a simulation.")] = 1,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Keep a simulation's results here, to go on after a stop.")
    ] = None,
) -> None:
    """How likely a planned survey of firms is to support a hypothesis; from a simulated economy."""
    from gvcmetrics.planning.show import print_power

    changes: dict[str, Any] = {} if buyers is None else {"buyers": buyers}
    print_power(
        hypothesis, costs=(firm_cost, cluster_cost, budget), figure=figure, rule=rule,
        firms=firms, clusters=clusters, years=years, effect=effect, level=level, wanted=wanted,
        drop=drop or [], cv=cv, pilot=pilot, by="large" if simulate is None else "simulation",
        replications=simulate or 0, workers=workers, folder=folder, **changes,
    )  # fmt: skip


@app.command()
def codebook() -> None:
    """Write the codebook of all built panels to analysis/results/codebook.html."""
    from gvcmetrics.panels.show.codebook import write_codebook

    typer.echo(f"wrote {_shown(write_codebook())}")


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources; all that have an address if none is named.")
    ] = None,
) -> None:
    """Download sources that have an address, and say how to get the others."""
    from gvcmetrics.panels.show import terminal

    terminal.fetch_sources(names or [])


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def main() -> None:
    """Run the command line; an error that a user can act on is one message and exit code 1, Ctrl-C 130."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal of cp1252 has no minus sign of ours
    try:
        status = app(standalone_mode=False)
    except GvcError as error:
        typer.echo(f"error: {printable(str(error))}", err=True)
        sys.exit(1)
    except _MISUSED as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        status = _STOPPED
    except OSError as error:
        at = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {printable(f'{at}{error.strerror or error}')}.", err=True)
        sys.exit(1)
    if status == _STOPPED:
        typer.echo("stopped.", err=True)
    sys.exit(status if isinstance(status, int) else 0)
