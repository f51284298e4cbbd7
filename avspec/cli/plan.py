"""`avspec plan SPEC`."""

from pathlib import Path

import click

from avspec.cli.options import force_option, json_option, spec_argument, target_option
from avspec.cli.output import print_json


@click.command()
@spec_argument
@target_option
@force_option
@click.option("--verify", is_flag=True, help="Rehash every stored file, not only those whose size or time changed.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there is something to run.")
@json_option
def command(
    spec: Path,
    sets: tuple[str, ...],
    target: str | None,
    force: tuple[str, ...],
    verify: bool,
    detailed_exitcode: bool,
    as_json: bool,
) -> int:
    """Say what apply would run, and why.

    Nothing is run and no model is loaded.
    """
    from avspec.plan.render import render_plan
    from avspec.run.expense import expenses, render_expenses
    from avspec.run.preview import preview
    from avspec.spec import load_spec

    loaded = load_spec(spec, sets)
    plan = preview(loaded, target=target, force=force, verify=verify)
    calls = expenses(loaded, plan)
    if as_json:
        print_json({**plan.to_json(), "calls": calls.to_json() if calls else None})
    else:
        click.echo(render_plan(plan), nl=False)
        click.echo(f"\n{render_expenses(calls)}" if calls else "", nl=False)
    return 2 if detailed_exitcode and plan.running else 0
