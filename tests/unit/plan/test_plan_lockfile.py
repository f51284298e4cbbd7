"""The lock of a run folder."""

import json

import pytest

from avspec.errors import Corrupted, NewerFormat
from avspec.plan.lockfile import locked_keys, read_lock, write_lock


def test_what_a_lock_says(done):
    lock = json.loads((done.run_dir / "avspec.lock").read_text())
    assert lock == read_lock(done.run_dir)
    assert lock["format_version"] == 1
    assert (done.run_dir / lock["store"]).resolve() == done.store.root.resolve()
    keys = done.plan().keys
    entry = lock["stages"]["extract[legal]"]
    assert entry.keys() == {"key", "kind", "version", "params", "inputs", "plugins", "outputs"}
    assert entry["key"] == keys["extract[legal]"]
    assert entry["inputs"] == {"base": keys["base"], "train[legal]": keys["train[legal]"]}
    assert entry["params"]["plugin"] == "difference"
    assert len(entry["outputs"]["result.json"]) == 64


def test_no_lock(tmp_path):
    assert read_lock(tmp_path) is None
    assert locked_keys(tmp_path) == set()


def test_lock_of_a_newer_avspec(done):
    path = done.run_dir / "avspec.lock"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 2}))
    with pytest.raises(NewerFormat) as error:
        done.plan()
    assert str(error.value) == (
        "this was made by a newer avspec: format 2, this avspec knows up to 1\n"
        f"  at {path}\n"
        "  hint: upgrade avspec: pip install --upgrade avspec"
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format_version": 1}', '{"format_version": 1, "stages": {"base": {}}}']
)
def test_broken_lock(tmp_path, text):
    (tmp_path / "avspec.lock").write_text(text)
    with pytest.raises(Corrupted) as error:
        read_lock(tmp_path)
    assert str(error.value) == (
        "a run's lock file is broken\n"
        f"  at {tmp_path}/avspec.lock\n"
        "  hint: delete it and run `avspec apply` again: the artifacts in the store are found by their keys"
    )


def test_kept_keys_are_those_of_all_runs(done):
    entry = read_lock(done.run_dir)["stages"]["search"] | {"key": "f" * 64}
    write_lock(done.root / "runs" / "other", spec={}, store=done.store.root, stages={"search": entry})
    assert locked_keys(done.root / "runs") == {*done.plan().keys.values(), "f" * 64}


def test_broken_lock_keeps_everything(done):
    other = done.root / "runs" / "other"
    other.mkdir()
    (other / "avspec.lock").write_text("{")
    with pytest.raises(Corrupted):
        locked_keys(done.root / "runs")
