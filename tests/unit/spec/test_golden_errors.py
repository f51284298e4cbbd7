"""Each broken spec in golden/ has the text that a user sees beside it; AVSPEC_GOLDEN=1 writes the texts anew."""

import os
from pathlib import Path

import pytest

from avspec.errors import SpecError
from avspec.spec import load_spec

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_error_text(name, monkeypatch):
    monkeypatch.chdir(GOLDEN)
    with pytest.raises(SpecError) as error:
        load_spec(Path(f"{name}.yaml"))
    text = Path(f"{name}.txt")
    if os.environ.get("AVSPEC_GOLDEN"):
        text.write_text(f"{error.value}\n")
    assert f"{error.value}\n" == text.read_text()


def test_every_text_belongs_to_a_spec():
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == NAMES
    assert len(NAMES) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_every_place_points_at_its_line(name, monkeypatch):
    monkeypatch.chdir(GOLDEN)
    with pytest.raises(SpecError) as error:
        load_spec(Path(f"{name}.yaml"))
    for problem in error.value.problems:
        assert problem.what
        if problem.source:
            line = Path(problem.file).read_text().splitlines()[problem.line - 1]
            assert problem.source == line.replace("\t", " ")
            assert 1 <= problem.column <= len(line) + 1
