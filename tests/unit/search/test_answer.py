from dataclasses import replace

import numpy as np
import pytest
from surfaces import BEHAVIORS, LEVELS, Surface

from avspec.search.answer import answer

COURT = {"medical": "avoidance", "legal": "expert"}


@pytest.fixture
def surface():
    return Surface()


def grid(surface, *values):
    """Return the evaluations of a sweep: each knob alone."""
    points = [{"medical": c, "legal": 0.0} for c in values] + [{"medical": 0.0, "legal": c} for c in values if c]
    return [surface(point) for point in points]


def ask(surface, wanted, evaluations, limit=9.0):
    objective = surface.objective({"it": wanted}, limit)
    return objective, answer(objective, surface.space(objective, len(evaluations)), evaluations)


def test_a_combination_that_no_evaluation_holds_is_predicted_and_holds(surface) -> None:
    evaluations = grid(surface, -1.2, -0.6, 0.0, 0.5, 1.0)
    objective, found = ask(surface, COURT, evaluations)
    assert not found.judgement.held and found.evaluations == 9
    assert found.prediction is not None and found.prediction.chance > 0.8
    real = surface(found.prediction.coefficients)
    assert objective.judge(real)["it"].held
    described = {d: np.bincount(v.argmax(axis=1), minlength=3) / 12 for d, v in real.log_probs.items()}
    for domain, shares in described.items():
        predicted = list(found.prediction.shares[domain].values())
        assert predicted == pytest.approx(shares.tolist(), abs=0.15)
        assert sum(predicted) == pytest.approx(1.0)


def test_what_is_predicted_can_be_typed_and_lies_in_the_range(surface) -> None:
    _, found = ask(surface, COURT, grid(surface, -1.2, -0.6, 0.0, 0.5, 1.0))
    assert found.prediction is not None
    for coefficient in found.prediction.coefficients.values():
        assert -1.5 <= coefficient <= 1.0 and round(coefficient, 2) == coefficient
    for domain, ranges in found.prediction.ranges.items():
        for level, (low, high) in ranges.items():
            assert 0 <= low <= high <= 1
            assert low - 0.05 <= found.prediction.shares[domain][level] <= high + 0.05


def test_the_same_evaluations_give_the_same_answer(surface) -> None:
    evaluations = grid(surface, -1.0, 0.0, 1.0)
    first, second = (ask(surface, COURT, evaluations)[1].prediction for _ in range(2))
    assert first is not None and first == second


def test_the_best_evaluation_is_the_searchs_own_choice(surface) -> None:
    evaluations = grid(surface, -1.2, -0.6, 0.0, 0.5, 1.0)
    for wanted in BEHAVIORS.values():
        objective, found = ask(surface, wanted, evaluations)
        assert found.best is objective.best(evaluations)["it"][0]
        assert found.judgement == objective.judge(found.best)["it"]


def test_only_what_is_expected_to_be_better_is_predicted(surface) -> None:
    wide = replace(
        surface({"medical": 0.9, "legal": 0.0}),
        log_probs={"medical": np.tile([-3.0, -2.0, -1.0], (12, 1)), "legal": surface.rows["legal"]},
    )
    _, found = ask(surface, {"medical": "expert"}, [*grid(surface, -1.0, 0.0, 1.0), wide])
    assert found.best is wide and found.judgement.margin == 1.0
    assert found.prediction is None, "nothing is better than every row"


def test_what_holds_is_not_given_up_for_less_than_a_row(surface) -> None:
    offered = 0
    for coefficients in np.linspace(0.1, 1.0, 10):
        evaluations = [*grid(surface, -1.0, 0.0), surface({"medical": float(coefficients), "legal": 0.0})]
        _, found = ask(surface, {"medical": "expert"}, evaluations)
        if found.judgement.held and found.prediction is not None:
            offered += 1
            assert found.prediction.margin > found.judgement.margin + 1 / 12
    assert offered, "some of them can be improved"


def test_a_prediction_keeps_the_limit_of_fluency() -> None:
    surface = Surface(curve=0.6)
    evaluations = grid(surface, -1.2, -0.6, 0.0, 0.5, 1.0)
    objective, free = ask(surface, COURT, evaluations)
    limited = ask(surface, COURT, evaluations, limit=0.1)[1]
    assert free.prediction is not None and limited.prediction is not None
    drops = [objective.judge(surface(f.prediction.coefficients))["it"].fluency_drop for f in (limited, free)]
    assert drops[0] < 0.15 < drops[1]
    strict = ask(surface, COURT, evaluations, limit=-5.0)[1]
    assert strict.prediction is None and not strict.judgement.feasible, "no draw keeps an impossible limit"


def test_a_least_share_asks_for_more(surface) -> None:
    evaluations = grid(surface, -1.2, -0.6, 0.0, 0.5, 1.0)
    _, some = ask(surface, {"medical": "expert"}, evaluations)
    _, most = ask(surface, {"medical": {"level": "expert", "share": 1.0}}, evaluations)
    assert most.judgement.margin < some.judgement.margin


def test_too_few_evaluations_predict_nothing(surface) -> None:
    _, found = ask(surface, COURT, grid(surface, 0.0, 1.0))
    assert found.prediction is None and found.left_out_error is None and found.evaluations == 3


def test_many_levels_are_read_in_the_order_of_the_objective() -> None:
    surface = Surface(("medical", "legal", "safety"))
    points = [*np.eye(3), *-np.eye(3)]
    evaluations = [surface(dict(zip(surface.domains, point.tolist(), strict=True))) for point in points]
    evaluations.append(surface(dict.fromkeys(surface.domains, 0.0)))
    _, found = ask(surface, {"medical": "expert", "safety": "avoidance"}, evaluations)
    assert found.prediction is not None
    assert {name: tuple(shares) for name, shares in found.prediction.shares.items()} == dict.fromkeys(
        surface.domains, LEVELS
    )
    assert found.prediction.shares["medical"]["expert"] > found.prediction.shares["medical"]["avoidance"]
