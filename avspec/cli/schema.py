"""`avspec schema`."""

import click

from avspec.cli.output import print_json


@click.command()
def command() -> None:
    """Print the JSON Schema of specs, for your editor.

    It has the options of every installed plugin. Save it as avspec.schema.json, and begin a spec with
    "# yaml-language-server: $schema=avspec.schema.json".
    """
    from avspec.spec import schema

    print_json(schema())
