"""`avspec gc`."""

import click


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def command(dry_run: bool) -> None:
    """Remove artifacts that no run needs.

    What stands in the lock of a run below runs/, and what an interrupted apply goes on with, is kept. To give up
    a run, remove its folder first.
    """
    from avspec.run.cleanup import clean

    garbage = clean(dry_run=dry_run)
    for key in garbage.keys:
        click.echo(key)
    verb = "would be removed" if dry_run else "removed"
    click.echo(f"{len(garbage.keys)} artifacts {verb}, {garbage.bytes / 1e6:.1f} MB")
