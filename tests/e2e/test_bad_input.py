"""What a user meets who makes a mistake, or whose disk or model does: the command line with its real stages."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from avspec.cli import main
from avspec.store.local import Store

SPEC = """\
apiVersion: avspec/v1
name: tiny
model: {{base: "path:{model}", dtype: float32}}
domains:
  medical: {{plugin: medical}}
data: {{split: {{train: 0.5, search: 0.25, test: 0.25}}, rows: {{train: 9, search: 2, test: 2}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, batch_size: 2}}
sweep: {{step: 1}}
search: {{sampler: random, evaluations: 5, low: -1, high: 1}}
evaluation: [preference-accuracy]
behaviors:
  clinic: {{medical: expert}}
"""
FILE = "--set=domains.medical.data={source: file, path: rows.jsonl}"
Avspec = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def kept(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests: what an earlier one finished is reused by the later ones."""
    folder = tmp_path_factory.mktemp("bad-input")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder))
    return folder


@pytest.fixture
def folder(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(kept)
    return kept


@pytest.fixture
def avspec(capsys: pytest.CaptureFixture[str], folder: Path) -> Avspec:
    """Run the command line; returns the exit code and the error it ends with."""

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        err = capsys.readouterr().err
        assert "Traceback" not in err
        assert err.count("error: ") <= 1, "one message"
        return int(exit_.value.code or 0), err[err.find("error: ") :] if "error: " in err else ""

    return run


def row(number: int, **changes: object) -> dict[str, object]:
    responses = {"avoidance": "Ask a doctor.", "generic": "Rest and drink.", "expert": "Take 500 mg twice a day."}
    return {"id": f"r{number}", "query": f"Question {number}?", "responses": responses, **changes}


def write_rows(folder: Path, rows: list[dict[str, object] | str]) -> None:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")


def test_no_spec_file(avspec: Avspec) -> None:
    assert avspec("apply", "nope.yaml") == (
        66,
        "error: cannot read the spec: No such file or directory\n"
        "  at nope.yaml\n"
        "  hint: `avspec init` writes a first spec\n",
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("sweep: {step", "sweep: {{step", "error: broken.yaml:9:1: not YAML: "),
        ("avspec/v1", "avspec/v9", "error: broken.yaml:1:13: unknown apiVersion `avspec/v9`"),
        ("medical: expert", "medcal: expert", "error: broken.yaml:12:12: unknown domain `medcal`"),
    ],
    ids=["broken YAML", "unknown apiVersion", "unknown domain"],
)
def test_a_wrong_spec_is_told_with_its_place(avspec: Avspec, folder: Path, before: str, after: str, said: str) -> None:
    (folder / "broken.yaml").write_text((folder / "spec.yaml").read_text().replace(before, after))
    code, error = avspec("apply", "broken.yaml")
    assert code == 65
    assert error.startswith(said)
    assert "  hint: " in error and error.endswith("1 problem found\n")


def test_broken_rows_are_told_all_at_once_with_their_lines(avspec: Avspec, folder: Path) -> None:
    responses = row(0)["responses"]
    assert isinstance(responses, dict)
    broken: list[dict[str, object] | str] = [
        row(0),
        '{"id": "r1", oops}',
        row(2, responses={level: responses[level] for level in ("avoidance", "generic")}),
        row(3, responses={**responses, "expert": "  "}),
        row(4, id="r0"),
    ]
    write_rows(folder, broken)
    code, error = avspec("apply", "spec.yaml", FILE)
    assert code == 65
    told = [line.removeprefix("error: ") for line in error.splitlines() if "rows.jsonl:" in line]
    assert [line.split(": ", 1)[1].split(" near")[0] for line in told] == [
        "not JSON: Expecting property name enclosed in double quotes",
        "the response of level 'expert' is missing",
        "the response of level 'expert' is empty",
        "id 'r0' is already used on line 1",
    ]
    assert [line.split(":")[1] for line in told] == ["2", "3", "4", "5"]


def test_a_query_longer_than_the_context_is_told_with_its_line(avspec: Avspec, folder: Path) -> None:
    rows: list[dict[str, object] | str] = [row(number) for number in range(40)]
    rows[20:22] = [row(20, query="why " * 3000), row(21, query="how " * 3000)]
    write_rows(folder, rows)
    code, error = avspec("apply", "spec.yaml", FILE, "--set=data.rows=null")
    assert code == 65
    assert "rows.jsonl:21: row 'r20' has " in error and "rows.jsonl:22: row 'r21' has " in error
    assert error.count("the model's context is 1024\n  hint: shorten the query") == 2


def test_a_model_that_is_not_there(avspec: Avspec) -> None:
    code, error = avspec("apply", "spec.yaml", "--set=model.base=path:nowhere")
    assert code == 69
    assert error.startswith("error: there is no such model folder\n  at ") and "nowhere\n  hint: " in error
    code, error = avspec("apply", "spec.yaml", "--set=model.base=package:no_such_module/model.gguf")
    assert code == 69 and "'no_such_module' is not installed" in error and "pip install" in error


