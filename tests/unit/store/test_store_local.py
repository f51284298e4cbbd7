"""The store: an artifact is whole or absent, and a changed byte is found."""

import json
import os

import pytest

from avspec.errors import Corrupted, NewerFormat, NoInput, StageFailed
from avspec.store.local import Store

KEY, OTHER = "a" * 64, "b" * 64
FIELDS = {
    "kind": "data",
    "name": "medical",
    "version": 1,
    "params": {"rows": 3},
    "inputs": {"base": OTHER},
    "plugins": [{"group": "domains", "name": "medical", "distribution": "avspec", "version": "1"}],
    "seconds": 1.5,
}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / ".avspec")


def write(store, key=KEY, text="one\n"):
    with store.writing(key) as out:
        (out / "rows.jsonl").write_text(text)
        (out / "deep").mkdir()
        (out / "deep" / "data.json").write_text("{}")
        return store.commit(key, **FIELDS)


def test_nothing_is_made_by_looking(store):
    assert store.state(KEY) == "missing"
    assert not store.has(KEY)
    assert list(store.keys()) == []
    assert not store.root.exists()


def test_committed_artifact(store):
    written = write(store)
    folder = store.path(KEY)
    assert folder == store.root / "objects" / "aa" / KEY
    assert (folder / "rows.jsonl").read_text() == "one\n"
    assert store.state(KEY) == store.state(KEY, full=True) == "ok"
    assert store.verify(KEY) == []
    manifest = store.manifest(KEY)
    assert manifest == written
    assert set(manifest.outputs) == {"rows.jsonl", "deep/data.json"}
    assert manifest.outputs["rows.jsonl"].size == 4
    assert (manifest.kind, manifest.name, manifest.seconds) == ("data", "medical", 1.5)
    assert list(store.keys()) == [KEY]
    assert not (store.work / KEY).exists()


def test_writing_gives_a_fresh_folder_each_time(store):
    with pytest.raises(ValueError, match="stop"), store.writing(KEY) as out:
        (out / "half.bin").write_text("half")
        (store.scratch(KEY) / "checkpoint").write_text("step 7")
        raise ValueError("stop")
    assert store.state(KEY) == "incomplete"
    assert (store.scratch(KEY) / "checkpoint").read_text() == "step 7"
    with store.writing(KEY) as out:
        assert list(out.iterdir()) == []


def test_commit_removes_the_scratch_folder(store):
    (store.scratch(KEY) / "checkpoint").write_text("step 7")
    write(store)
    assert list(store.scratch(KEY).iterdir()) == []


def test_commit_replaces_an_older_artifact(store):
    write(store)
    write(store, text="two!\n")
    assert (store.path(KEY) / "rows.jsonl").read_text() == "two!\n"
    assert store.state(KEY, full=True) == "ok"
    assert not (store.work / KEY).exists()


def test_same_size_rewrite_is_found_by_rehashing(store):
    write(store)
    (store.path(KEY) / "rows.jsonl").write_text("0ne\n")
    assert store.state(KEY) == "drifted"
    assert store.verify(KEY) == ["rows.jsonl is not what was written"]


def test_rewrite_with_the_old_time_is_found_by_a_full_check_only(store):
    write(store)
    path = store.path(KEY) / "rows.jsonl"
    stat = path.stat()
    path.write_text("0ne\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert store.state(KEY) == "ok"
    assert store.state(KEY, full=True) == "drifted"
    assert store.verify(KEY) == ["rows.jsonl is not what was written"]


def test_touched_file_is_hashed_once_and_trusted_again(store, monkeypatch):
    write(store)
    path = store.path(KEY) / "rows.jsonl"
    os.utime(path, ns=(0, 0))
    assert store.state(KEY) == "ok"
    monkeypatch.setattr("avspec.store.local.file_digest", lambda path: pytest.fail("hashed again"))
    assert store.state(KEY) == "ok"


def test_lost_file(store):
    write(store)
    (store.path(KEY) / "rows.jsonl").unlink()
    assert store.state(KEY) == "missing"
    assert store.verify(KEY) == ["rows.jsonl is gone"]


def test_folder_without_manifest_is_no_artifact(store):
    write(store)
    (store.path(KEY) / "manifest.json").unlink()
    assert not store.has(KEY)
    assert store.state(KEY) == "incomplete"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format_version": 1}'])
def test_broken_manifest(store, text):
    write(store)
    (store.path(KEY) / "manifest.json").write_text(text)
    assert store.state(KEY) == "drifted"
    with pytest.raises(Corrupted, match="manifest is broken"):
        store.manifest(KEY)


def test_manifest_of_another_artifact(store):
    write(store)
    write(store, OTHER)
    (store.path(KEY) / "manifest.json").write_text((store.path(OTHER) / "manifest.json").read_text())
    assert store.state(KEY) == "drifted"


def test_manifest_of_a_newer_avspec(store):
    write(store)
    path = store.path(KEY) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 2}))
    with pytest.raises(NewerFormat) as error:
        store.state(KEY)
    assert str(error.value) == (
        "this was made by a newer avspec: format 2, this avspec knows up to 1\n"
        f"  at {path}\n"
        "  hint: upgrade avspec: pip install --upgrade avspec"
    )


def test_keys_a_newer_avspec_added_are_ignored(store):
    write(store)
    path = store.path(KEY) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"added": 1}))
    assert store.state(KEY) == "ok"


def test_absent_manifest(store):
    with pytest.raises(NoInput, match="not in the store"):
        store.manifest(KEY)


def test_symbolic_links_are_refused(store, tmp_path):
    with pytest.raises(StageFailed, match="symbolic link"), store.writing(KEY) as out:
        (out / "link").symlink_to(tmp_path)
        store.commit(KEY, **FIELDS)
    assert not store.has(KEY)


@pytest.mark.parametrize("key", ["../../etc", "", "A" * 64, "a" * 63])
def test_key_that_is_no_digest_never_becomes_a_path(store, key):
    with pytest.raises(Corrupted, match="not the key"):
        store.path(key)


def test_discard_leaves_the_checkpoints(store):
    write(store)
    store.scratch(KEY)
    store.discard(KEY)
    assert store.state(KEY) == "incomplete"
    store.discard_work(KEY)
    assert store.state(KEY) == "missing"
    store.discard(KEY)
    store.discard_work(KEY)
