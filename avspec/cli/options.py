"""Arguments and options that several verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def spec_argument(command: Command) -> Command:
    """Take SPEC, and `--set` to change it."""
    command = click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a value of the spec, as in --set training.beta=0.5; may be repeated.",
    )(command)
    return click.argument("spec", type=click.Path(path_type=Path))(command)


def run_argument(command: Command) -> Command:
    """Take RUN, a folder that apply made."""
    return click.argument("run", type=click.Path(path_type=Path))(command)


def json_option(command: Command) -> Command:
    """Take `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def target_option(command: Command) -> Command:
    """Take `--target`."""
    return click.option(
        "--target", metavar="ADDRESS", help="Only this stage and what it needs, as in --target train[medical]."
    )(command)


def force_option(command: Command) -> Command:
    """Take `--force`."""
    return click.option(
        "--force",
        multiple=True,
        metavar="ADDRESS",
        help="Run this stage, or all of a kind, although nothing changed; may be repeated.",
    )(command)
