"""The lock file and the links of a run, brought up to date after every stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspec.plan.lockfile import lock_entry, read_lock, write_lock
from avspec.run import links
from avspec.store.local import Store

if TYPE_CHECKING:
    from avspec.plan.diff import PlannedStage


class Ledger:
    """What `runs/NAME/avspec.lock` records: for every stage the artifact that stands for it now.

    Args:
        run_dir: The run folder.
        store: Where the artifacts are.
        spec: The resolved spec.
        addresses: Every stage of the spec; what the lock knows of others is forgotten.
    """

    def __init__(self, run_dir: Path, store: Store, spec: Mapping[str, Any], addresses: Iterable[str]) -> None:
        self._run_dir, self._store, self._spec = run_dir, store, spec
        before = (read_lock(run_dir) or {}).get("stages", {})
        self._stages = {address: before[address] for address in addresses if address in before}

    def record(self, planned: Iterable[PlannedStage]) -> None:
        """Write down that these stages are in the store, and refresh the links.

        Raises:
            StoreError: The run folder is not writable.
        """
        for each in planned:
            self._stages[each.address] = lock_entry(each.stage, self._store.manifest(each.key))
        write_lock(self._run_dir, spec=self._spec, store=self._store.root, stages=self._stages)
        links.refresh(self._run_dir, self._store, self._stages)
