"""The real pipeline on the tiny model: from spec to report, killed and resumed, reused, extended."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SPEC = """
apiVersion: avspec/v1
name: tiny
model: {{base: "path:{model}", dtype: float32}}
levels: [avoidance, generic, expert]
domains:
  medical: {{plugin: medical}}
  legal: {{plugin: legal}}
guardrails:
  safety: {{plugin: safety, max_drop: 0.5}}
data: {{split: {{train: 0.5, search: 0.25, test: 0.25}}, rows: {{train: 6, search: 4, test: 4}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, batch_size: 3}}
sweep: {{step: 1}}
search: {{sampler: tpe, evaluations: 9, low: -1, high: 1}}
evaluation: [preference-accuracy, {{plugin: repetition, rows: 1, max_new_tokens: 8}}]
behaviors:
  clinic: {{medical: expert, legal: avoidance}}
  court: {{legal: expert}}
"""
STAGES = ["base", "data[medical]", "data[legal]", "data[safety]", "card[medical]", "card[legal]", "card[safety]"]
STAGES += [
    "train[medical]",
    "train[legal]",
    "extract[medical]",
    "extract[legal]",
    "sweep",
    "search",
    "evaluate",
    "report",
]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "avspec.cli", *arguments]


def apply(folder: Path, *more: str) -> list[dict]:
    """Run `avspec apply --json` to its end and return its events."""
    done = subprocess.run(command("apply", "spec.yaml", "--json", *more), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ran(events: list[dict]) -> list[str]:
    return [event["address"] for event in events if event["event"] == "stage-done"]


def results(folder: Path) -> dict:
    """Return what a run found, without what depends on the clock."""

    def timeless(value):
        if isinstance(value, dict):
            skipped = {"seconds", "seconds_per_evaluation", "cost", "evaluations", "counts"}
            return {key: timeless(inner) for key, inner in value.items() if key not in skipped}
        return [timeless(inner) for inner in value] if isinstance(value, list) else value

    run = folder / "runs" / "tiny"
    return {
        name: timeless(json.loads((run / name).read_text())) for name in ("search.json", "evaluate.json", "report.json")
    }


@pytest.fixture
def folder(tmp_path: Path, tiny_folder: Path) -> Path:
    (tmp_path / "spec.yaml").write_text(SPEC.format(model=tiny_folder))
    return tmp_path


@pytest.fixture(scope="module")
def finished(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder))
    assert ran(apply(folder)) == STAGES
    return folder


def kill_in(folder: Path, address: str) -> None:
    """Start an apply and kill it with SIGKILL at the first progress of a stage."""
    process = subprocess.Popen(command("apply", "spec.yaml", "--json"), cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("address") == address and event["event"] in ("progress", "stage-done"):
            assert event["event"] == "progress", f"{address} was over before it could be killed"
            break
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()


def test_killed_in_three_stages_it_resumes_to_the_same_result(folder: Path, finished: Path) -> None:
    for address in ("train[legal]", "sweep", "search"):
        kill_in(folder, address)
    events = apply(folder)
    assert ran(events) == ["search", "evaluate", "report"], "nothing that was finished runs again"
    assert results(folder) == results(finished)


def test_a_second_apply_does_no_work(finished: Path) -> None:
    store = sorted(finished.glob(".avspec/objects/*/*"))
    began = time.time_ns()
    events = apply(finished)
    assert ran(events) == []
    assert events[-1]["event"] == "done" and events[-1]["reused"] == len(STAGES)
    assert sorted(finished.glob(".avspec/objects/*/*")) == store
    assert all(path.stat().st_mtime_ns < began for path in finished.glob(".avspec/objects/*/*/*"))


def test_more_evaluations_retrain_nothing_and_repeat_none(folder: Path) -> None:
    apply(folder)
    cached = {path: path.stat().st_mtime_ns for path in folder.glob(".avspec/evaluations/*/*.safetensors")}
    first = json.loads((folder / "runs/tiny/search.json").read_text())["trials"]
    events = apply(folder, "--set", "search.evaluations=12")
    assert ran(events) == ["search", "evaluate", "report"]
    search = json.loads((folder / "runs/tiny/search.json").read_text())
    assert [t["coefficients"] for t in search["trials"][:9]] == [t["coefficients"] for t in first]
    assert search["evaluations"] == 12
    assert search["counts"]["cached"] == 9, "only the difference is evaluated"
    assert all(path.stat().st_mtime_ns == when for path, when in cached.items())


def test_a_corrupted_vector_is_found_and_made_again(folder: Path) -> None:
    apply(folder)
    vector = (folder / "runs/tiny/vectors/medical.safetensors").resolve()
    good = vector.read_bytes()
    vector.write_bytes(good[:-4] + bytes(4))
    plan = subprocess.run(command("plan", "spec.yaml", "--json"), cwd=folder, capture_output=True, text=True)
    stages = {stage["address"]: stage for stage in json.loads(plan.stdout)["stages"]}
    assert stages["extract[medical]"]["reason"] == "output-drifted"
    assert stages["train[medical]"]["action"] == "reuse"
    apply(folder)
    assert (folder / "runs/tiny/vectors/medical.safetensors").read_bytes() == good


def test_the_report_tells_what_was_measured(finished: Path) -> None:
    run = finished / "runs" / "tiny"
    report = json.loads((run / "report.json").read_text())
    evaluate = json.loads((run / "evaluate.json").read_text())
    assert report["format_version"] == 1
    assert set(report["vectors"]) == {"medical", "legal"}
    clinic, measured = report["behaviors"]["clinic"], evaluate["behaviors"]["clinic"]
    assert clinic["held"] == measured["held"]
    for domain, level in {"medical": "expert", "legal": "avoidance"}.items():
        assert clinic["domains"][domain]["wanted"] == level
        for split in ("search", "test"):
            shares = clinic["domains"][domain][split]["shares"]
            assert shares == pytest.approx(measured["domains"][domain][split]["shares"])
            assert sum(shares.values()) == pytest.approx(1)
    assert list((run / "tensorboard" / "medical").glob("events.out.tfevents.*"))
    assert (run / "report.html").read_text().startswith("<!doctype html>")


def test_the_study_opens_in_optuna(finished: Path) -> None:
    import optuna

    storage = f"sqlite:///{finished}/runs/tiny/study.db"
    (name,) = optuna.get_all_study_names(storage)
    study = optuna.load_study(study_name=name, storage=storage)
    assert len(study.trials) == 9
    assert study.metric_names == ["clinic", "court"]
