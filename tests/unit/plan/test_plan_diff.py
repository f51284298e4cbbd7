"""What runs and why: every reason, and the leaf that changed."""

import json
import os

import pytest

from avspec import registry
from avspec.errors import UsageError
from avspec.plan.params import SearchParams

DOWNSTREAM = ["sweep", "search", "evaluate", "report"]


def told(plan):
    """Return address to reason and changes of what runs."""
    return {planned.address: (planned.reason, list(planned.changes)) for planned in plan.running}


def test_first_plan_is_all_new(bench):
    plan = bench.plan()
    assert set(map(str, told(plan).values())) == {"('new', [])"}
    assert plan.summary == {"reuse": 0, "run": 15}


def test_second_plan_has_nothing_to_do(done):
    plan = done.plan()
    assert plan.summary == {"reuse": 15, "run": 0}
    assert {(planned.action, planned.reason) for planned in plan.stages} == {("reuse", None)}


def test_store_is_enough_without_the_run_folder(done):
    (done.run_dir / "avspec.lock").unlink()
    assert done.plan().running == ()


def test_more_evaluations_train_nothing(done):
    done.edit("evaluations: 20", "evaluations: 40")
    assert told(done.plan()) == {
        "search": ("spec-changed", ["search.evaluations 20 -> 40"]),
        "evaluate": ("input-changed", ["search"]),
        "report": ("input-changed", ["search", "evaluate"]),
    }


def test_going_back_reuses_what_was_there(done):
    done.edit("evaluations: 20", "evaluations: 40")
    done.carry_out()
    done.edit("evaluations: 40", "evaluations: 20")
    assert done.plan().running == ()


@pytest.mark.parametrize(
    ("old", "new", "address", "changes"),
    [
        ("beta: 0.1", "beta: 0.05", "train[medical]", ["training.beta 0.1 -> 0.05"]),
        ("path:model", "path:model, dtype: float32", "base", ["model.dtype auto -> float32"]),
        ("legal: generic", "legal: expert", "search", ["behaviors.clinic.legal generic -> expert"]),
        (
            "court: {legal: expert}",
            "court: {legal: avoidance}",
            "search",
            ["behaviors.court.legal expert -> avoidance"],
        ),
        (
            "court: {legal: expert}",
            "court: {legal: {level: expert, share: 0.6, weight: 2}}",
            "evaluate",
            ["behaviors.court.legal.share unset -> 0.6", "behaviors.court.legal.weight unset -> 2.0"],
        ),
        ("  court: {legal: expert}\n", "", "search", ["behaviors.court removed"]),
        ("expert}\n", "expert}\n  new: {legal: generic}\n", "evaluate", ["behaviors.new added"]),
        ("behaviors:", "atlas: true\nbehaviors:", "search", ["atlas false -> true"]),
        ("behaviors:", "data: {rows: 70}\nbehaviors:", "data[legal]", ["data.rows unset -> 70"]),
        (
            "behaviors:",
            "data: {split: {train: 0.6, search: 0.2, test: 0.2}}\nbehaviors:",
            "data[safety]",
            ["data.split.train 0.7 -> 0.6", "data.split.search 0.15 -> 0.2", "data.split.test 0.15 -> 0.2"],
        ),
        ("behaviors:", "sweep: {step: 0.5}\nbehaviors:", "sweep", ["sweep.step 0.1 -> 0.5"]),
        ("sampler: random", "sampler: random, low: -1", "sweep", ["search.low -1.5 -> -1.0"]),
        ("sampler: random", "sampler: random, max_fluency_drop: 1", "search", ["search.max_fluency_drop 0.5 -> 1.0"]),
        ("max_drop: 0.05", "max_drop: 0.1", "evaluate", ["guardrails.safety.max_drop 0.05 -> 0.1"]),
        (", max_drop: 0.05", "", "report", ["guardrails.safety.max_drop 0.05 -> unset"]),
        ("behaviors:", "evaluation: [repetition]\nbehaviors:", "evaluate", ["evaluation.preference-accuracy removed"]),
        (
            "behaviors:",
            "evaluation: [preference-accuracy, {plugin: repetition, rows: 2}]\nbehaviors:",
            "evaluate",
            ["evaluation.repetition.rows 3 -> 2"],
        ),
        (
            "behaviors:",
            "evaluation: [repetition, preference-accuracy]\nbehaviors:",
            "evaluate",
            ["evaluation [preference-accuracy, repetition] -> [repetition, preference-accuracy]"],
        ),
        ("sampler: random", "sampler: tpe", "search", ["search.sampler random -> tpe"]),
    ],
)
def test_changed_leaf_in_the_words_of_the_spec(done, old, new, address, changes):
    done.edit(old, new)
    assert told(done.plan())[address] == ("spec-changed", changes)


