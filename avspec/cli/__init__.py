"""The command line: one file a verb. Here is what is common to all: the list, the errors, the exit codes."""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence

import click

from avspec import __version__
from avspec.errors import AvspecError

VERBS = {
    "init": "Write a commented spec to start from.",
    "validate": "Check a spec, and say everything that is wrong with it.",
    "plan": "Say what apply would run, and why.",
    "apply": "Do what a spec says: train, sweep, search, evaluate, report.",
    "status": "Say what a run has, and whether it is whole.",
    "show": "Show the behaviors of a run, or a spec with all its defaults.",
    "report": "Say where the report of a run is, or open it.",
    "eval": "Measure preference accuracy and fluency on rows of your own.",
    "chat": "Talk to the model of a run, and turn its knobs.",
    "annotate": "Let people say the level of a run's responses, without seeing it, and measure how far they agree.",
    "plugins": "List the installed plugins, broken ones with the reason.",
    "schema": "Print the JSON Schema of specs, for your editor.",
    "gc": "Remove artifacts that no run needs.",
}
"""Verb to what `--help` says, in the order of a first day with avspec; `avspec.cli.VERB.command` is the rest."""

_USAGE_ERROR = 64
_INTERRUPTED = 130


class LazyGroup(click.Group):
    """Imports the file of a verb when the verb is used: `--help` and `plan` must not wait for torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"avspec.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, and say which one was probably meant."""
        if args[0] not in VERBS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], VERBS, n=1)
            guess = f"Did you mean '{close[0]}'?" if close else "See 'avspec --help'."
            ctx.fail(f"There is no verb '{args[0]}'. {guess}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", prog_name="avspec", message="%(prog)s %(version)s")
def cli() -> None:
    """Alignment vectors from a spec: train, search coefficients, report, and turn the knobs.

    \b
    A first day:
      avspec init                        writes avspec.yaml
      avspec plan avspec.yaml            what would run, and why
      avspec apply avspec.yaml           does it, into runs/NAME
      avspec chat runs/NAME              talk to the result

    Exit codes: 0 done, 2 the plan has changes (plan --detailed-exitcode), 64 wrong arguments, 65 something wrong
    in a spec or in rows, 66 a file is not there, 69 a plugin or model is not usable, 70 a stage failed, 74 the
    disk, 75 another apply is running, 130 Ctrl+C.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: the entry point of `avspec`."""
    sys.exit(_run(args))


def _run(args: Sequence[str] | None) -> int:
    """Return the exit code."""
    try:
        result = cli.main(args=args, prog_name="avspec", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return _USAGE_ERROR
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AvspecError as error:
        click.echo(f"{_red('error:')} {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        return _INTERRUPTED
    return result if isinstance(result, int) else 0


def _red(text: str) -> str:
    return text if os.environ.get("NO_COLOR") else click.style(text, fg="red", bold=True)
