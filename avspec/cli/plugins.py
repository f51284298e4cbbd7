"""`avspec plugins`."""

from dataclasses import asdict

import click

from avspec.cli.options import json_option
from avspec.cli.output import print_json


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the installed plugins, broken ones with the reason.

    NAME is what a spec writes after "plugin:".
    """
    from avspec.registry import describe
    from avspec.run.summary import table

    found = describe()
    if as_json:
        print_json([asdict(info) for info in found])
        return
    rows = [
        (info.group, info.name, f"{info.distribution} {info.distribution_version}", info.error or "ok")
        for info in found
    ]
    click.echo(table(("group", "name", "distribution", "state"), rows), nl=False)
