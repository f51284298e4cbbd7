from dataclasses import replace

import numpy as np
import pytest
from surfaces import BEHAVIORS, LEVELS, Surface

from avspec.errors import NonFinite
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective

# four rows: expert dominates two, generic one, avoidance one
MEDICAL = np.array([[-3.0, -2.0, -1.0], [-3.0, -2.0, -1.5], [-3.0, -1.0, -2.0], [-1.0, -3.0, -3.0]])
# four rows, all avoidance
LEGAL = np.array([[-1.0, -2.0, -3.0]] * 4)
BASE = Evaluation({}, {"medical": MEDICAL + 0.25, "legal": LEGAL + 0.75}, 0.0)
NOW = Evaluation({"medical": 1.0, "legal": -1.0}, {"medical": MEDICAL, "legal": LEGAL}, 0.0)


def objective(behavior, max_fluency_drop=0.5, **more):
    levels = {"medical": LEVELS, "legal": LEVELS}
    return Objective(("medical", "legal"), levels, {"it": behavior}, BASE, max_fluency_drop, **more)


def test_a_judgement_by_hand():
    judged = objective({"medical": "expert"}).judge(NOW)["it"]
    assert judged.margin == 0.5 - 0.25
    assert judged.log_prob_margin == pytest.approx((1.0 + 0.5 - 1.0 - 2.0) / 4)
    assert judged.value == pytest.approx(0.25 + 1e-3 * -0.375)
    assert judged.fluency_drop == pytest.approx(0.25)
    assert judged.excess == pytest.approx(-0.25) and judged.feasible and judged.held


def test_the_weakest_named_domain_decides_and_a_free_one_does_not():
    both = objective({"medical": "expert", "legal": "avoidance"}, 1.0).judge(NOW)["it"]
    assert both.margin == 0.25 and both.fluency_drop == pytest.approx(0.75)
    assert objective({"legal": "avoidance"}, 1.0).judge(NOW)["it"].margin == 1.0
    assert not objective({"medical": "expert", "legal": "expert"}, 9.0).judge(NOW)["it"].held


def test_text_that_lost_fluency_does_not_hold():
    judged = objective({"legal": "avoidance"}).judge(NOW)["it"]
    assert judged.margin == 1.0 and not judged.feasible and not judged.held


def test_a_tie_is_not_held():
    tied = replace(NOW, log_probs={"medical": MEDICAL[1:], "legal": LEGAL})
    base = Evaluation({}, {"medical": MEDICAL[1:], "legal": LEGAL}, 0.0)
    judged = replace(objective({"medical": "expert"}), base=base).judge(tied)["it"]
    assert judged.margin == 0.0 and judged.feasible and not judged.held


def test_a_guardrail_that_falls_too_far_makes_every_behavior_infeasible():
    safe, unsafe = np.array([[-2.0, -1.0]] * 4), np.array([[-1.0, -2.0]] + [[-2.0, -1.0]] * 3)
    base = replace(BASE, log_probs={**BASE.log_probs, "safety": safe})
    now = replace(NOW, log_probs={**NOW.log_probs, "safety": unsafe})
    watched = replace(objective({"medical": "expert"}), base=base, guardrails={"safety": 0.2})
    assert watched.guardrail_excess(now.log_probs) == {"safety": pytest.approx(0.05)}
    assert not watched.judge(now)["it"].feasible
    assert replace(watched, guardrails={"safety": 0.25}).judge(now)["it"].feasible


def test_best_prefers_feasible_then_the_margin():
    surface = Surface()
    goal = surface.objective(BEHAVIORS, max_fluency_drop=0.6)
    points = [surface({"medical": m, "legal": -m}) for m in (-1.4, -0.5, 0.2, 0.5, 1.0)]
    best = goal.best(points)
    assert set(best) == set(BEHAVIORS)
    for name, (evaluation, judgement) in best.items():
        judged = [goal.judge(point)[name] for point in points]
        feasible = [j for j in judged if j.feasible]
        assert judgement.margin >= max(j.margin for j in feasible or judged) - 1.01 / 12
        assert judgement.feasible == bool(feasible)
        assert goal.judge(evaluation)[name] == judgement
    assert goal.best([]) == {}


def medical(experts, generics, coefficient):
    """Return an evaluation of twelve rows: so many prefer expert, so many generic, the others avoidance."""
    rows = [[-3, -2, -1]] * experts + [[-3, -1, -2]] * generics + [[-1, -2, -3]] * (12 - experts - generics)
    return Evaluation({"medical": coefficient}, {"medical": np.array(rows, float)}, 0.0)


def test_of_near_equal_points_the_one_that_survives_resampling_is_best():
    domains = ("medical", "legal", "financial")
    narrow, wide = medical(7, 4, 0.0).log_probs["medical"], medical(12, 0, 0.0).log_probs["medical"]
    everywhere_narrow = Evaluation({"medical": 0.1}, dict.fromkeys(domains, narrow), 0.0)
    narrower_once = Evaluation(
        {"medical": 0.9},
        {"medical": medical(6, 4, 0.0).log_probs["medical"], "legal": wide, "financial": wide},
        0.0,
    )
    goal = Objective(
        domains, dict.fromkeys(domains, LEVELS), {"it": dict.fromkeys(domains, "expert")}, everywhere_narrow, 9.0
    )
    margins = [goal.judge(e)["it"].margin for e in (everywhere_narrow, narrower_once)]
    assert margins == pytest.approx([3 / 12, 2 / 12])
    assert goal.survival("it", narrower_once) > goal.survival("it", everywhere_narrow) + 0.05
    assert goal.best([everywhere_narrow, narrower_once])["it"][0] is narrower_once


