"""What `--help` says, to the letter. AVSPEC_GOLDEN=1 writes the files anew; read the diff before you commit it."""

import importlib
import os
from pathlib import Path

import pytest

from avspec.cli import VERBS

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def compare(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("AVSPEC_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_help(avspec):
    code, out, _ = avspec("--help")
    assert code == 0
    compare("help", out)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(avspec, verb):
    code, out, _ = avspec(verb, "--help")
    assert code == 0
    compare(f"help-{verb}", out)


@pytest.mark.parametrize("verb", VERBS)
def test_the_list_of_verbs_says_what_each_verb_says(verb):
    command = importlib.import_module(f"avspec.cli.{verb}").command
    assert command.help.splitlines()[0] == VERBS[verb]


def test_version(avspec):
    code, out, _ = avspec("--version")
    assert (code, out) == (0, "avspec 0.1.0\n")
