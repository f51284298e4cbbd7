import numpy as np
import pytest
from surfaces import BEHAVIORS, LEVELS, Surface

from avspec.search.reading import LogProbReading, ValueReading

STILL = np.zeros((1, 72))


@pytest.fixture
def surface():
    return Surface()


def reading_of(objective, rows=12):
    names = objective.levels
    return LogProbReading(objective.describe(), dict.fromkeys(names, rows))


def points(surface, count=30):
    draw = np.random.default_rng(1)
    return [surface(dict(zip(surface.domains, draw.uniform(-1.5, 1.0, 2), strict=True))) for _ in range(count)]


def test_margins_and_excess_are_those_of_the_objective(surface):
    objective = surface.objective(BEHAVIORS, max_fluency_drop=0.4)
    reading = reading_of(objective)
    for evaluation in points(surface):
        outputs = reading.encode(evaluation.log_probs)
        judged = objective.judge(evaluation).values()
        assert reading.margins(outputs) == pytest.approx([j.margin for j in judged])
        excess = reading.excess(outputs[None], np.zeros(1), STILL)[0, 0]
        assert excess == pytest.approx([j.excess for j in judged], abs=1e-9)


def test_leanings_rise_with_every_step_towards_a_behavior(surface):
    objective = surface.objective({"clinic": {"medical": "expert", "legal": "avoidance"}}, 9.0)
    reading = reading_of(objective)
    path = [{"medical": c, "legal": -1.1 * c} for c in np.linspace(-1.0, 1.0, 9)]
    outputs = np.array([reading.encode(surface(p).log_probs) for p in path])
    leanings = reading.leanings(outputs)[:, 0]
    assert (np.diff(leanings)[:7] > 0).all() and leanings[-1] == 0.0
    margins = reading.margins(outputs)[:, 0]
    assert margins[0] == margins[1] == -1.0  # where leanings rise, margins are flat


def test_leanings_fall_where_text_is_not_fluent(surface):
    strict = reading_of(surface.objective({"clinic": {"legal": "avoidance"}}, 0.0))
    free = reading_of(surface.objective({"clinic": {"legal": "avoidance"}}, 9.0))
    outputs = free.encode(surface({"medical": 1.0, "legal": 1.0}).log_probs)[None]
    assert strict.leanings(outputs)[0, 0] < free.leanings(outputs)[0, 0]


def test_guardrails_count_in_the_excess():
    surface = Surface(("medical", "legal", "safety"))
    objective = surface.objective(BEHAVIORS, 10.0)
    guarded = type(objective)(
        ("medical", "legal"),
        dict.fromkeys(surface.domains, LEVELS),
        BEHAVIORS,
        objective.base,
        10.0,
        guardrails={"safety": 0.1},
    )
    reading = reading_of(guarded)
    evaluation = surface({"medical": 0.0, "legal": 0.0, "safety": -1.0})
    excess = reading.excess(reading.encode(evaluation.log_probs)[None], np.zeros(1), np.zeros((1, 108)))
    worst = guarded.guardrail_excess(evaluation.log_probs)["safety"]
    assert worst > 0 and excess[0, 0] == pytest.approx([worst] * 3)


def test_a_draw_that_lowers_a_wanted_level_uses_up_fluency(surface):
    objective = surface.objective({"clinic": {"medical": "expert"}}, max_fluency_drop=0.4)
    reading = reading_of(objective)
    outputs = reading.encode(objective.base.log_probs)
    down = np.full((1, 72), -0.05)
    wanted = objective.base.log_probs["medical"][:, 2].mean()
    excess = reading.excess(outputs[None], np.ones(1), down)[0, 0, 0]
    exact = objective.base.log_probs["medical"][:, 2].mean() * (1 - np.exp(0.05)) - 0.4
    assert excess == pytest.approx(exact, abs=0.02) and wanted < 0


def test_survival_tells_a_safe_margin_from_a_narrow_one(surface):
    objective = surface.objective({"wide": {"medical": "expert"}, "narrow": {"legal": "generic"}})
    reading = reading_of(objective)
    log_probs = {
        "medical": np.tile([-3.0, -2.0, -1.0], (12, 1)),
        "legal": np.vstack([np.tile([-3.0, -1.0, -2.0], (5, 1)), np.tile([-1.0, -2.0, -3.0], (4, 1)), -np.eye(3) - 1]),
    }
    wide, narrow = reading.survival(reading.encode(log_probs), np.random.default_rng(0))
    assert wide == 1.0 and 0.4 < narrow < 0.75


