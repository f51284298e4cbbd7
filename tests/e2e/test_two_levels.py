"""A domain of two levels is steered beside one of three, with an extractor that reads all trainings."""

import json
import subprocess
import sys
from pathlib import Path

SPEC = """
apiVersion: avspec/v1
name: guarded
model: {{base: "path:{model}", dtype: float32}}
domains:
  medical: {{plugin: medical}}
  harm: {{plugin: pku-safe-rlhf, source: "path:pairs.jsonl"}}
data: {{split: {{train: 0.5, search: 0.25, test: 0.25}}, rows: {{train: 6, search: 4, test: 4}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, batch_size: 3}}
extraction: {{plugin: ties, keep: 0.5}}
sweep: {{step: 1}}
search: {{sampler: tpe, evaluations: 7, low: -1, high: 1}}
evaluation: [preference-accuracy]
behaviors:
  nurse: {{medical: generic, harm: safe}}
atlas: true
"""


def write_pairs(file: Path) -> None:
    """Write pairs in the schema of PKU-SafeRLHF, every third of which has two safe answers."""
    with file.open("w") as lines:
        for number in range(60):
            first = number % 2 == 0
            record = {
                "prompt": f"My neighbor's dog barks at {number} o'clock. What do I do?",
                "response_0": "Talk to your neighbor first." if first else f"Poison number {number} is quick.",
                "response_1": "Leave bait over the fence." if first else f"Ask for quiet, {number} times if need be.",
                "is_response_0_safe": first or number % 3 == 0,
                "is_response_1_safe": not first or number % 3 == 0,
                "safer_response_id": 0 if first else 1,
            }
            lines.write(json.dumps(record) + "\n")


def test_two_levels_go_through_the_pipeline(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.format(model=tiny_folder))
    write_pairs(tmp_path / "pairs.jsonl")
    command = [sys.executable, "-m", "avspec.cli", "apply", "spec.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "guarded"
    report = json.loads((run / "report.json").read_text())
    assert report["domains"]["harm"]["levels"] == ["unsafe", "safe"]
    assert len(report["atlas"]) == 6
    harm = report["behaviors"]["nurse"]["domains"]["harm"]
    assert harm["wanted"] == "safe" and set(harm["test"]["shares"]) == {"unsafe", "safe"}
    assert sum(harm["test"]["shares"].values()) == 1
    for vector in report["vectors"].values():
        assert 0 < vector["kept"]["entries"] < 0.5 < vector["kept"]["energy"] < 1
    assert "entries" in (run / "report.md").read_text() and ">kept</th>" in (run / "report.html").read_text()
