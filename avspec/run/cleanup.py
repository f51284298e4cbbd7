"""Removing what no run of this folder needs."""

from pathlib import Path

from avspec.plan.lockfile import locked_keys
from avspec.run.history import last_apply
from avspec.store.gc import Garbage, collect
from avspec.store.local import Store


def clean(root: Path = Path(), *, dry_run: bool = False) -> Garbage:
    """Remove the artifacts that stand in no run's lock; what an interrupted apply goes on with is kept.

    Args:
        root: The folder that holds `.avspec` and `runs`.
        dry_run: Only say what would be removed.

    Raises:
        StoreBusy: An apply is running.
        NewerFormat: A newer avspec made one of the runs; nothing is removed.
    """
    store, runs = Store(root / ".avspec"), root / "runs"
    if not store.root.is_dir():
        return Garbage((), 0)
    with store.lock():
        keep = locked_keys(runs)
        for lock in runs.glob("*/avspec.lock"):
            if last := last_apply(lock.parent):
                keep.update(last.planned.values())
        return collect(store, keep, dry_run=dry_run)