def test_only_keeps_the_behaviors_asked_for(surface):
    reading = reading_of(surface.objective(BEHAVIORS))
    outputs = np.array([reading.encode(e.log_probs) for e in points(surface, 5)])
    some = np.array([2, 0])
    np.testing.assert_array_equal(reading.only(some).margins(outputs), reading.margins(outputs)[:, some])


def test_figures_are_the_shares(surface):
    reading = reading_of(surface.objective(BEHAVIORS))
    figures = reading.figures(reading.encode(surface({"medical": 1.0, "legal": -1.0}).log_probs))
    assert figures.shape == (6,) and figures[:3].sum() == figures[3:].sum() == pytest.approx(1.0)


def test_values_read_as_margins():
    values = np.array([[0.2, -0.3], [0.0, 0.1]])
    reading = ValueReading()
    np.testing.assert_array_equal(reading.margins(values), values)
    np.testing.assert_array_equal(reading.only(np.array([1])).margins(values), values[:, 1:])
    assert reading.survival(values[0], np.random.default_rng(0)).tolist() == [1.0, 0.0]
    assert (reading.excess(values, np.ones(2), np.ones((3, 2))) < 0).all()


DEMANDING = {
    "share": {"medical": {"level": "expert", "share": 0.6}, "legal": "avoidance"},
    "weight": {"medical": {"level": "expert", "weight": 3.0}, "legal": {"level": "avoidance", "weight": 0.25}},
    "both": {"legal": {"level": "generic", "share": 0.5, "weight": 2.0}},
    **BEHAVIORS,
}


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_least_shares_and_weights_are_read_as_the_objective_judges_them(surface, kind):
    objective = surface.objective(DEMANDING, max_fluency_drop=9.0)
    reading = reading_of(objective)
    signs = set()
    for evaluation in points(surface, 120):
        judged = objective.judge(evaluation).values()
        margins = reading.margins(reading.encode(evaluation.log_probs).astype(kind))
        assert margins == pytest.approx([j.margin for j in judged], abs=1e-6)
        assert (margins > 0).tolist() == [j.held for j in judged], "float32 must not make up a row"
        signs |= {(name, j.held) for name, j in zip(DEMANDING, judged, strict=True)}
    assert len(signs) >= 10, "the points tell behaviors apart"


def test_survival_and_only_see_the_least_share(surface):
    behaviors = {"any": {"medical": "expert"}, "most": {"medical": {"level": "expert", "share": 0.75}}}
    reading = reading_of(surface.objective(behaviors))
    log_probs = {
        "medical": np.vstack([np.tile([-3.0, -2.0, -1.0], (9, 1)), np.tile([-3.0, -1.0, -2.0], (3, 1))]),
        "legal": np.tile([-3.0, -2.0, -1.0], (12, 1)),
    }
    outputs = reading.encode(log_probs)
    sure, doubtful = reading.survival(outputs, np.random.default_rng(0))
    assert sure > 0.85 and 0.5 < doubtful < 0.8, "half of the resamplings have fewer rows than the nine needed"
    assert reading.only(np.array([1])).margins(outputs) == pytest.approx([1 / 12])


def test_leanings_pull_on_until_the_least_share_is_in_reach(surface):
    wanted = {"any": {"medical": "expert"}, "most": {"medical": {"level": "expert", "share": 0.9}}}
    light = {"light": {"medical": {"level": "expert", "share": 0.9, "weight": 0.5}, "legal": "generic"}}
    reading = reading_of(surface.objective({**wanted, **light, "legal": {"legal": "generic"}}, 9.0))
    outputs = np.array([reading.encode(surface({"medical": c, "legal": 0.0}).log_probs) for c in (-0.5, 0.3, 1.0)])
    some, most, half, legal = reading.leanings(outputs).T
    assert some[1] > -0.1 > most[1] and most[1] < most[2], "enough for dominance is not enough for nine tenths"
    assert half == pytest.approx(0.5 * most + legal)
