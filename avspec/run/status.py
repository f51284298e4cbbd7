"""What a run has: the state of every stage."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avspec.plan.lockfile import read_lock
from avspec.run.folder import existing
from avspec.run.history import last_apply
from avspec.run.links import current
from avspec.store.local import Store


@dataclass(frozen=True)
class StageStatus:
    """One stage of a run."""

    address: str
    state: str
    """`ok`; `missing`, `incomplete` or `drifted` in the store; `outdated`: of the spec before, because the last
    apply ended too early to make it anew; `not run`: the last apply ended before it."""
    seconds: float | None = None
    """How long it ran."""
    created: str | None = None
    """When its artifact was made, ISO 8601 in UTC."""
    key: str | None = None


@dataclass(frozen=True)
class RunStatus:
    """A run with all its stages."""

    run: str
    last: str
    """How the last apply ended."""
    stages: tuple[StageStatus, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the status as JSON."""
        return {"format_version": 1, **asdict(self)}


def run_status(run_dir: Path, *, verify: bool = False) -> RunStatus:
    """Look at every artifact of a run.

    Args:
        run_dir: The run folder.
        verify: Rehash every file, not only those whose size or time changed.

    Raises:
        NoInput: There is no such run.
        NewerFormat: A newer avspec made it.
    """
    lock = read_lock(existing(run_dir)) or {"store": ".", "stages": {}}
    store, entries, last = Store(run_dir / lock["store"]), lock["stages"], last_apply(run_dir)
    planned = last.planned if last else {}
    keys = {address: entry["key"] for address, entry in entries.items()}
    fresh = {address for address in current(entries) if planned.get(address, keys[address]) == keys[address]}
    stages = [
        _status(store, address, keys[address], address in fresh, verify)
        if address in entries
        else StageStatus(address, "not run")
        for address in [*planned, *(address for address in entries if address not in planned)]
    ]
    end = "unknown" if last is None else last.end or "was killed, or still runs"
    return RunStatus(str(run_dir), end, tuple(stages))


def _status(store: Store, address: str, key: str, fresh: bool, verify: bool) -> StageStatus:
    state: str = store.state(key, full=verify)
    if not store.has(key):
        return StageStatus(address, state, key=key)
    if state == "ok" and not fresh:
        state = "outdated"
    manifest = store.manifest(key)
    return StageStatus(address, state, manifest.seconds, manifest.created, key)
