"""One apply at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from avspec.errors import StoreBusy
from avspec.store.disk import disk_errors, write_atomic


@contextmanager
def hold(root: Path) -> Iterator[None]:
    """Hold `root/lock` or fail at once; the operating system frees it when the holder dies.

    Raises:
        StoreBusy: Another process holds it; says which one and since when, if that is known.
        StoreError: The disk is read-only or not writable.
    """
    from filelock import FileLock, Timeout

    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise _busy(root) from None
    try:
        _write_holder(root)
        yield
    finally:
        _holder(root).unlink(missing_ok=True)
        lock.release()


def _holder(root: Path) -> Path:
    # a file of its own: whoever tries to take the lock truncates the lock file
    return root / "lock.json"


def _write_holder(root: Path) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    write_atomic(_holder(root), json.dumps({"pid": os.getpid(), "since": since}) + "\n")


def _busy(root: Path) -> StoreBusy:
    who = ""
    try:
        holder = json.loads(_holder(root).read_text(encoding="utf-8"))
        who = f": process {holder['pid']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the other process has not written it yet, or just went away
    hint = "wait until it is done, or stop it with Ctrl+C; nothing is lost"
    return StoreBusy(f"another avspec works in this folder{who}", where=str(root), hint=hint)
