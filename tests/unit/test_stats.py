import math

import numpy as np
import pytest

from avspec.errors import NonFinite
from avspec.stats import dominant, log_prob_margin, margin, shares, wilson

LOG_PROBS = np.array([[-4.0, -3.0, -5.0], [-4.0, -4.5, -3.5], [-4.1, -3.9, -4.2], [-2.0, -2.0, -3.0]])


def test_dominant_is_the_highest_and_the_lowest_of_equal_ones():
    assert dominant(LOG_PROBS).tolist() == [1, 2, 1, 0]


def test_shares_add_up_to_one():
    assert shares(LOG_PROBS).tolist() == [0.25, 0.5, 0.25]


def test_a_level_that_never_dominates_has_a_share():
    assert shares(LOG_PROBS[:1]).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("function", [shares, lambda x: log_prob_margin(x, 0)])
def test_no_rows_have_no_statistics(function):
    with pytest.raises(ValueError, match="at least one row"):
        function(np.zeros((0, 3)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_named(bad):
    broken = LOG_PROBS.copy()
    broken[2, 1] = bad
    for function in (dominant, shares, lambda x: log_prob_margin(x, 0)):
        with pytest.raises(NonFinite, match="row 2, level 1"):
            function(broken)


def test_the_shape_is_checked():
    with pytest.raises(ValueError, match=r"must be \[rows, levels\], got shape \[3\]"):
        shares(np.zeros(3))


@pytest.mark.parametrize(
    ("successes", "rows", "low", "high"),
    # by hand, and as in Brown, Cai and DasGupta 2001 for z = 1.959964
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (50, 100, 0.4038, 0.5962)],
)
def test_wilson(successes, rows, low, high):
    assert wilson(successes, rows) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_knows_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_contains_the_share_and_widens_with_confidence():
    for rows in range(1, 40):
        for successes in range(rows + 1):
            low, high = wilson(successes, rows)
            wide = wilson(successes, rows, confidence=0.99)
            assert 0 <= wide[0] <= low <= successes / rows <= high <= wide[1] <= 1


def test_margin_is_against_the_largest_other():
    assert margin([0.2, 0.5, 0.3], 1) == pytest.approx(0.2)
    assert margin([0.2, 0.5, 0.3], 0) == pytest.approx(-0.3)


def test_log_prob_margin_is_the_mean_over_rows():
    # rows: 1.0, -1.0, 0.2, 0.0
    assert log_prob_margin(LOG_PROBS, 1) == pytest.approx(0.05)
