"""A full, read-only or forbidden disk, in words."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from avspec.errors import StoreError
from avspec.store.disk import disk_errors, write_atomic
from avspec.store.local import Store

KEY = "a" * 64
FULL_DEVICE = Path("/dev/full")


def test_full_disk_says_where_and_what_to_do():
    with pytest.raises(StoreError) as error, disk_errors(Path("folder")):
        raise OSError(errno.ENOSPC, "No space left on device", "folder/model.safetensors")
    assert str(error.value) == (
        "the disk is full\n"
        "  at folder/model.safetensors\n"
        "  hint: free some space (`avspec gc` removes what no run needs), then run the same command again"
    )
    assert error.value.exit_code == 74


@pytest.mark.skipif(not FULL_DEVICE.exists(), reason="this system has no /dev/full")
def test_really_full_device():
    with pytest.raises(StoreError, match="the disk is full"), disk_errors(FULL_DEVICE):
        FULL_DEVICE.write_text("rows")


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EPERM, "permission denied"),
    ],
)
def test_other_conditions(code, what):
    with pytest.raises(StoreError, match=what) as error, disk_errors(Path("runs/x")):
        raise OSError(code, "words of the system")
    assert error.value.where == "runs/x"
    assert error.value.hint


def test_conditions_that_libraries_report_in_their_own_exceptions():
    with pytest.raises(StoreError, match="the disk is full"), disk_errors(Path("x")):
        raise RuntimeError("I/O error: No space left on device (os error 28)")
    with pytest.raises(StoreError, match="the disk is full"), disk_errors(Path("x")):
        raise sqlite3.OperationalError("database or disk is full")


def test_everything_else_passes():
    with pytest.raises(FileNotFoundError), disk_errors(Path("x")):
        Path("/there/is/no/such/file").read_text()
    with pytest.raises(RuntimeError, match="shapes"), disk_errors(Path("x")):
        raise RuntimeError("shapes differ")


def test_full_disk_while_a_stage_writes_loses_only_its_output(tmp_path):
    store = Store(tmp_path / ".avspec")
    with pytest.raises(StoreError), store.writing(KEY) as out:
        (out / "half").write_text("half")
        (store.scratch(KEY) / "checkpoint").write_text("step 7")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert store.state(KEY) == "incomplete"
    assert not (store.work / KEY / "out").exists()
    assert (store.scratch(KEY) / "checkpoint").exists()


def test_full_disk_in_a_commit(tmp_path, monkeypatch):
    store = Store(tmp_path / ".avspec")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="the disk is full"), store.writing(KEY) as out:
        (out / "rows.jsonl").write_text("rows")
        monkeypatch.setattr(os, "fsync", full)
        store.commit(KEY, kind="data", name="d", version=1, params={}, inputs={}, plugins=[], seconds=0.0)
    assert not store.has(KEY)


def test_read_only_folder(tmp_path, monkeypatch):
    root = tmp_path / "closed"
    root.mkdir()
    root.chmod(0o555)
    if os.access(root, os.W_OK):  # root may write anywhere: let the system call itself refuse

        def refuse(path, *args, **kwargs):
            raise OSError(errno.EROFS, "Read-only file system", str(path))

        monkeypatch.setattr(os, "mkdir", refuse)
    store = Store(root / ".avspec")
    for attempt in (store.lock(), store.writing(KEY)):
        with pytest.raises(StoreError, match=r"read-only|permission denied"), attempt:
            pass
    with pytest.raises(StoreError, match=r"read-only|permission denied"):
        store.scratch(KEY)


def test_atomic_write_leaves_the_old_text_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "new" / "avspec.lock"
    write_atomic(path, "old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]
