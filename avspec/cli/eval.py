"""`avspec eval RUN --data FILE.jsonl`."""

from pathlib import Path

import click

from avspec.cli.options import json_option, run_argument
from avspec.cli.output import print_json


@click.command()
@run_argument
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.jsonl",
    help="Rows with domain, query, and a response for each of the domain's levels.",
)
@click.option("--behavior", metavar="NAME", help="With the coefficients that the search found for it.")
@click.option("--coefficients", metavar="D=C,...", help="With these, as in medical=-0.4,legal=0.8; others are 0.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, ...")
@json_option
def command(run: Path, data: Path, behavior: str | None, coefficients: str | None, device: str, as_json: bool) -> None:
    """Measure preference accuracy and fluency on rows of your own.

    The fluency drop is how far the mean log-prob of the wanted level's responses fell below the base's, in nats per
    token; where no behavior says which level is wanted, it is the one that dominates in the base.
    """
    from rich.console import Console

    from avspec.serve.evaluate import evaluate, read_request, to_json
    from avspec.serve.opening import open_quietly
    from avspec.serve.tables import eval_table

    request = read_request(run, data, behavior=behavior, coefficients=coefficients)
    with Console(stderr=True).status("loading the model") as status:
        results = evaluate(open_quietly(run, device), request, status.update)
    if as_json:
        print_json(to_json(results, request))
    else:
        click.echo(eval_table(results, request), nl=False)
