"""`avspec show RUN`, `avspec show SPEC`."""

from pathlib import Path

import click

from avspec.cli.options import json_option
from avspec.cli.output import print_json
from avspec.errors import UsageError


@click.command()
@click.argument("what", metavar="RUN|SPEC", type=click.Path(path_type=Path))
@click.option("--resolved", is_flag=True, help="Say of every value where it was written; for a spec.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a value; for a spec.")
@click.option("--behavior", metavar="D=LEVEL,...", help="Answer this behavior, also one that is not in the spec.")
@click.option("--verify", is_flag=True, help="With --behavior: evaluate what is predicted.")
@click.option("--device", default="auto", show_default=True, help="With --verify: cpu, cuda, ...")
@json_option
def command(
    what: Path,
    resolved: bool,
    sets: tuple[str, ...],
    behavior: str | None,
    verify: bool,
    device: str,
    as_json: bool,
) -> None:
    """Show the behaviors of a run, or a spec with all its defaults.

    RUN is a folder that apply made; --json prints its report.json. SPEC is a YAML file.

    --behavior medical=avoidance,legal=expert asks a run for any combination of levels, also of some domains only.
    It is answered at once from the evaluations that the search left: the best of them and, where the surface fitted
    to them predicts better coefficients, those with their chance to hold.
    """
    if verify and behavior is None:
        raise UsageError("--verify needs a behavior", hint="--behavior medical=avoidance,legal=expert --verify")
    if behavior is not None:
        if what.is_file() or resolved or sets:
            raise UsageError("--behavior is asked of a run, not of a spec", hint="name the folder runs/NAME")
        _show_answer(what, behavior, verify, device, as_json)
    elif what.is_file() or resolved or sets:
        _show_spec(what, sets, resolved, as_json)
    else:
        _show_run(what, as_json)


def _show_answer(run: Path, behavior: str, verify: bool, device: str, as_json: bool) -> None:
    from avspec.serve.answering import answered, to_json, to_text, verified
    from avspec.serve.question import read_question

    told = answered(read_question(run, behavior))
    if verify:
        from rich.console import Console

        with Console(stderr=True).status("loading the model") as status:
            told = verified(told, device, status.update)
    if as_json:
        print_json(to_json(told))
    else:
        click.echo(to_text(told), nl=False)


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