def test_a_model_on_the_hub_without_a_network(avspec: Avspec, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    code, error = avspec("apply", "spec.yaml", "--set=model.base=hf:nobody/nothing")
    assert code == 69
    assert error.startswith("error: the base model hf:nobody/nothing cannot be loaded: ")
    assert error.endswith("hint: check the name and the network, or use a model that is on this disk (path:DIR)\n")


def test_a_model_whose_download_was_cut_off(avspec: Avspec, folder: Path, tiny_folder: Path) -> None:
    shutil.copytree(tiny_folder, folder / "half", dirs_exist_ok=True)
    weights = folder / "half" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    code, error = avspec("apply", "spec.yaml", "--set=model.base=path:half")
    assert code == 69
    assert "is cut off or broken" in error and "half/model.safetensors\n  hint: fetch this file again" in error


def test_nan_in_training_keeps_what_is_finished(avspec: Avspec, folder: Path) -> None:
    code, error = avspec("apply", "spec.yaml", "--set=training.learning_rate=1e30")
    assert code == 70
    assert error.startswith("error: the ") and " loss of medical became nan at step " in error
    assert "  hint: lower training.learning_rate" in error
    states = json.loads((folder / "runs/tiny/avspec.lock").read_text())["stages"]
    assert set(states) == {"base", "data[medical]", "card[medical]"}


def test_nan_in_evaluations_is_told_and_the_run_goes_on(avspec: Avspec, folder: Path) -> None:
    wide = ("--set=search.low=-1e300", "--set=search.high=1e300", "--set=sweep.step=1e300")
    assert avspec("apply", "spec.yaml", *wide)[0] == 0
    run = folder / "runs" / "tiny"
    sweep = json.loads((run / "sweep.json").read_text())
    assert [point["coefficient"] for point in sweep["failed"]] == [-1e300, 1e300]
    assert sweep["failed"][0]["reason"] == "the model gives log-probs that are not finite"
    search = json.loads((run / "search.json").read_text())
    assert search["evaluations"] == 5 and len(search["failed"]) == 4
    assert search["behaviors"]["clinic"]["coefficients"] == {"medical": 0.0}
    assert (run / "report.html").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told_before_anything_runs(avspec: Avspec, folder: Path) -> None:
    logs = folder / "runs" / "full" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "apply.jsonl").symlink_to("/dev/full")
    code, error = avspec("apply", "spec.yaml", "--set=name=full")
    assert code == 74
    assert error.startswith("error: the disk is full\n  at runs/full") and "avspec gc" in error


def test_a_run_folder_that_cannot_be_made(avspec: Avspec, folder: Path) -> None:
    # /sys takes no new folders, whoever asks
    (folder / "runs").mkdir(exist_ok=True)
    (folder / "runs" / "stuck").symlink_to("/sys")
    code, error = avspec("apply", "spec.yaml", "--set=name=stuck")
    assert code == 74
    assert "permission denied" in error or "read-only" in error
    assert "make it writable or work in another folder" in error


def test_a_second_apply_at_the_same_time(avspec: Avspec, folder: Path) -> None:
    with Store(folder / ".avspec").lock():
        code, error = avspec("apply", "spec.yaml")
    assert code == 75
    assert error.startswith("error: another avspec works in this folder: process ") and "hint: wait" in error


def test_a_corrupted_vector_is_refused_and_made_again(avspec: Avspec, folder: Path) -> None:
    assert avspec("apply", "spec.yaml", "--target=search")[0] == 0
    vector = (folder / "runs/tiny/vectors/medical.safetensors").resolve()
    good = vector.read_bytes()
    vector.write_bytes(good[:-9])
    write_rows(folder, [row(0, domain="medical")])
    code, error = avspec("eval", "runs/tiny", "--data", "rows.jsonl", "--coefficients", "medical=1")
    assert code == 74
    assert error.startswith("error: not an alignment vector: ") and "run `avspec apply` on its spec again" in error
    assert avspec("apply", "spec.yaml", "--target=search")[0] == 0
    assert vector.read_bytes() == good


@pytest.mark.parametrize(
    "command", [["apply", "spec.yaml"], ["plan", "spec.yaml"], ["status", "runs/new"], ["chat", "runs/new"], ["gc"]]
)
def test_a_run_of_a_newer_avspec(avspec: Avspec, folder: Path, command: list[str]) -> None:
    lock = folder / "runs" / "new" / "avspec.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"format_version": 99, "stages": {}}))
    named = ["--set=name=new"] if "spec.yaml" in command else []
    try:
        code, error = avspec(*command, *named)
    finally:
        shutil.rmtree(lock.parent)
    assert code == 74
    assert error.startswith("error: this was made by a newer avspec: format 99") and "upgrade avspec" in error
