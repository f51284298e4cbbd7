import pytest

from avspec.search.demands import Demand, demands, least_shares, levels_of

BEHAVIOR = {"medical": "expert", "legal": {"level": "avoidance", "share": 0.6, "weight": 4.0}}


def test_a_share_of_k_rows_in_n_is_reached_by_k_rows_whatever_floats_make_of_it() -> None:
    for rows in range(1, 80):
        for needed in range(1, rows + 1):
            assert Demand("expert", needed / rows).short(rows) == needed - 1


def test_between_two_numbers_of_rows_the_larger_is_needed() -> None:
    assert Demand("expert", 0.55).short(12) == 6, "seven rows of twelve are 58 %, six are 50 %"
    assert Demand("expert", 0.001).short(12) == 0, "one row at least"
    assert Demand("expert").short(12) == -1


def test_weights_are_relative_to_the_heaviest_domain() -> None:
    found = demands(BEHAVIOR)
    assert found == {"medical": Demand("expert", None, 0.25), "legal": Demand("avoidance", 0.6, 1.0)}
    assert demands({"medical": {"level": "expert", "weight": 9.0}}) == {"medical": Demand("expert")}
    assert demands({}) == {}


@pytest.mark.parametrize("weight", [0.1, 0.5, 1.0])
def test_a_weighed_margin_keeps_its_sign_and_its_order(weight: float) -> None:
    margins = [-1.0, -0.25, 0.0, 0.25, 1.0]
    weighed = [Demand("expert", None, weight).weigh(margin) for margin in margins]
    assert weighed == sorted(weighed) and min(weighed) >= -1
    assert [w > 0 for w in weighed] == [m > 0 for m in margins]


def test_levels_and_least_shares_are_told_apart() -> None:
    assert levels_of(BEHAVIOR) == {"medical": "expert", "legal": "avoidance"}
    assert least_shares(BEHAVIOR) == {"legal": 0.6}
