"""Outcomes of behaviors over resamplings of the rows."""

import numpy as np
import pytest

from avspec.search.comparison import DRAWS, interval, outcomes
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective

LEVELS = {"a": ("low", "high"), "b": ("low", "high")}
BEHAVIORS = {"both": {"a": "high", "b": "low"}, "one": {"b": {"level": "low", "share": 0.9}}}


def evaluation(a_high, b_low, rows=10, drop=0.0):
    """Return an evaluation in which so many rows prefer the level, `drop` nats below the base."""

    def values(count, level):
        found = np.full((rows, 2), -3.0)
        found[:count, level] = -2.0
        found[count:, 1 - level] = -2.0
        return found - drop

    return Evaluation({}, {"a": values(a_high, 1), "b": values(b_low, 0)}, 0.0)


def objective():
    return Objective(("a", "b"), LEVELS, BEHAVIORS, evaluation(5, 5), max_fluency_drop=0.8)


def test_the_first_outcome_is_that_of_the_rows_as_they_are():
    found = outcomes(objective(), {"both": evaluation(8, 7), "one": evaluation(3, 9)})
    assert found.held.shape == (1 + DRAWS,)
    assert found.held[0] == 2
    assert found.worst[0] == pytest.approx((0.7 + 0.9) / 2)


def test_a_least_share_that_is_missed_does_not_hold():
    assert outcomes(objective(), {"one": evaluation(3, 8)}).held[0] == 0


def test_a_broken_limit_does_not_hold_whatever_the_rows():
    assert outcomes(objective(), {"both": evaluation(10, 10, drop=2.0)}).held.max() == 0


def test_intervals_are_those_of_a_share():
    found = outcomes(objective(), {"both": evaluation(10, 6)})
    low, high = interval(found.worst)
    # a binomial share of 6 in 10: standard deviation 0.155
    assert 0.25 <= low <= 0.35 and 0.85 <= high <= 0.95
    assert 0.5 < found.held[1:].mean() < 0.8


def test_the_same_rows_are_resampled_for_both_sides_of_a_difference():
    first, again = (outcomes(objective(), {"both": evaluation(8, 7)}) for _ in range(2))
    assert (first.held == again.held).all()
    better = outcomes(objective(), {"both": evaluation(9, 8)})
    assert (better.worst >= first.worst).all(), "every resampling of rows of which more are right"
