"""`avspec report RUN`."""

from pathlib import Path

import click

from avspec.errors import UsageError


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
@click.option("--paper", "beside", is_flag=True, help="Lay runs, or all of them, beside the paper's figures.")
def command(runs: tuple[Path, ...], open_it: bool, beside: bool) -> None:
    """Say where the report of a run is, or open it.

    --paper writes another page, paper.html, and paper.md: every table and figure of the paper with what the runs
    measured of it. The specs in specs/paper make such runs.
    """
    if not beside and len(runs) != 1:
        raise UsageError("name one run", hint="avspec report runs/NAME; --paper takes several, or none for all")
    page = _beside(runs) if beside else _own(runs[0])
    click.echo(page)
    if open_it:
        click.launch(page.resolve().as_uri())


def _own(run: Path) -> Path:
    from avspec.run.results import report_page

    return report_page(run)


def _beside(runs: tuple[Path, ...]) -> Path:
    from avspec.paper.page import write_page

    return write_page(runs)
