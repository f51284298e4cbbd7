"""Search progress: how many behaviors hold, and the best margin of each, after every evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from avspec.report.inputs import Json

PARTS = 4
"""Steps in which the searches of several samplers are compared."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Series over the evaluations, the sweep's first."""

    sweep: int
    """How many evaluations came from the sweep."""
    held: tuple[int, ...]
    """Behaviors that hold at one of the evaluations so far."""
    best: Mapping[str, tuple[float | None, ...]]
    """Best margin of each behavior so far, fluent evaluations only; None before the first of those."""
    behaviors: int
    by_sampler: Mapping[str, tuple[int, ...]]
    """Sampler to `held`, this search's own first and then those it is compared with."""

    @property
    def evaluations(self) -> int:
        """Return the number of evaluations."""
        return len(self.held)

    @property
    def compared(self) -> tuple[tuple[int, ...], Mapping[str, tuple[int, ...]]]:
        """Return some numbers of evaluations, and each sampler's behaviors that hold after so many.

        A sampler that ended before keeps what it had found; nothing where there is only one sampler.
        """
        if len(self.by_sampler) < 2:
            return (), {}
        longest = max(map(len, self.by_sampler.values()))
        marks = tuple(sorted({-(-longest * part // PARTS) for part in range(1, PARTS + 1)}))
        return marks, {n: tuple(curve[min(m, len(curve)) - 1] for m in marks) for n, curve in self.by_sampler.items()}


def read_progress(search: Json, compare: Json) -> Progress:
    """Return the progress of all searched behaviors, the atlas's included."""
    trials = list(search.get("trials") or [])
    names = list(search.get("behaviors") or {})
    best: dict[str, list[float | None]] = {name: [] for name in names}
    settled: set[str] = set()
    held = []
    for trial in trials:
        judged = trial.get("behaviors") or {}
        settled |= {name for name in names if (judged.get(name) or {}).get("held")}
        held.append(len(settled))
        for name in names:
            best[name].append(_better(best[name][-1] if best[name] else None, judged.get(name) or {}))
    return Progress(
        sweep=sum(trial.get("source") == "sweep" for trial in trials),
        held=tuple(held),
        best={name: tuple(values) for name, values in best.items()},
        behaviors=len(names),
        by_sampler={
            str(name): tuple(curve)
            for name, curve in {search.get("sampler") or "this search": held, **(compare.get("held") or {})}.items()
            if curve
        },
    )


def _better(before: float | None, judged: Json) -> float | None:
    margin: float | None = judged.get("margin") if judged.get("feasible") else None
    known = [value for value in (before, margin) if value is not None]
    return max(known) if known else None
