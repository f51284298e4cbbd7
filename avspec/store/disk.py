"""Writing that survives a crash, and the disk's errors in words."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avspec.errors import StoreError

_FULL = "free some space (`avspec gc` removes what no run needs), then run the same command again"
_READ_ONLY = "make it writable or work in another folder, then run the same command again"
_REASONS = {
    errno.ENOSPC: ("the disk is full", _FULL),
    errno.EDQUOT: ("the disk quota is used up", _FULL),
    errno.EROFS: ("the file system is read-only", _READ_ONLY),
    errno.EACCES: ("permission denied", _READ_ONLY),
    errno.EPERM: ("permission denied", _READ_ONLY),
}


# safetensors and SQLite report the same conditions in exceptions of their own
_TEXTS = {
    "No space left on device": errno.ENOSPC,
    "database or disk is full": errno.ENOSPC,
    "Read-only file system": errno.EROFS,
    "attempt to write a readonly database": errno.EACCES,
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the errors of a full, read-only or forbidden disk into `StoreError`; others pass.

    Args:
        path: What is being written, named when the error itself names no file.

    Raises:
        StoreError: The disk is full, read-only or not writable.
    """
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        where = str(getattr(error, "filename", None) or path)
        raise StoreError(reason[0], where=where, hint=reason[1]) from error


def _reason(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, OSError):
        return _REASONS.get(error.errno or 0)
    return next((_REASONS[code] for text, code in _TEXTS.items() if text in str(error)), None)


def fsync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_tree(folder: Path) -> None:
    """Flush every file below a folder, then the folders from the innermost out."""
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            fsync(Path(parent, name))
        fsync(Path(parent))


def write_atomic(path: Path, text: str) -> None:
    """Write a text file so that a reader or a crash sees the old text or the new one, never a part.

    Raises:
        StoreError: The disk is full, read-only or not writable.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(text, encoding="utf-8")
            fsync(draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        fsync(path.parent)


def remove_tree(folder: Path) -> None:
    """Remove a folder if it is there."""
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)


def tree_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
