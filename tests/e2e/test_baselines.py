"""Prompting and joint training on the tiny model, beside the knobs."""

import json
import threading
from pathlib import Path

import pytest
from safetensors.torch import save_file
from shell import apply, printed

from avspec.errors import Interrupted
from avspec.model.loading import load_model
from avspec.model.steered import SteeredModel
from avspec.plan.comparisons import JointParams, PromptingParams
from avspec.plan.lockfile import read_lock
from avspec.stages import joint
from avspec.stages import prompting as prompting_stage
from avspec.stages.context import Context
from avspec.stages.data import read_split
from avspec.store.local import Store

SPEC = """
apiVersion: avspec/v1
name: tiny
model: {{base: "path:{model}", dtype: float32}}
levels: [avoidance, generic, expert]
domains:
  medical: {{plugin: medical}}
  legal: {{plugin: legal}}
guardrails:
  safety: {{plugin: safety}}
data: {{split: {{train: 0.5, search: 0.25, test: 0.25}}, rows: {{train: 8, search: 5, test: 5}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, batch_size: 3}}
sweep: {{step: 1}}
search: {{sampler: random, evaluations: 6, low: -1, high: 1}}
evaluation: [preference-accuracy, {{plugin: repetition, rows: 2, max_new_tokens: 8}}]
baselines: {{prompting: true, joint: [shy, "medical=expert,legal=generic"]}}
behaviors:
  shy: {{medical: avoidance, legal: avoidance}}
atlas: true
"""


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baselines")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder))
    ran = apply(folder)
    assert ran[-4:] == ["prompting", "joint[shy]", "joint[medical=expert,legal=generic]", "report"]
    return folder


@pytest.fixture(scope="module")
def prompting(folder: Path) -> dict:
    return json.loads((folder / "runs/tiny/prompting.json").read_text())["domains"]


def test_words_stand_before_the_query(folder: Path, prompting: dict) -> None:
    for domain, found in prompting.items():
        for level, both in found["levels"].items():
            assert f"{domain} question" in both["instruction"], level
            assert both["prompted"]["input_tokens"] > found["default"]["input_tokens"]
            assert both["prompted"]["mean_log_prob"] != found["default"]["mean_log_prob"]
            assert both["knob"]["input_tokens"] == found["default"]["input_tokens"]
            assert set(both["prompted"]["metrics"]["repetition"]) == {domain}
            assert both["prompted"]["answer"] != found["default"]["answer"]


def test_a_knob_is_measured_as_the_model_gives_it(folder: Path, prompting: dict) -> None:
    model = SteeredModel.open(folder / "runs/tiny")
    rows = read_split((folder / "runs/tiny/data/medical.jsonl").resolve().parent, "test")
    for both in prompting["medical"]["levels"].values():
        knob = both["knob"]
        with model.knobs(medical=knob["coefficient"]):
            score = model.score(rows)["medical"]
        assert score.shares == knob["shares"]
        assert score.mean_log_prob == pytest.approx(knob["mean_log_prob"], abs=1e-4)


def test_coefficients_are_of_the_sweep_and_chosen_on_the_search_split(folder: Path, prompting: dict) -> None:
    curve = json.loads((folder / "runs/tiny/sweep.json").read_text())["curves"]["legal"]
    for level, both in prompting["legal"]["levels"].items():
        point = next(p for p in curve if p["coefficient"] == both["knob"]["coefficient"])
        shares = point["domains"]["legal"]["shares"]
        dominant = shares[level] > max(share for name, share in shares.items() if name != level)
        assert both["knob"]["held"]["search"] in (dominant, False), "a level that is not dominant never holds"


def test_joint_training_raises_the_wanted_levels(folder: Path) -> None:
    found = json.loads((folder / "runs/tiny/joint/shy.json").read_text())
    assert found["rows"] == 15 and found["seconds"] > 0, "16 rows of two domains, one for the validation loss"
    for domain in ("medical", "legal"):
        for split in ("search", "test"):
            assert found["domains"][domain][split]["fluency_drop"] < 0, "avoidance became more likely than the base's"
    shares = [found["domains"][domain]["test"]["shares"] for domain in ("medical", "legal")]
    assert found["held"]["test"] == all(each["avoidance"] > max(each["generic"], each["expert"]) for each in shares)
    assert not list((folder / ".avspec").rglob("scratch/*/weights/*")), "the weights of a baseline are not kept"