def test_changed_levels(done):
    done.edit("medical: {plugin: medical}", "medical: {plugin: medical, levels: [generic, expert]}")
    found = told(done.plan())
    change = ["domains.medical.levels [avoidance, generic, expert] -> [generic, expert]"]
    for address in ("data[medical]", "train[medical]", "train[legal]", "sweep", "search", "evaluate", "report"):
        assert found[address] == ("spec-changed", change)
    assert "data[legal]" not in found


def test_changed_guardrail_levels_are_called_a_guardrails(done):
    done.edit("max_drop: 0.05", "levels: [safe, unsafe], max_drop: 0.05")
    levels = "guardrails.safety.levels [unsafe, safe] -> [safe, unsafe]"
    assert told(done.plan())["sweep"] == ("spec-changed", [levels])
    assert told(done.plan())["data[safety]"] == ("spec-changed", [levels])


def test_added_domain(done):
    done.edit("  legal: {plugin: legal}\n", "  legal: {plugin: legal}\n  financial: {plugin: financial}\n")
    found = told(done.plan())
    assert found["train[financial]"] == ("new", [])
    assert found["train[medical]"] == (
        "spec-changed",
        [
            "training.anchors lenders [legal] -> [financial, legal]",
            "domains.financial.levels unset -> [avoidance, generic, expert]",
        ],
    )
    assert "data[medical]" not in found


def test_order_of_behaviors(done):
    done.edit("  court: {legal: expert}\n", "")
    done.edit("behaviors:\n", "behaviors:\n  court: {legal: expert}\n")
    assert told(done.plan()) == {
        "evaluate": ("spec-changed", ["behaviors [clinic, court] -> [court, clinic]"]),
        "report": ("spec-changed", ["behaviors [clinic, court] -> [court, clinic]"]),
    }


def test_edited_rows_are_an_input(bench):
    path = bench.rows_from_file()
    bench.carry_out()
    path.write_text(path.read_text().replace("Perhaps", "Sometimes"))
    found = told(bench.plan())
    assert found["data[legal]"] == ("input-changed", ["cases.jsonl edited"])
    assert found["train[legal]"] == ("input-changed", ["data[legal]"])
    assert found["train[medical]"] == ("input-changed", ["data[legal]"]), "its anchors come from there"
    assert "data[medical]" not in found


def test_edited_base_is_an_input(done):
    (done.root / "model" / "model.safetensors").write_bytes(b"other")
    found = told(done.plan())
    assert found["base"] == ("input-changed", ["model.safetensors edited"])
    assert len(found) == 15


def test_new_version_of_a_plugin(done, monkeypatch):
    monkeypatch.setattr(registry.load("trainers", "dpo"), "version", "99")
    reason, (change,) = told(done.plan())["train[medical]"]
    assert reason == "plugin-changed"
    assert change.startswith("trainers dpo version ") and change.endswith(" -> 99")


def test_new_version_of_the_code(done, monkeypatch):
    monkeypatch.setattr(SearchParams, "VERSION", 7)
    found = told(done.plan())
    assert found["search"] == ("code-changed", ["search version 1 -> 7"])
    assert found["evaluate"] == ("input-changed", ["search"])
    assert "sweep" not in found


