"""The text of a plan, against golden files; `UPDATE_GOLDEN=1 pytest` writes them anew."""

import os
from pathlib import Path

import pytest

from avspec.plan.render import render_plan

GOLDEN = Path(__file__).parent / "golden"


def compare(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def untouched(bench):
    pass


def more_evaluations(bench):
    bench.edit("evaluations: 20", "evaluations: 40")


def other_training(bench):
    bench.edit("{beta: 0.1, anchors: 0.5}", "{beta: 0.05, anchors: 0.5, epochs: 2}")


def many_changes(bench):
    bench.edit(
        "{sampler: random, evaluations: 20}", "{sampler: {plugin: tpe}, evaluations: 9, low: -2, high: 2, seed: 1}"
    )


def damage(bench):
    keys = bench.plan().keys
    (bench.store.path(keys["sweep"]) / "result.json").write_text("{}")
    bench.store.discard(keys["train[legal]"])
    bench.edit("court: {legal: expert}", "court: {legal: avoidance}")
    bench.store.scratch(bench.plan().keys["search"])


@pytest.mark.parametrize("change", [untouched, more_evaluations, other_training, many_changes, damage])
def test_plan_after(done, change):
    change(done)
    compare(change.__name__, render_plan(done.plan()))


def test_first_plan(bench):
    compare("first", render_plan(bench.plan()))


def test_forced(done):
    compare("forced", render_plan(done.plan(force=["extract[medical]"])))
