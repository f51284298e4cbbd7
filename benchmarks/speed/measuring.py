"""Timing: pairs of runs A B A B, so that a busy moment of the machine falls on both."""

from __future__ import annotations

import time
from collections.abc import Callable

from speed.results import Measure

SETTLE = 0.3
"""Seconds between two runs: OpenMP threads of the other process spin for 0.2 s before they sleep."""


def seconds(run: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def paired(
    name: str,
    sides: tuple[str, str],
    ours: Callable[[], float],
    peer: Callable[[], float],
    *,
    pairs: int,
    goal: float | None = None,
) -> Measure:
    """Return how many times as long the peer takes, pair by pair, after one warm-up of each.

    Args:
        name: What the ratio is called.
        sides: What the two sides are called, ours first.
        ours: Runs once and returns its seconds.
        peer: The same for the peer.
        pairs: Pairs of runs.
        goal: Smallest ratio wanted.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(pairs + 1):
        for side, run in zip(taken, (ours, peer), strict=True):
            time.sleep(SETTLE)
            value = run()
            if turn:
                side.append(value)
    ratios = tuple(b / a for a, b in zip(*taken, strict=True))
    return Measure(name=name, values=ratios, goal=goal, seconds=dict(zip(sides, map(tuple, taken), strict=True)))


def profile(run: Callable[[], object], rows: int = 8) -> str:
    """Return torch's table of the operations that take most of a call's own CPU time."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiled

    with profiled(activities=[ProfilerActivity.CPU]) as trace:
        run()
    table = trace.key_averages().table(sort_by="self_cpu_time_total", row_limit=rows, max_name_column_width=40)
    return "\n".join(line for line in table.splitlines() if line.strip())
