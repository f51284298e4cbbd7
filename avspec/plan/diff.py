"""Stages against the store and the last run: what would run, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from avspec.plan import graph
from avspec.plan.leaves import changed_files, changed_leaves
from avspec.plan.stage import Stage
from avspec.store.local import Store

FORMAT_VERSION = 1
Action = Literal["reuse", "run"]
Reason = Literal[
    "new",
    "spec-changed",
    "input-changed",
    "plugin-changed",
    "code-changed",
    "output-missing",
    "output-drifted",
    "incomplete",
    "forced",
]


@dataclass(frozen=True)
class PlannedStage:
    """What happens to one stage."""

    stage: Stage
    key: str
    action: Action
    reason: Reason | None
    """Why it runs; None when its artifact is reused."""
    changes: tuple[str, ...] = ()
    """The leaves, inputs, plugins or files behind the reason."""

    @property
    def address(self) -> str:
        """Return the stage's address."""
        return self.stage.address

    def to_json(self) -> dict[str, Any]:
        """Return what `avspec plan --json` says about it."""
        return {
            "address": self.address,
            "key": self.key,
            "action": self.action,
            "reason": self.reason,
            "changes": list(self.changes),
        }


@dataclass(frozen=True)
class Plan:
    """Every stage in topological order, with what happens to it."""

    stages: tuple[PlannedStage, ...]

    @property
    def summary(self) -> dict[str, int]:
        """Return how many stages are reused and how many run."""
        running = len(self.running)
        return {"reuse": len(self.stages) - running, "run": running}

    @property
    def running(self) -> tuple[PlannedStage, ...]:
        """Return the stages that run."""
        return tuple(planned for planned in self.stages if planned.action == "run")

    @property
    def keys(self) -> dict[str, str]:
        """Return address to key."""
        return {planned.address: planned.key for planned in self.stages}

    def to_json(self) -> dict[str, Any]:
        """Return what `avspec plan --json` prints."""
        stages = [planned.to_json() for planned in self.stages]
        return {"format_version": FORMAT_VERSION, "stages": stages, "summary": self.summary}


def plan_run(
    stages: Sequence[Stage],
    store: Store,
    lock: Mapping[str, Any] | None,
    *,
    force: Collection[str] = (),
    verify: bool = False,
) -> Plan:
    """Compare stages with the store, and say by the last run's lock what made a difference.

    Args:
        stages: In topological order, a stage's inputs included.
        store: Whatever it holds is reused, also when no lock mentions it.
        lock: The run folder's lock, see `avspec.plan.lockfile`; None when there is none.
        force: Addresses or kinds to run anyway; what depends on them runs too.
        verify: Rehash every file, not only those whose size or time changed.

    Raises:
        UsageError: `force` names no stage.
        NewerFormat: A newer avspec wrote an artifact.
    """
    keys = graph.keys(stages)
    forced = graph.addresses(stages, force)
    entries = lock["stages"] if lock else {}
    again: set[str] = set()  # forced stages and what depends on them: same key, perhaps other bytes
    planned = []
    for stage in stages:
        renewed = [address for address in stage.inputs if address in again]
        if stage.address in forced or renewed:
            again.add(stage.address)
        if stage.address in forced:
            planned.append(PlannedStage(stage, keys[stage.address], "run", "forced"))
            continue
        found = _decide(stage, keys, store, entries.get(stage.address), verify)
        if found.action == "reuse" and renewed:
            found = PlannedStage(stage, found.key, "run", "input-changed", tuple(renewed))
        planned.append(found)
    return Plan(tuple(planned))


def _decide(
    stage: Stage, keys: Mapping[str, str], store: Store, entry: Mapping[str, Any] | None, verify: bool
) -> PlannedStage:
    key = keys[stage.address]
    state = store.state(key, full=verify)
    if state == "ok":
        return PlannedStage(stage, key, "reuse", None)
    if state == "drifted":
        return PlannedStage(stage, key, "run", "output-drifted", tuple(store.verify(key, full=verify)))
    if state == "missing" and store.has(key):
        return PlannedStage(stage, key, "run", "output-missing", tuple(store.verify(key, full=verify)))
    reason, changes = _difference(stage, keys, entry)
    if state == "incomplete":
        # a run that was killed: the difference to the last finished one is still worth telling
        return PlannedStage(stage, key, "run", "incomplete", changes)
    return PlannedStage(stage, key, "run", reason, changes)


def _difference(
    stage: Stage, keys: Mapping[str, str], entry: Mapping[str, Any] | None
) -> tuple[Reason, tuple[str, ...]]:
    """Say what differs from the last run, a stage's own differences before its inputs'."""
    if entry is None:
        return "new", ()
    if entry["key"] == keys[stage.address]:
        return "output-missing", ()
    if entry["version"] != stage.version:  # first: another version may also have other params
        return "code-changed", (f"{stage.kind} version {entry['version']} -> {stage.version}",)
    if leaves := changed_leaves(entry["params"], stage.params):
        return "spec-changed", tuple(leaves)
    if plugins := _plugins(entry["plugins"], stage.plugins):
        return "plugin-changed", tuple(plugins)
    files = changed_files(entry["params"], stage.params)
    inputs = [address for address in stage.inputs if entry["inputs"].get(address) != keys[address]]
    gone = [f"{address} removed" for address in entry["inputs"] if address not in stage.inputs]
    if files or inputs or gone:
        return "input-changed", (*files, *inputs, *gone)
    return "code-changed", ("how avspec makes keys",)


def _plugins(old: Sequence[Mapping[str, str]], new: Sequence[Mapping[str, str]]) -> list[str]:
    """Say which plugins have another version or come from another distribution."""
    before = {(plugin["group"], plugin["name"]): plugin for plugin in old}
    changes = []
    for plugin in new:
        was = before.get((plugin["group"], plugin["name"]), {})
        for what in ("distribution", "version"):
            if was.get(what, plugin[what]) != plugin[what]:
                changes.append(f"{plugin['group']} {plugin['name']} {what} {was[what]} -> {plugin[what]}")
    return changes
