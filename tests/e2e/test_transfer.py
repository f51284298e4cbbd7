"""Vectors on other fine-tunes of the tiny model: made by the same spec, by another run, or on disk."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from shell import apply, avspec

from avspec.model.encoding import encode_rows
from avspec.model.loading import load_model
from avspec.model.scorer import score
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
guardrails:
  safety: {{plugin: safety}}
data: {{split: {{train: 0.5, search: 0.25, test: 0.25}}, rows: {{train: 6, search: 4, test: 5}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, batch_size: 3}}
sweep: {{step: 1}}
search: {{sampler: random, evaluations: 6, low: -1, high: 1}}
evaluation: [preference-accuracy]
behaviors: {{shy: {{medical: avoidance}}}}
"""
TARGETS = 'transfer: {targets: ["align:safety", "run:firm/legal", "path:other"]}\n'


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("transfer")
    shutil.copytree(tiny_folder, folder / "other")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder).replace("name: tiny", "name: firm"))
    apply(folder)
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder) + TARGETS)
    assert apply(folder) == [
        "target[firm-legal]",
        "target[other]",
        "train[safety]",
        "target[safety]",
        "transfer[safety]",
        "transfer[firm-legal]",
        "transfer[other]",
        "report",
    ]
    return folder


def found(folder: Path, name: str) -> dict:
    return json.loads((folder / f"runs/tiny/transfer/{name}.json").read_text())


def at(curve: list[dict], coefficient: float) -> dict:
    return next(point for point in curve if point["coefficient"] == coefficient)["domains"]


def test_at_zero_it_is_the_target_and_elsewhere_target_plus_vector(folder: Path) -> None:
    run = folder / "runs/tiny"
    curve = found(folder, "safety")["curves"]["medical"]
    rows = read_split((run / "data/medical.jsonl").resolve().parent, "test")
    model, tokenizer = load_model((run / "base").resolve(), dtype=torch.float32, device="cpu")
    weights = load_file((run / "targets/safety").resolve() / "model.safetensors")
    vector = load_file((run / "vectors/medical.safetensors").resolve())
    levels = ("avoidance", "generic", "expert")
    assert any(not torch.equal(weights[n], p) for n, p in model.named_parameters()), "it was aligned"
    for coefficient in (0.0, -1.0, 1.0):
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(weights[name] + coefficient * vector[name])
        by_hand = score(model, encode_rows(tokenizer, rows, levels)).mean(axis=0)
        measured = at(curve, coefficient)["medical"]["mean_log_prob"]
        assert [measured[level] for level in levels] == pytest.approx(by_hand.tolist(), abs=1e-4)


def test_the_same_model_is_the_same_base(folder: Path) -> None:
    other = found(folder, "other")
    for name, measured in other["base"].items():
        assert at(other["curves"]["legal"], 0.0)[name] == measured


def test_the_summary_is_of_the_curve(folder: Path) -> None:
    said, curve = found(folder, "firm-legal")["summary"]["legal"], found(folder, "firm-legal")["curves"]["legal"]
    shares = [point["domains"]["legal"]["shares"]["expert"] for point in curve]
    assert said["rise"] == pytest.approx(shares[-1] - shares[0]) and said["coefficients"] == [-1, 1]
    safe = [point["domains"]["safety"]["shares"]["safe"] for point in curve]
    assert said["ranges"]["safety"] == pytest.approx(max(safe) - min(safe))


def test_the_report_and_the_model_know_the_targets(folder: Path) -> None:
    page = (folder / "runs/tiny/report.html").read_text()
    assert "<h2>Transfer</h2>" in page and "The medical knob on safety" in page
    assert set(json.loads((folder / "runs/tiny/report.json").read_text())["transfer"]) == {
        "safety",
        "firm-legal",
        "other",
    }
    aligned, plain = (SteeredModel.open(folder / "runs/tiny", target=name) for name in ("safety", None))
    rows = read_split((folder / "runs/tiny/data/medical.jsonl").resolve().parent, "test")
    measured = found(folder, "safety")
    assert aligned.score(rows)["medical"].mean_log_prob != plain.score(rows)["medical"].mean_log_prob
    aligned.set(legal=1.0)
    expected = at(measured["curves"]["legal"], 1.0)["medical"]["mean_log_prob"]
    assert aligned.score(rows)["medical"].mean_log_prob == pytest.approx(expected, abs=1e-4)


def test_a_second_apply_does_no_work(folder: Path) -> None:
    assert apply(folder) == []


def test_a_target_that_does_not_fit_is_refused_before_anything_is_scored(folder: Path, tiny_folder: Path) -> None:
    text = (folder / "spec.yaml").read_text()
    (folder / "spec.yaml").write_text(text.replace("path:other", "path:wide"))
    shutil.copytree(tiny_folder, folder / "wide")
    template = next((folder / "wide").glob("chat_template.jinja"), None)
    if template is not None:
        template.write_text(template.read_text() + "{# another #}")
    else:
        path = folder / "wide/tokenizer_config.json"
        said = json.loads(path.read_text())
        path.write_text(json.dumps({**said, "chat_template": said["chat_template"] + "{# another #}"}))
    done = avspec(folder, "apply", "spec.yaml")
    (folder / "spec.yaml").write_text(text)
    assert done.returncode != 0
    assert "does not fit the base: its chat template" in done.stderr and "Traceback" not in done.stderr
