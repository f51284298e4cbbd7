"""Models that were unpacked once: a GGUF file takes a while to de-quantize."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from avspec.digest import digest
from avspec.model.loading import INFO, fetch
from avspec.plan.params import BaseParams
from avspec.store.disk import disk_errors, fsync_tree


def cache_folder(chosen: str | None) -> Path:
    """Return the folder to keep models in: the chosen one, or avspec's in the user's cache (XDG base directories)."""
    if chosen is not None:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "")
    # an empty or relative XDG_CACHE_HOME does not count, says its specification
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "avspec"


def unpacked(params: BaseParams, folder: Path) -> Path:
    """Return the base artifact of a packaged model, made on first use; another version of the package is another one.

    Raises:
        ModelError: There is no such model.
        StoreError: The folder cannot be written.
    """
    target = folder / "models" / digest({"base": params.base, "files": params.files})
    if (target / INFO).is_file():
        return target
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="unpacking-", dir=target.parent) as room:
            draft = Path(room, "model")
            draft.mkdir()
            fetch(params.base, draft, dtype="float32", device="cpu")
            fsync_tree(draft)
            _move(draft, target)
    return target


def _move(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError:
        if not (target / INFO).is_file():  # else another process was first, with the same model
            raise
