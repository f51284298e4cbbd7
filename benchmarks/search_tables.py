"""Results of `search_bench.py --json` as Markdown tables and as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

MARKS = (20, 30, 40, 50, 60, 80, 120, 160)
"""Evaluations at which a table says how many behaviors were found."""

NEEDED = {"to_90": "90 % found at", "cost_to_90": "cost", "to_all": "all found at", "cost_to_all": "cost"}
"""Columns of what was needed: evaluations, and their cost in whole ones when some were stopped early."""


def table(results: Mapping[str, Any], budget: int) -> str:
    """Return one surface's results: mean behaviors found, and the mean evaluations needed.

    Seeds that never got there are counted beside the mean of those that did.
    """
    marks = [mark for mark in MARKS if mark <= budget]
    titles = ["sampler", "seeds", *map(str, marks), *NEEDED.values(), "CPU s per evaluation"]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for name, result in results.items():
        means = [_found(result["found"], mark) for mark in marks]
        needed = [needs(result[key]) for key in NEEDED]
        cells = [name, str(len(result["found"])), *means, *needed, f"{result['seconds_per_evaluation']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(runs: Iterable[Mapping[str, Any]], marks: Sequence[int] = (40, 60, 160)) -> str:
    """Return results of several surfaces, one line for each surface and sampler.

    The last two columns are means: evaluations until the sampler stopped by itself, if it did with every seed;
    reachable behaviors that it then called unreachable, if it says so.
    """
    titles = [
        "surface",
        "reachable",
        "sampler",
        "seeds",
        *map(str, marks),
        *NEEDED.values(),
        "stopped at",
        "given up",
    ]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for run in runs:
        for name, result in run["samplers"].items():
            cells = [Path(run["surface"]).stem, str(run["reachable"]), name, str(len(result["found"]))]
            cells += [_found(result["found"], mark) for mark in marks]
            cells += [needs(result[key]) for key in NEEDED]
            cells += [_stopped(result), _given_up(result)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _stopped(result: Mapping[str, Any]) -> str:
    early = all(made < len(curve) for made, curve in zip(result["evaluations"], result["found"], strict=True))
    return f"{np.mean(result['evaluations']):.0f}" if early else "-"


def _given_up(result: Mapping[str, Any]) -> str:
    return "" if None in result["given_up"] else f"{np.mean(result['given_up']):.1f}"


def needs(counts: Sequence[int | None]) -> str:
    """Return the mean of evaluations needed, and how many seeds never got there."""
    there = [count for count in counts if count is not None]
    never = len(counts) - len(there)
    if not there:
        return "never"
    return f"{np.mean(there):.1f}" + (f" ({never} of {len(counts)} never)" if never else "")


def draw(results: Mapping[str, Any], reachable: int, budget: int, path: Path) -> None:
    """Draw behaviors found against evaluations."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, result in results.items():
        shortest = min(budget, *(len(curve) for curve in result["found"]))
        mean = np.mean([curve[:shortest] for curve in result["found"]], axis=0)
        axes.plot(range(1, len(mean) + 1), mean, label=name)
    axes.axhline(reachable, color="gray", linestyle=":", label="reachable")
    axes.set(xlabel="evaluations", ylabel="behaviors found", ylim=(0, reachable + 1))
    axes.legend(fontsize="small")
    figure.savefig(path)


def _found(curves: Sequence[Sequence[int]], mark: int) -> str:
    known = all(len(curve) >= mark for curve in curves)
    return f"{np.mean([curve[mark - 1] for curve in curves]):.1f}" if known else "-"
