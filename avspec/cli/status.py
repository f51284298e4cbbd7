"""`avspec status RUN`."""

from pathlib import Path

import click

from avspec.cli.options import json_option, run_argument
from avspec.cli.output import print_json


@click.command()
@run_argument
@click.option("--verify", is_flag=True, help="Rehash every stored file, not only those whose size or time changed.")
@json_option
def command(run: Path, verify: bool, as_json: bool) -> None:
    """Say what a run has, and whether it is whole."""
    from avspec.run.duration import duration
    from avspec.run.status import run_status
    from avspec.run.summary import table

    found = run_status(run, verify=verify)
    if as_json:
        print_json(found.to_json())
        return
    rows = [
        (
            stage.address,
            stage.state,
            "" if stage.seconds is None else duration(stage.seconds),
            stage.created or "",
            (stage.key or "")[:12],
        )
        for stage in found.stages
    ]
    click.echo(f"{found.run}: last apply: {found.last}")
    click.echo(table(("stage", "state", "took", "made", "key"), rows), nl=False)
