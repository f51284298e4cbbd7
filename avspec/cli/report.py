"""`avspec report RUN`."""

from pathlib import Path

import click

from avspec.cli.options import run_argument


@click.command()
@run_argument
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def command(run: Path, open_it: bool) -> None:
    """Say where the report of a run is, or open it."""
    from avspec.run.results import report_page

    page = report_page(run)
    click.echo(page)
    if open_it:
        click.launch(page.resolve().as_uri())