def test_lost_artifact_is_made_again_alone(done):
    done.store.discard(done.plan().keys["train[legal]"])
    assert told(done.plan()) == {"train[legal]": ("output-missing", [])}


def test_lost_file(done):
    (done.store.path(done.plan().keys["sweep"]) / "result.json").unlink()
    assert told(done.plan()) == {"sweep": ("output-missing", ["result.json is gone"])}


def test_changed_bytes_are_found_also_with_the_old_size(done):
    path = done.store.path(done.plan().keys["sweep"]) / "result.json"
    text = path.read_text()
    path.write_text(text.replace("sweep", "sweet"))
    assert told(done.plan()) == {"sweep": ("output-drifted", ["result.json is not what was written"])}
    done.carry_out()
    assert path.read_text() == text
    assert done.plan().running == ()


def test_changed_bytes_under_an_old_time_are_found_by_verify(done):
    path = done.store.path(done.plan().keys["sweep"]) / "result.json"
    stat = path.stat()
    path.write_text(path.read_text().replace("sweep", "sweet"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert done.plan().running == ()
    assert told(done.plan(verify=True)) == {"sweep": ("output-drifted", ["result.json is not what was written"])}


def test_interrupted_stage(done):
    done.edit("beta: 0.1", "beta: 0.05")
    done.store.scratch(done.plan().keys["train[medical]"])
    found = told(done.plan())
    assert found["train[medical]"] == ("incomplete", ["training.beta 0.1 -> 0.05"])
    assert found["train[legal]"] == ("spec-changed", ["training.beta 0.1 -> 0.05"])


def test_forced_stage_takes_along_what_depends_on_it(done):
    assert told(done.plan(force=["train[legal]"])) == {
        "train[legal]": ("forced", []),
        "extract[legal]": ("input-changed", ["train[legal]"]),
        "sweep": ("input-changed", ["extract[legal]"]),
        "search": ("input-changed", ["extract[legal]", "sweep"]),
        "evaluate": ("input-changed", ["extract[legal]", "search"]),
        "report": ("input-changed", ["extract[legal]", "train[legal]", "sweep", "search", "evaluate"]),
    }


def test_forcing_a_kind_forces_all_of_it(done):
    found = told(done.plan(force=["train"]))
    assert found["train[medical]"] == found["train[legal]"] == ("forced", [])


def test_forcing_what_is_not_there(done):
    with pytest.raises(UsageError, match="no stage 'trian'"):
        done.plan(force=["trian"])


def test_json(done):
    done.edit("evaluations: 20", "evaluations: 40")
    found = done.plan().to_json()
    assert found["format_version"] == 1
    assert found["summary"] == {"reuse": 12, "run": 3}
    assert found["stages"][0] == {
        "address": "base",
        "key": done.plan().keys["base"],
        "action": "reuse",
        "reason": None,
        "changes": [],
    }
    assert found["stages"][12]["changes"] == ["search.evaluations 20 -> 40"]


def test_a_changed_least_share_is_named_alone(done):
    done.edit("court: {legal: expert}", "court: {legal: {level: expert, share: 0.6}}")
    done.carry_out()
    done.edit("share: 0.6", "share: 0.7")
    assert told(done.plan())["search"] == ("spec-changed", ["behaviors.court.legal.share 0.6 -> 0.7"])
    assert done.plan(verify=True).summary == {"reuse": 12, "run": 3}


def test_a_lock_from_before_a_setting_was_known_does_not_name_it(done):
    lock = json.loads((done.run_dir / "avspec.lock").read_text())
    del lock["stages"]["search"]["params"]["granularity"]
    (done.run_dir / "avspec.lock").write_text(json.dumps(lock))
    done.edit("evaluations: 20", "evaluations: 40")
    assert told(done.plan())["search"] == ("spec-changed", ["search.evaluations 20 -> 40"])
