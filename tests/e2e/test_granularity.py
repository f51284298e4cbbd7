"""One coefficient for each domain and block of layers, from the spec to chat."""

import json
from pathlib import Path

import pytest
from shell import apply, printed

from avspec.model.steered import SteeredModel
from avspec.stages.data import read_split

SPEC = """
apiVersion: avspec/v1
name: tiny
model: {{base: "path:{model}", dtype: float32}}
levels: [avoidance, generic, expert]
domains:
  medical: {{plugin: medical}}
  legal: {{plugin: legal}}
data: {{split: {{train: 0.5, search: 0.25, test: 0.25}}, rows: {{train: 6, search: 5, test: 5}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, batch_size: 3}}
sweep: {{step: 1}}
search: {{sampler: {sampler}, evaluations: 16, low: -1, high: 1, granularity: blocks(2)}}
evaluation: [preference-accuracy, {{plugin: repetition, rows: 1, max_new_tokens: 8}}]
behaviors: {{shy: {{medical: avoidance, legal: avoidance}}, clinic: {{medical: expert, legal: avoidance}}}}
"""
KNOBS = ["medical/1", "medical/2", "legal/1", "legal/2"]


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("granularity")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder, sampler="response-surface"))
    assert apply(folder)[-1] == "report"
    return folder


def test_blocks_have_coefficients_of_their_own(folder: Path) -> None:
    search = json.loads((folder / "runs/tiny/search.json").read_text())
    swept = [trial["coefficients"] for trial in search["trials"] if trial["source"] == "sweep"]
    assert all(point["medical/1"] == point["medical/2"] and set(point) == set(KNOBS) for point in swept)
    searched = [trial["coefficients"] for trial in search["trials"] if trial["source"] == "search"]
    assert any(point["medical/1"] != point["medical/2"] for point in searched)


def test_what_was_measured_is_what_the_model_gives(folder: Path) -> None:
    model = SteeredModel.open(folder / "runs/tiny")
    assert list(model.coefficients) == KNOBS
    found = json.loads((folder / "runs/tiny/evaluate.json").read_text())["behaviors"]
    rows = read_split((folder / "runs/tiny/data/legal.jsonl").resolve().parent, "test")
    for name, each in found.items():
        assert list(model.behave(name).coefficients) == KNOBS
        score = model.score(rows)["legal"]
        assert score.mean_log_prob == pytest.approx(each["domains"]["legal"]["test"]["mean_log_prob"], abs=1e-4)


def test_a_domain_or_a_block_is_turned(folder: Path) -> None:
    model = SteeredModel.open(folder / "runs/tiny")
    model.set(medical=0.5)
    model.set({"medical/2": -0.25})
    assert model.coefficients == {"medical/1": 0.5, "medical/2": -0.25, "legal/1": 0.0, "legal/2": 0.0}
    said = printed(folder, "show", "runs/tiny", "--behavior", "medical=expert", "--json")
    assert set(json.loads(said)["evaluated"]["coefficients"]) == set(KNOBS)
    assert "medical/1=" in (folder / "runs/tiny/report.md").read_text()
    assert " +" in printed(folder, "show", "runs/tiny") or " -" in printed(folder, "show", "runs/tiny")


def test_a_second_apply_does_no_work(folder: Path) -> None:
    assert apply(folder) == []


@pytest.mark.parametrize("sampler", ["tpe", "cma-es", "grid", "random"])
def test_every_sampler_turns_blocks(folder: Path, tiny_folder: Path, sampler: str) -> None:
    text = (folder / "spec.yaml").read_text()
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder, sampler=sampler))
    try:
        assert apply(folder) == ["search", "evaluate", "report"]
        search = json.loads((folder / "runs/tiny/search.json").read_text())
        assert len(search["trials"]) == 16 and set(search["trials"][-1]["coefficients"]) == set(KNOBS)
    finally:
        (folder / "spec.yaml").write_text(text)
