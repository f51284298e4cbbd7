"""`avspec validate SPEC`."""

from pathlib import Path

import click

from avspec.cli.options import spec_argument


@click.command()
@spec_argument
def command(spec: Path, sets: tuple[str, ...]) -> None:
    """Check a spec, and say everything that is wrong with it.

    Reads the spec and the files of rows that it names; no model is loaded. Exits with 65 when something is wrong.
    """
    from avspec.spec import load_spec

    loaded = load_spec(spec, sets).spec
    count = len(loaded.all_behaviors())
    parts = [
        f"domains {', '.join(loaded.domains)}",
        *([f"guardrails {', '.join(loaded.guardrails)}"] if loaded.guardrails else []),
        f"{count} behavior{'' if count == 1 else 's'}",
    ]
    click.echo(f"{spec} is valid: {loaded.name}, {'; '.join(parts)}.")