def test_of_equal_points_the_smallest_edit_is_best():
    goal = Objective(("medical",), {"medical": LEVELS}, {"it": {"medical": "expert"}}, medical(4, 4, 0.0), 9.0)
    points = [medical(9, 3, 0.8), medical(9, 3, -0.3), medical(9, 3, 0.4)]
    assert goal.best(points)["it"][0].coefficients == {"medical": -0.3}
    two = Evaluation({"medical": 0.1, "legal": -0.2}, points[0].log_probs, 0.0)
    assert goal.edit(two) == pytest.approx(0.3)
    assert replace(goal, norms={"medical": 2.0, "legal": 10.0}).edit(two) == pytest.approx(2.2)


def test_a_point_that_holds_is_never_given_up_for_one_that_does_not():
    goal = Objective(("medical",), {"medical": LEVELS}, {"it": {"medical": "expert"}}, medical(4, 4, 0.0), 9.0)
    holds, tied = medical(5, 4, 0.9), medical(6, 6, 0.1)
    assert goal.best([tied, holds])["it"][0] is holds


def test_nan_is_an_error_and_not_a_lost_behavior():
    broken = replace(NOW, log_probs={"medical": MEDICAL * np.nan, "legal": LEGAL})
    with pytest.raises(NonFinite):
        objective({"medical": "expert"}).judge(broken)


def test_the_description_is_json_with_the_numbers_a_sampler_needs():
    import json

    described = json.loads(json.dumps(objective({"medical": "expert"}).describe()))
    assert described["base"]["legal"] == pytest.approx([-0.25, -1.25, -2.25])
    assert described["behaviors"] == {"it": {"medical": "expert"}}


def test_a_least_share_must_be_reached_besides_being_dominant():
    def judged(experts, generics, share):
        goal = Objective(
            ("medical",),
            {"medical": LEVELS},
            {"it": {"medical": {"level": "expert", "share": share}}},
            medical(4, 4, 0.0),
            9.0,
        )
        return goal.judge(medical(experts, generics, 0.5))["it"]

    assert judged(7, 3, 0.5).held and judged(6, 3, 0.5).held, "at least: exactly one half is enough"
    assert not judged(5, 3, 0.5).held, "dominant, but too few"
    assert judged(6, 3, 0.5).margin == pytest.approx(1 / 12), "one row beyond what would not do"
    assert judged(5, 3, 0.5).margin == 0.0
    assert not judged(6, 6, 0.5).held, "enough, but a tie"
    assert judged(7, 3, 0.55).held and not judged(6, 3, 0.55).held
    assert judged(12, 0, 1.0).held and not judged(11, 1, 1.0).held


def weighing(level, medical, legal):
    """Return the judgement of margins 0.25 (expert) or -0.25 (generic) in medical and 1.0 in legal."""
    wanted = {"medical": {"level": level, "weight": medical}, "legal": {"level": "avoidance", "weight": legal}}
    return objective(wanted, 9.0).judge(NOW)["it"]


def test_a_weight_moves_the_value_and_never_what_holds():
    assert weighing("expert", 1, 1).margin == weighing("expert", 2, 1).margin == 0.25
    assert weighing("expert", 1, 2).margin == pytest.approx(0.5), "a lighter domain needs less for the same value"
    assert weighing("expert", 1, 10).margin == 1.0, "now legal, the heaviest, is the smallest"
    assert weighing("generic", 1, 1).margin == weighing("generic", 2, 1).margin == -0.25
    assert weighing("generic", 1, 2).margin == pytest.approx(-0.125)
    for medical, legal in ((1, 1000), (1000, 1)):
        assert weighing("expert", medical, legal).held and not weighing("generic", medical, legal).held


def test_weights_count_by_their_ratio_alone():
    assert weighing("expert", 0.3, 0.6) == weighing("expert", 1, 2) == weighing("expert", 5, 10)
    alone = objective({"medical": {"level": "expert", "weight": 7.0}}, 9.0).judge(NOW)["it"]
    assert alone == objective({"medical": "expert"}, 9.0).judge(NOW)["it"]


def test_of_two_points_the_one_that_serves_the_heavier_domain_is_best():
    domains = ("medical", "legal")
    strong, weak = medical(10, 1, 0.0).log_probs["medical"], medical(7, 4, 0.0).log_probs["medical"]
    for_medical = Evaluation({"medical": 1.0}, {"medical": strong, "legal": weak}, 0.0)
    for_legal = Evaluation({"medical": -1.0}, {"medical": weak, "legal": strong}, 0.0)
    for heavy, best in (("medical", for_medical), ("legal", for_legal)):
        wanted = {d: {"level": "expert", "weight": 4.0 if d == heavy else 1.0} for d in domains}
        goal = Objective(domains, dict.fromkeys(domains, LEVELS), {"it": wanted}, for_medical, 9.0)
        assert goal.best([for_medical, for_legal])["it"][0] is best


def test_a_tie_of_margin_and_survival_goes_to_the_smaller_edit_by_the_vectors_norms():
    rows = medical(9, 3, 0.0).log_probs["medical"]
    one, other = (Evaluation({"medical": m, "legal": w}, {"medical": rows}, 0.0) for m, w in ((0.5, 0.0), (0.0, 0.3)))
    goal = Objective(("medical", "legal"), {"medical": LEVELS}, {"it": {"medical": "expert"}}, one, 9.0)
    assert goal.best([one, other])["it"][0] is other
    heavy = replace(goal, norms={"medical": 1.0, "legal": 2.0})
    assert heavy.best([one, other])["it"][0] is one
