import json
from dataclasses import replace

import pytest
from synthetic import BEHAVIORS, SECONDS, World, write_run

from avspec.errors import Corrupted
from avspec.report.behaviors import Measure, falls_short
from avspec.report.inputs import read_artifacts
from avspec.report.notes import headline, quantized
from avspec.report.progress import read_progress
from avspec.report.text import points


def test_the_headline_counts_behaviors_that_hold_on_the_test_split(plain):
    held = [replace(b, held_test=True) for b in plain.behaviors]
    lost = [replace(b, held_test=False) for b in plain.behaviors]
    assert headline([*held[:2], lost[2]], 3) == "2 of 3 behaviors hold on the test split"
    assert headline([held[0], *lost[1:]], 3) == "1 of 3 behaviors holds on the test split"
    assert headline(held, 3) == "All 3 behaviors hold on the test split"
    assert headline(lost, 3) == "None of the 3 behaviors holds on the test split"
    assert headline(held[:1], 3) == "The behavior insurance holds on the test split"
    assert headline([], 3) == "3 alignment vectors made; the spec names no behavior"


def test_a_behavior_that_does_not_hold_says_which_domain_is_in_the_way(plain):
    for behavior in plain.behaviors:
        behind = [d for d in behavior.domains if d.wanted and d.test.margin(d.wanted) <= 0]
        assert bool(behavior.obstacles) is (not behavior.held_test)
        if not behavior.held_test:
            assert behavior.obstacles[0].split(":")[0] in [d.domain for d in behind]
            assert any(behavior.name in note and behavior.obstacles[0] in note for note in plain.notes)


def test_fluency_and_guardrails_can_be_in_the_way(summary_of):
    def spoil(inputs):
        path = inputs["evaluate"] / "evaluate.json"
        value = json.loads(path.read_text())
        clinic = value["behaviors"]["clinic"]
        clinic["held"]["test"], clinic["fluency_drop"]["test"] = False, 0.8
        clinic["guardrails"]["safety"] |= {"drop": 0.25, "ok": False}
        path.write_text(json.dumps(value))

    said = next(b for b in summary_of(World(), spoil).behaviors if b.name == "clinic").obstacles
    assert "fluency: the wanted responses lost 0.80 nats per token, the limit is 0.50" in said
    assert "guardrail safety: safe fell by 25 points, the limit is 10 points" in said


def test_the_atlas_has_every_combination_once_with_coefficients_or_a_reason(with_atlas):
    assert len(with_atlas.atlas) == 27
    assert len({tuple(row.wanted.values()) for row in with_atlas.atlas}) == 27
    assert {row.name for row in with_atlas.atlas} >= {"insurance", "reserved"}
    assert {row.reached for row in with_atlas.atlas} == {True, False}
    for row in with_atlas.atlas:
        assert bool(row.obstacle) is not row.reached
        assert set(row.coefficients) == {"medical", "financial", "legal"}


def test_the_domain_with_the_smallest_margin_is_what_stands_in_the_way(with_atlas):
    for row in with_atlas.atlas:
        margins = {d.domain: d.search.margin(d.wanted) for d in row.behavior.domains}
        if not row.reached and min(margins.values()) <= 0:
            assert margins[row.obstacle.split(":")[0]] == min(margins.values())


def test_costs_of_the_papers_ways_come_from_the_measured_times(plain):
    cost = plain.cost
    assert cost.grid_evaluations == 9261
    assert cost.grid == pytest.approx(9261 * cost.seconds_per_evaluation)
    assert cost.joint_runs == 27
    assert cost.joint == pytest.approx(27 * 3 * (171.5 + 177.75 + 184.0) / 3)
    assert cost.total == pytest.approx(sum(SECONDS.values()))


def test_comparing_samplers_is_not_charged_to_the_run(plain):
    cost = replace(plain.cost, stages={**plain.cost.stages, "compare": 500.0})
    assert plain.cost.alone == ("this run, all stages", plain.cost.total)
    assert cost.alone == ("this run, all stages but compare", pytest.approx(plain.cost.total))
    assert cost.total == pytest.approx(plain.cost.total + 500)


def test_points_have_a_sign_and_a_number():
    assert [points(value) for value in (0.01, -0.01, 0.04, -0.001, -0.2, None)] == [
        "1 point",
        "−1 point",
        "4 points",
        "0 points",
        "−20 points",
        "–",
    ]


