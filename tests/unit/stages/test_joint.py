"""The order of preference of a joint training, and reference log-probs in it."""

import pytest

from avspec.stages.joint import preference, reordered

LEVELS = ("avoidance", "generic", "expert")


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ("expert", ("avoidance", "generic", "expert")),
        ("avoidance", ("expert", "generic", "avoidance")),
        ("generic", ("avoidance", "expert", "generic")),
    ],
)
def test_the_wanted_level_is_the_most_preferred_and_the_farthest_the_least(wanted, order):
    assert preference(LEVELS, wanted) == order


def test_of_two_levels_the_other_one_is_rejected():
    assert preference(("unsafe", "safe"), "unsafe") == ("safe", "unsafe")


def test_references_follow_the_order():
    known = {"r1": [-3.0, -2.0, -1.0], "r2": [-6.0, -5.0, -4.0]}
    assert reordered(known, LEVELS, preference(LEVELS, "generic")) == {
        "r1": [-3.0, -1.0, -2.0],
        "r2": [-6.0, -4.0, -5.0],
    }
