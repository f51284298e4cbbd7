"""Problems of the baselines a spec asks for."""

import pytest
from test_load_spec import problems

BEHAVIORS = "behaviors:\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("baselines: {joint: [clinik]}\n", "there is no behavior `clinik`"),
        ("baselines: {joint: [BEHAVIOR, BEHAVIOR]}\n", "is trained already"),
        ("baselines: {joint: true}\n", ""),
        ("baselines: {prompt: true}\n", "unknown key `prompt`"),
    ],
)
def test_problems(write, text, what):
    from conftest import GOOD

    from avspec.spec import load_spec

    behavior = next(iter(load_spec(write()).spec.behaviors))
    (problem,) = problems(write(GOOD + text.replace("BEHAVIOR", behavior)))
    assert what in problem.what
