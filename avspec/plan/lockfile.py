"""A run folder's lock: which artifact every stage of the run has, and what made it.

runs/NAME/avspec.lock = {format_version, avspec, spec, store, stages: {ADDRESS:
    {key, kind, version, params, inputs: {ADDRESS: key}, plugins, outputs: {FILE: sha256}}}}
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avspec import __version__
from avspec.errors import Corrupted
from avspec.plan.stage import Stage
from avspec.store.disk import write_atomic
from avspec.store.manifest import Manifest, check_format

FORMAT_VERSION = 1
FILE_NAME = "avspec.lock"
_ENTRY = {"key", "kind", "version", "params", "inputs", "plugins", "outputs"}


def read_lock(run_dir: Path) -> dict[str, Any] | None:
    """Return the lock of a run folder, or None if it has none.

    Raises:
        NewerFormat: A newer avspec wrote it.
        Corrupted: It is not a lock.
    """
    path = run_dir / FILE_NAME
    try:
        lock: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        check_format(lock, FORMAT_VERSION, path)
        if not all(entry.keys() >= _ENTRY for entry in lock["stages"].values()):
            raise ValueError("a stage lacks a key")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        hint = "delete it and run `avspec apply` again: the artifacts in the store are found by their keys"
        raise Corrupted("a run's lock file is broken", where=str(path), hint=hint) from error
    return lock


def write_lock(
    run_dir: Path,
    *,
    spec: Mapping[str, Any],
    store: Path,
    stages: Mapping[str, Any],
) -> None:
    """Write the lock of a run folder, whole or not at all.

    Args:
        run_dir: The run folder.
        spec: The resolved spec.
        store: Root of the store; written relative to the run folder.
        stages: Address to `lock_entry`.

    Raises:
        StoreError: The disk is full, read-only or not writable.
    """
    lock = {
        "format_version": FORMAT_VERSION,
        "avspec": __version__,
        "spec": spec,
        "store": Path(os.path.relpath(store, run_dir)).as_posix(),
        "stages": stages,
    }
    write_atomic(run_dir / FILE_NAME, json.dumps(lock, indent=1, ensure_ascii=False) + "\n")


def lock_entry(stage: Stage, manifest: Manifest) -> dict[str, Any]:
    """Return what a lock says about one stage."""
    return {
        "key": manifest.key,
        "kind": stage.kind,
        "version": stage.version,
        "params": stage.params.model_dump(mode="json"),
        "inputs": {address: manifest.inputs[stage.local(address)] for address in stage.inputs},
        "plugins": [dict(plugin) for plugin in stage.plugins],
        "outputs": {name: output.sha256 for name, output in manifest.outputs.items()},
    }


def locked_keys(runs: Path) -> set[str]:
    """Return the keys of every artifact that a run below `runs` has: what `gc` must keep.

    Raises:
        NewerFormat: A newer avspec wrote one of the locks.
        Corrupted: One of the locks is broken; nothing may be removed then.
    """
    locks = [read_lock(path.parent) for path in sorted(runs.glob(f"*/{FILE_NAME}"))]
    return {entry["key"] for lock in locks if lock for entry in lock["stages"].values()}
