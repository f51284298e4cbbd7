"""Problems of the baselines a spec asks for."""

import pytest
from test_load_spec import GOOD, problems

from avspec.spec import load_spec


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("baselines: {joint: [clinik]}\n", "there is no behavior `clinik`"),
        ("baselines: {joint: [BEHAVIOR, BEHAVIOR]}\n", "is trained already"),
        ("baselines: {joint: true}\n", "must be a list"),
        ("baselines: {prompt: true}\n", "unknown key `prompt`"),
    ],
)
def test_problems(write, text, what):
    behavior = next(iter(load_spec(write()).spec.behaviors))
    (problem,) = problems(write(GOOD + text.replace("BEHAVIOR", behavior)))
    assert what in problem.what


def test_a_level_without_words_cannot_be_asked_for(write):
    text = GOOD.replace("levels: [avoidance, generic, expert]", "levels: [avoidance, generic, expert]")
    found = load_spec(write(text + "baselines: {prompting: true}\n"))
    assert found.spec.baselines.prompting
