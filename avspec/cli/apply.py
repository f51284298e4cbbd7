"""`avspec apply SPEC`."""

from pathlib import Path

import click

from avspec.cli.options import force_option, spec_argument, target_option


@click.command()
@spec_argument
@target_option
@force_option
@click.option("--device", default="auto", show_default=True, help="Where models run: auto, cpu, cuda, ...")
@click.option("--plain", is_flag=True, help="Lines of text instead of a live view; also when NO_COLOR is set.")
@click.option("--json", "json_lines", is_flag=True, help="Print every event as one line of JSON.")
def command(
    spec: Path,
    sets: tuple[str, ...],
    target: str | None,
    force: tuple[str, ...],
    device: str,
    plain: bool,
    json_lines: bool,
) -> None:
    """Do what a spec says: train, sweep, search, evaluate, report.

    Artifacts go to .avspec and results to runs/NAME in the current folder. Whatever an earlier apply finished is
    reused; after Ctrl+C, a crash or a power cut, the same command goes on where the last one ended.
    """
    from avspec.run.apply import apply
    from avspec.run.view import choose_view
    from avspec.spec import load_spec

    view = choose_view(json_lines=json_lines, plain=plain)
    apply(load_spec(spec, sets), view=view, target=target, force=force, device=device)
