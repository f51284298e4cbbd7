"""The graph of stages: keys, what a target needs, what depends on a stage."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from avspec.errors import UsageError
from avspec.plan.stage import Stage


def keys(stages: Sequence[Stage]) -> dict[str, str]:
    """Return address to key of every stage; `stages` stand in topological order."""
    found: dict[str, str] = {}
    for stage in stages:
        found[stage.address] = stage.key(found)
    return found


def addresses(stages: Sequence[Stage], names: Iterable[str]) -> set[str]:
    """Return the addresses that names mean: `train[medical]` one stage, `train` all stages of that kind.

    Raises:
        UsageError: A name means no stage.
    """
    return {address for name in names for address in _meant(stages, name)}


def _meant(stages: Sequence[Stage], name: str) -> list[str]:
    known = [stage.address for stage in stages]
    meant = [name] if name in known else [stage.address for stage in stages if name == stage.kind]
    if not meant:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        guess = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"this spec has no stage {name!r}", hint=f"{guess}stages: {', '.join(known)}")
    return meant


def select(stages: Sequence[Stage], target: str | None) -> tuple[Stage, ...]:
    """Return a target and everything it needs, in order; without a target, all stages.

    Raises:
        UsageError: The target means no stage.
    """
    if target is None:
        return tuple(stages)
    needed = addresses(stages, [target])
    for stage in reversed(stages):
        if stage.address in needed:
            needed.update(stage.inputs)
    return tuple(stage for stage in stages if stage.address in needed)
