"""`avspec init`."""

from importlib import resources
from pathlib import Path

import click

from avspec.errors import StoreError, UsageError


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default=Path("avspec.yaml"))
@click.option("--name", help="Name of the run; taken from the file, or for avspec.yaml from the folder, unless given.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
def command(path: Path, name: str | None, force: bool) -> None:
    """Write a commented spec to start from.

    PATH is avspec.yaml unless given.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="give another path, or --force to overwrite it")
    text = resources.files("avspec.cli").joinpath("starter.yaml").read_text(encoding="utf-8")
    try:
        path.write_text(text.replace("NAME", name or _name(path)), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write: {error.strerror}", where=str(path), hint="choose another path") from error
    click.echo(f"{path} written. Next:\n  avspec plan {path}\n  avspec apply {path}")


def _name(path: Path) -> str:
    """Return a name that a spec may have, made of the file's name, or of the folder's for `avspec.yaml`."""
    stem = path.resolve().parent.name if path.name == "avspec.yaml" else path.stem
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in stem.lower()).strip("-")
    return kept or "my-run"
