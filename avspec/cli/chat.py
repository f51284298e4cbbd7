"""`avspec chat RUN`."""

from pathlib import Path

import click

from avspec.cli.options import run_argument


@click.command()
@run_argument
@click.option("--behavior", metavar="NAME", help="Start with the knobs of this behavior.")
@click.option("--compare", is_flag=True, help="Show every answer beside the base's.")
@click.option("--max-new-tokens", default=256, show_default=True, type=click.IntRange(1), help="Longest answer.")
@click.option("--temperature", default=0.0, show_default=True, type=click.FloatRange(0), help="0 is greedy.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, ...")
@click.option("--target", metavar="NAME", help="Turn the knobs of a target of the run's transfer, not of its base.")
def command(
    run: Path,
    behavior: str | None,
    compare: bool,
    max_new_tokens: int,
    temperature: float,
    device: str,
    target: str | None,
) -> None:
    """Talk to the model of a run, and turn its knobs.

    Questions may also be piped: `echo "Is this mole dangerous?" | avspec chat runs/NAME --behavior clinic`.
    """
    from avspec.model.run_folder import RunFolder
    from avspec.serve.chat import Session
    from avspec.serve.opening import open_quietly
    from avspec.serve.screen import Screen

    if behavior:
        RunFolder.open(run).behavior(behavior)  # a wrong name is told before the model is loaded
    screen = Screen()
    with screen.err.status("loading the model"):
        session = Session(open_quietly(run, device, target), screen, max_new_tokens, temperature, compare)
    screen.note(f"{session.model.run.name}: type a question, or /help")
    if behavior:
        session.handle(f"/behave {behavior}")
    for line in screen.lines():
        if not session.handle(line):
            break