def test_prompting_goes_on_where_it_was_stopped(folder: Path, tmp_path: Path) -> None:
    run, store = folder / "runs/tiny", Store(folder / ".avspec")
    stage = read_lock(run)["stages"]["prompting"]
    inputs = {address: store.path(key) for address, key in stage["inputs"].items()}
    params, stop, seen = PromptingParams.model_validate(stage["params"]), threading.Event(), []

    def report(done: int, total: int, note: str) -> None:
        seen.append(note)
        if note == "medical, knob for avoidance" and "again" not in seen:
            stop.set()

    context = Context(tmp_path, tmp_path, store.evaluations, device="cpu", report=report, stop=stop)
    with pytest.raises(Interrupted):
        prompting_stage.run(params, inputs, tmp_path, context)
    done = tmp_path / "medical.asked-for-avoidance.json"
    kept = json.loads(done.read_text())
    done.write_text(json.dumps({**kept, "answer": "kept"}))
    stop.clear()
    seen.append("again")
    prompting_stage.run(params, inputs, tmp_path, context)
    again = json.loads((tmp_path / "prompting.json").read_text())["domains"]
    assert again["medical"]["levels"]["avoidance"]["prompted"]["answer"] == "kept"
    whole = json.loads((run / "prompting.json").read_text())["domains"]
    assert again["legal"]["levels"]["expert"]["knob"]["shares"] == whole["legal"]["levels"]["expert"]["knob"]["shares"]


def test_a_joint_training_that_is_done_is_not_repeated(folder: Path, tmp_path: Path) -> None:
    run, store = folder / "runs/tiny", Store(folder / ".avspec")
    stage = read_lock(run)["stages"]["joint[shy]"]
    inputs = {address: store.path(key) for address, key in stage["inputs"].items()}
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    for new in (scratch / "weights", out):
        new.mkdir(parents=True)
    base, _ = load_model(inputs["base"], device="cpu")  # as if the training had changed nothing
    weights = {name: parameter.detach().clone() for name, parameter in base.named_parameters()}
    save_file(weights, scratch / "weights/model.safetensors")
    (scratch / "training.json").write_text(json.dumps({"seconds": 7.0, "rows": 3, "steps": []}))
    context = Context(run_dir=run, scratch=scratch, evaluations=store.evaluations, device="cpu")
    joint.run(JointParams.model_validate(stage["params"]), inputs, out, context)
    found = json.loads((out / "joint.json").read_text())
    assert found["seconds"] == 7.0 and found["rows"] == 3
    assert [found["domains"][d]["test"]["fluency_drop"] for d in ("medical", "legal")] == pytest.approx(
        [0, 0], abs=1e-6
    )


def test_the_report_has_both(folder: Path) -> None:
    page = (folder / "runs/tiny/report.html").read_text()
    assert "<h2>Baselines</h2>" in page and "times as long as with a knob" in page and "9 joint runs" in page
    report = json.loads((folder / "runs/tiny/report.json").read_text())
    assert set(report["joint"]) == {"shy", "medical=expert,legal=generic"} and set(report["prompting"]["domains"])
    seconds = [each["seconds"] for each in report["joint"].values()]
    assert report["cost"]["joint_training"] == {"runs": 9, "seconds": pytest.approx(9 * sum(seconds) / 2)}


def test_a_second_apply_does_no_work_and_other_baselines_keep_the_rest(folder: Path) -> None:
    assert apply(folder) == []
    text = (folder / "spec.yaml").read_text()
    (folder / "spec.yaml").write_text(text.replace("prompting: true, joint: [shy, ", "joint: ["))
    try:
        assert apply(folder) == ["report"]
    finally:
        (folder / "spec.yaml").write_text(text)
        assert apply(folder) == []


def test_the_paper_page_shows_them(folder: Path) -> None:
    assert printed(folder, "report", "runs/tiny", "--paper") == "runs/tiny/paper.html\n"
    text = (folder / "runs/tiny/paper.md").read_text()
    assert "| medical | prompting | expert |" in text and "Table 5" in text
    assert "75 / 25 / 0" in (folder / "runs/tiny/paper.html").read_text()
