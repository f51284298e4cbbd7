"""What an apply would do now."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from avspec.plan.compile import compile_spec
from avspec.plan.diff import Plan, plan_run
from avspec.plan.graph import select
from avspec.plan.lockfile import read_lock
from avspec.run.folder import run_folder
from avspec.store.local import Store

if TYPE_CHECKING:
    from avspec.spec import LoadedSpec


def preview(
    loaded: LoadedSpec,
    *,
    root: Path = Path(),
    target: str | None = None,
    force: Collection[str] = (),
    verify: bool = False,
) -> Plan:
    """Return the plan that `apply` would carry out with the same arguments; nothing is written.

    Args:
        loaded: The spec.
        root: The folder that holds `.avspec` and `runs`.
        target: Only this stage and what it needs.
        force: Addresses or kinds to run although nothing changed.
        verify: Rehash every stored file, not only those whose size or time changed.
    """
    run_dir = run_folder(root, loaded.spec.name)
    stages = select(compile_spec(loaded, run_dir), target)
    lock = read_lock(run_dir)
    return plan_run(stages, Store(root / ".avspec"), lock, force=force, verify=verify)