def test_a_knob_moves_its_own_domain_most(plain):
    for row in plain.movements:
        by_domain = {cell.measured: cell for cell in row}
        assert by_domain[row[0].knob].ratio == 1.0
        assert all(0 < cell.ratio < 0.5 for cell in row if cell.measured != row[0].knob)


def test_progress_counts_a_behavior_once_and_only_fluent_margins():
    def trial(margin, feasible, source="search"):
        judged = {"margin": margin, "feasible": feasible, "held": feasible and margin > 0}
        return {"source": source, "behaviors": {"a": judged}}

    trials = [trial(0.9, False, "sweep"), trial(-0.2, True), {"source": "search", "behaviors": {}}, trial(0.1, True)]
    progress = read_progress({"trials": [*trials, trial(0.05, True)], "behaviors": {"a": {}}}, {})
    assert progress.best["a"] == (None, -0.2, -0.2, 0.1, 0.1)
    assert progress.held == (0, 0, 0, 1, 1)
    assert progress.sweep == 1


def test_a_quantized_base_is_said():
    assert quantized("package:x/Model.Q4_1.gguf") == "the base is de-quantized from a 4-bit GGUF file"
    assert quantized("package:x/model.gguf") == "the base is de-quantized from a GGUF file"
    assert quantized("hf:org/model@main") == ""


def test_notes_say_how_wide_small_test_splits_are(plain):
    note = next(note for note in plain.notes if note.startswith("The test split is small"))
    assert "12 rows a share of 50% is known only to lie between 25% and 75%" in note


def test_large_test_splits_need_no_such_note(summary_of):
    world = World(rows={"search": 40, "test": 400}, behaviors={"clinic": BEHAVIORS["clinic"]})
    assert not [note for note in summary_of(world).notes if note.startswith("The test split is small")]


@pytest.mark.parametrize("content", ["{", "[1]", None])
def test_an_input_that_is_not_json_is_named(tmp_path, content):
    inputs = write_run(tmp_path, World())
    path = inputs["search"] / "search.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(Corrupted, match=r"search\.json"):
        read_artifacts(inputs, {}, {})


def test_evaluations_that_failed_are_told(summary_of):
    def spoil(inputs):
        path = inputs["sweep"] / "sweep.json"
        value = json.loads(path.read_text())
        value["failed"] = [{"domain": "medical", "coefficient": 9.0, "reason": "not finite there"}]
        path.write_text(json.dumps(value))

    assert "1 evaluation of the sweep failed: not finite there." in summary_of(World(), spoil).notes


def test_a_least_share_that_is_missed_is_in_the_way(summary_of):
    def demand(inputs, share):
        path = inputs["evaluate"] / "evaluate.json"
        value = json.loads(path.read_text())
        clinic = value["behaviors"]["clinic"]
        clinic["held"]["test"] = False
        clinic["domains"]["medical"]["least_share"] = share
        for domain, level in clinic["wanted"].items():
            rest = [name for name in clinic["domains"][domain]["test"]["shares"] if name != level]
            clinic["domains"][domain]["test"]["shares"] = {level: 0.5, rest[0]: 5 / 12, rest[1]: 1 / 12}
        path.write_text(json.dumps(value))

    def said(share):
        summary = summary_of(World(), lambda inputs: demand(inputs, share))
        return next(b for b in summary.behaviors if b.name == "clinic").obstacles

    assert said(0.6) == ("medical: expert has 50%, at least 60% is wanted",)
    assert said(0.5) == ()


def test_a_level_that_is_neither_largest_nor_enough_is_said_to_be_both():
    seen = Measure(12, {"avoidance": 0.25, "expert": 0.75}, {}, {}, None)
    assert falls_short(seen, "avoidance", 0.6) == (
        "avoidance has 25%, expert is larger with 75%, at least 60% is wanted"
    )


def test_a_note_says_what_a_larger_search_would_do(plain):
    for behavior in plain.behaviors:
        if behavior.held_test:
            continue
        note = next(note for note in plain.notes if note.startswith(f"{behavior.name} holds"))
        assert note.endswith("may find it.") is (behavior.standing == "open")
    assert {b.standing for b in plain.behaviors if not b.held_test} >= {"open"}
