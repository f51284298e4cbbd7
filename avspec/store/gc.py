"""Removing what no run needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from avspec.store.disk import tree_bytes
from avspec.store.local import Store, is_key


@dataclass(frozen=True)
class Garbage:
    """What was removed, or would be."""

    keys: tuple[str, ...]
    bytes: int


def collect(store: Store, keep: Collection[str], *, dry_run: bool = False) -> Garbage:
    """Remove every artifact and every unfinished one whose key is not kept; hold the store's lock around it.

    The search's evaluations stay: they are small, and a search that comes back uses them again.

    Args:
        store: The store.
        keep: Keys of what runs have or were making.
        dry_run: Only say what would be removed.

    Raises:
        StoreError: The disk is read-only or not writable.
    """
    unfinished = {folder.name for folder in store.work.glob("*") if is_key(folder.name)}
    keys = tuple(sorted({*store.keys(), *unfinished} - set(keep)))
    size = sum(tree_bytes(folder) for key in keys for folder in (store.path(key), store.work / key))
    if not dry_run:
        for key in keys:
            store.discard(key)
            store.discard_work(key)
    return Garbage(keys, size)
