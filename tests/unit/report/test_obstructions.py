"""What stands in the way, on curves whose answer is known by hand."""

import json

import pytest
from synthetic import World

from avspec.report.behaviors import Behavior, DomainResult, Measure
from avspec.report.inputs import Outline
from avspec.report.obstructions import read_obstruction
from avspec.report.results import atlas_json

LEVELS = ("avoidance", "expert")
OUTLINE = Outline("x", "m", ("medical", "legal"), {}, dict.fromkeys(("medical", "legal"), LEVELS), {})


def measure(expert):
    return Measure(10, {"avoidance": 1 - expert, "expert": expert}, {}, {}, None)


def behavior(medical, legal, shares=(0.4, 0.2), least=None):
    """Wants expert medical and avoiding legal answers; `shares` are those of expert, the numbers coefficients."""
    domains = (
        DomainResult("medical", "expert", least, None, measure(shares[0]), None, None, None),
        DomainResult("legal", "avoidance", None, None, measure(shares[1]), None, None, None),
    )
    knobs = {"medical": medical, "legal": legal}
    return Behavior("it", {}, knobs, False, None, None, None, domains, (), (), {}, "", ())


def curve(slopes, share=0.6):
    """A sweep in which the expert level gets ahead of avoidance by a slope in each domain."""
    return [
        {
            "coefficient": c,
            "domains": {
                domain: {
                    "mean_log_prob": {"avoidance": -4.0, "expert": -4.2 + slope * c},
                    "shares": {"avoidance": 1 - share, "expert": share},
                }
                for domain, slope in slopes.items()
            },
        }
        for c in (-1.0, 0.0, 1.0)
    ]


SWEEP = {"medical": curve({"medical": 1.0, "legal": 0.4}), "legal": curve({"medical": 0.5, "legal": 1.0})}


def test_a_knob_that_pulls_another_domain_is_named_with_how_far() -> None:
    found = read_obstruction(behavior(0.6, -0.8), OUTLINE, SWEEP)
    assert found is not None
    assert (found.domain, found.wanted, found.rival) == ("medical", "expert", "avoidance")
    assert found.own == pytest.approx(0.6)
    (pull,) = found.pulls
    assert (pull.knob, pull.coefficient, pull.nats) == ("legal", -0.8, pytest.approx(-0.4))
    assert found.sentence == "medical is pulled from expert towards avoidance by legal at −0.80 (0.40 nats)"


def test_the_domain_that_falls_shortest_is_told() -> None:
    found = read_obstruction(behavior(1.0, -1.0, (0.4, 0.9)), OUTLINE, SWEEP)
    assert found is not None and found.domain == "legal"
    assert [pull.knob for pull in found.pulls] == ["medical"] and found.pulls[0].nats == pytest.approx(-0.4)


def test_a_knob_that_helps_or_hardly_pulls_is_not_blamed() -> None:
    assert read_obstruction(behavior(0.5, 0.5), OUTLINE, SWEEP).pulls == ()
    assert read_obstruction(behavior(0.5, -0.09), OUTLINE, SWEEP).pulls == ()


def test_a_least_share_can_be_what_is_missing() -> None:
    assert read_obstruction(behavior(0.5, 0.0, (0.7, 0.2)), OUTLINE, SWEEP) is None
    found = read_obstruction(behavior(0.5, 0.0, (0.7, 0.2), least=0.8), OUTLINE, SWEEP)
    assert found is not None and found.domain == "medical"


def test_a_level_that_is_dominant_nowhere_along_its_own_knob_is_said_to_be() -> None:
    sweep = {"medical": curve({"medical": 0.1}, share=0.3), "legal": []}
    found = read_obstruction(behavior(0.0, 0.0), OUTLINE, sweep)
    assert found is not None and found.peak == (-1.0, 0.3)
    assert found.sentence == "expert is dominant nowhere along the medical knob (at most 30%, at −1.00)"


def test_without_the_base_in_the_range_a_curve_explains_nothing() -> None:
    positive = {domain: [point for point in points if point["coefficient"] > 0] * 2 for domain, points in SWEEP.items()}
    found = read_obstruction(behavior(1.0, -1.0), OUTLINE, positive)
    assert found is not None and found.pulls == () and found.own is None


def test_atlas_json_has_every_combination_with_both_splits_or_its_nearest_miss(with_atlas) -> None:
    found = json.loads(atlas_json(with_atlas))
    assert found["format_version"] == 1 and len(found["combinations"]) == 27
    assert found["reached"] == sum(row["held"]["search"] for row in found["combinations"])
    for row in found["combinations"]:
        assert row["wanted"].keys() == row["coefficients"].keys() == row["domains"].keys()
        assert (row["nearest_miss"] is None) is row["held"]["search"]
        assert row["standing"] in ("settled", "held", "open") and set(row["fluency_drop"]) == {"search", "test"}
        for splits in row["domains"].values():
            for seen in splits.values():
                low, high = seen["interval"]["expert"]
                assert low <= seen["shares"]["expert"] <= high and seen["rows"] == 12
        if row["nearest_miss"]:
            assert row["nearest_miss"]["obstacle"]
            assert all(pull["nats"] < 0 for pull in row["nearest_miss"]["pulls"])
    assert any(row["nearest_miss"] and row["nearest_miss"]["pulls"] for row in found["combinations"])


def test_a_behavior_that_wants_more_does_not_stand_for_its_combination(summary_of) -> None:
    def demand(inputs):
        for stage, file in (("search", "search.json"), ("evaluate", "evaluate.json")):
            path = inputs[stage] / file
            value = json.loads(path.read_text())
            name = "medical=avoidance,financial=generic,legal=expert"
            value["behaviors"][name] = {**value["behaviors"]["insurance"], "held": {"search": True, "test": True}}
            path.write_text(json.dumps(value))

    row = next(
        r
        for r in summary_of(World(atlas=True), demand).atlas
        if list(r.wanted.values()) == ["avoidance", "generic", "expert"]
    )
    assert row.name == "medical=avoidance,financial=generic,legal=expert" and row.reached
