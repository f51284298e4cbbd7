"""`avspec annotate RUN`."""

from pathlib import Path

import click

from avspec.cli.options import json_option, run_argument
from avspec.cli.output import print_json


@click.command()
@run_argument
@click.option("--annotator", metavar="NAME", help="Who annotates; without it the page asks.")
@click.option("--domain", "domains", multiple=True, metavar="NAME", help="Only this domain; may be repeated.")
@click.option("--queries", type=click.IntRange(1), help="Queries each annotator gets.  [default: 30]")
@click.option("--shared", type=click.IntRange(0), help="Those of them that everybody gets.  [default: 15]")
@click.option("--annotators", type=click.IntRange(1), help="How many annotators are expected.  [default: 3]")
@click.option(
    "--split", type=click.Choice(["train", "search", "test", "all"]), help="Rows to draw from.  [default: all]"
)
@click.option("--port", default=0, metavar="N", help="Port on this machine; a free one by default.")
@click.option("--no-open", is_flag=True, help="Do not open the browser.")
@click.option(
    "--judge", metavar="PROVIDER:MODEL", help="Let a language model label the items, as in anthropic:claude-..."
)
@click.option("--judge-option", "judge_options", multiple=True, metavar="KEY=VALUE", help="An option of the provider.")
@click.option("--max-cost", type=float, metavar="DOLLARS", help="What the judge's calls may cost this run in all.")
@click.option("--results", is_flag=True, help="Only say how far annotators agree.")
@json_option
def command(
    run: Path,
    annotator: str | None,
    domains: tuple[str, ...],
    queries: int | None,
    shared: int | None,
    annotators: int | None,
    split: str | None,
    port: int,
    no_open: bool,
    judge: str | None,
    judge_options: tuple[str, ...],
    max_cost: float | None,
    results: bool,
    as_json: bool,
) -> None:
    """Let people say the level of a run's responses, without seeing it, and measure how far they agree.

    A page opens on this machine. Queries are drawn once for a run: 30 an annotator, 15 of them shared, as in the
    paper's section 3.3. Every label is on disk at once; come back with the same name to go on. The next `avspec apply`
    brings Cohen's kappa and the confusion table into the report.
    """
    from avspec.annotation.told import agreement_text
    from avspec.serve.annotation import drawn, judged, result, served

    if not results:
        items = drawn(run, domains, split, queries, shared, annotators)
        if judge is not None:
            judged(run, items, judge, judge_options, max_cost, lambda line: click.echo(line, err=True))
        else:
            served(run, items, port, lambda url: _tell(url, no_open), annotator)
    found = result(run)
    if as_json:
        print_json(found)
        return
    click.echo(agreement_text(found), nl=False)
    click.echo("\n`avspec apply` on the run's spec brings this into its report.")


def _tell(url: str, no_open: bool) -> None:
    click.echo(f"Annotate at {url} (Ctrl+C ends it)", err=True)
    if not no_open:
        click.launch(url)
