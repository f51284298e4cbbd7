"""Links in the run folder: always to artifacts that fit together."""

import json
from pathlib import Path

import pytest

from avspec.errors import StageFailed
from avspec.run.links import current

RUN = Path("runs/tiny")


def linked() -> set[str]:
    return {path.relative_to(RUN).as_posix() for path in RUN.rglob("*") if path.is_symlink()}


ALL = {
    "base",
    "data/medical.jsonl",
    "data/legal.jsonl",
    "data/medical.card.json",
    "data/legal.card.json",
    "training/medical.json",
    "training/legal.json",
    "vectors/medical.safetensors",
    "vectors/legal.safetensors",
    "sweep.json",
    "search.json",
    "evaluate.json",
    "report.html",
    "report.md",
    "report.json",
}


def test_every_result_is_linked_by_its_name(run_apply):
    run_apply()
    assert linked() == ALL
    assert not Path("runs/tiny/sweep.json").readlink().is_absolute()
    assert json.loads((RUN / "base" / "base.json").read_text()) == {"format_version": 1}


def test_results_of_the_spec_before_are_not_shown(run_apply, monkeypatch):
    run_apply()
    monkeypatch.setenv("TINY_FAIL", "extract[legal]")
    with pytest.raises(StageFailed):
        run_apply("training.beta=0.6")
    stale = {"vectors/legal.safetensors", "sweep.json", "search.json", "evaluate.json"}
    assert linked() == ALL - stale - {"report.html", "report.md", "report.json"}


def test_a_domain_that_left_the_spec_leaves_the_folder(run_apply, workspace):
    run_apply()
    spec = workspace / "tiny.yaml"
    text = spec.read_text().replace("  legal: {plugin: legal}\n", "").replace(", legal: avoidance", "")
    spec.write_text(text)
    run_apply()
    assert not any("legal" in link for link in linked())


def test_current_is_what_was_made_from_what_is_there():
    def entry(key, **inputs):
        return {"key": key, "inputs": inputs}

    stages = {"base": entry("b2"), "data": entry("d", base="b2"), "sweep": entry("s", base="b1", data="d")}
    stages["search"] = entry("x", sweep="s")
    assert current(stages) == {"base", "data"}
