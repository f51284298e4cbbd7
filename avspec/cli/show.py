"""`avspec show RUN`, `avspec show SPEC`."""

from pathlib import Path

import click

from avspec.cli.options import json_option
from avspec.cli.output import print_json


@click.command()
@click.argument("what", metavar="RUN|SPEC", type=click.Path(path_type=Path))
@click.option("--resolved", is_flag=True, help="Say of every value where it was written; for a spec.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a value; for a spec.")
@json_option
def command(what: Path, resolved: bool, sets: tuple[str, ...], as_json: bool) -> None:
    """Show the behaviors of a run, or a spec with all its defaults.

    RUN is a folder that apply made; --json prints its report.json. SPEC is a YAML file.
    """
    if what.is_file() or resolved or sets:
        _show_spec(what, sets, resolved, as_json)
    else:
        _show_run(what, as_json)


def _show_run(run: Path, as_json: bool) -> None:
    from dataclasses import astuple

    from avspec.run.results import lines, report
    from avspec.run.summary import table

    found = report(run)
    if as_json:
        print_json(found)
        return
    header = ("behavior", "search and test", "domain", "knob", "wanted", "share on test [95 %]")
    click.echo(f"{found['name']}: {found['model']}")
    click.echo(table(header, [astuple(line) for line in lines(found)]), nl=False)
    click.echo(f"\nTry them: avspec chat {run}")


def _show_spec(spec: Path, sets: tuple[str, ...], resolved: bool, as_json: bool) -> None:
    from avspec.cli.resolved import resolved_text
    from avspec.spec import load_spec

    loaded = load_spec(spec, sets)
    if as_json:
        print_json({"spec": loaded.resolved(), "origins": loaded.origins})
    else:
        click.echo(resolved_text(loaded.resolved(), loaded.origins if resolved else {}), nl=False)
