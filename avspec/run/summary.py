"""What a user reads when a run has reached its end."""

from collections.abc import Mapping, Sequence
from typing import Any

from avspec.plan.stage import kind_of
from avspec.run.duration import duration
from avspec.run.events import Done


def summary(done: Done) -> str:
    """Return the text: what ran, the behaviors, the time of the stages, the report, what to try next."""
    parts = [_headline(done), _behaviors(done.behaviors), _times(done.stages), _next(done)]
    return "\n".join(part for part in parts if part)


def held_words(held: Mapping[str, bool]) -> str:
    """Return whether a behavior held: `held`, `not held`, or `held on search only`."""
    search, test = held.get("search", False), held.get("test", False)
    if search == test:
        return "held" if test else "not held"
    return f"held on {'search' if search else 'test'} only"


def knobs(coefficients: Mapping[str, float]) -> str:
    """Return coefficients as `medical=-0.40 legal=+0.80`."""
    return " ".join(f"{domain}={value:+.2f}" for domain, value in coefficients.items())


def _headline(done: Done) -> str:
    if not done.ran:
        return f"Everything was reused: all {done.reused} stages of {done.run} are up to date.\n"
    reused = f", {done.reused} reused" if done.reused else ""
    stages = "1 stage" if done.ran == 1 else f"{done.ran} stages"
    return f"{done.run} is done: {stages} run{reused}, in {duration(done.seconds)}.\n"


def _behaviors(behaviors: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [(name, held_words(result["held"]), knobs(result["coefficients"])) for name, result in behaviors.items()]
    return table(("behavior", "search and test", "coefficients"), rows)


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return left-aligned columns under a header, or nothing when there are no rows."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(lines) + "\n"


def _times(stages: Mapping[str, float]) -> str:
    kinds: dict[str, float] = {}
    for address, seconds in stages.items():
        kinds[kind_of(address)] = kinds.get(kind_of(address), 0.0) + seconds
    return "Time: " + ", ".join(f"{kind} {duration(spent)}" for kind, spent in kinds.items()) + "\n"


def _next(done: Done) -> str:
    if done.report is None:
        return f"Next: avspec status {done.run}\n"
    tries = [f"  avspec chat {done.run}", f"  avspec show {done.run}"]
    return f"Report: {done.report}\nNext:\n" + "\n".join(tries) + "\n"
