"""Results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from speed.results import Measure, Section

INTRO = """# Speed: results

`make bench` writes this file. A ratio says how many times as long the peer takes as avspec does, from runs in pairs
(A B A B ...) on the same machine, model and rows; a share says how much of a physical limit is used. Absolute times
are those of the machine named."""


def render(sections: Sequence[Section]) -> str:
    """Return the whole of RESULTS.md."""
    parts = [INTRO, "## Goals", "\n".join(_goals(sections)), "## Machine", _bullets(sections[0].machine)]
    for section in sections:
        parts += _section(section, elsewhere=section.machine != sections[0].machine)
    return "\n\n".join(part for part in parts if part) + "\n"


def _goals(sections: Sequence[Section]) -> Iterator[str]:
    yield "| what | median | minimum | maximum | runs | goal | |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for measure in (measure for section in sections for measure in section.measures):
        verdict = {True: "reached", False: "**not reached**", None: ""}[measure.reached]
        goal = "" if measure.goal is None else f"{'≤' if measure.at_most else '≥'} {_number(measure, measure.goal)}"
        figures = [_number(measure, x) for x in (measure.median, min(measure.values), max(measure.values))]
        yield f"| {measure.name} | {' | '.join(figures)} | {len(measure.values)} | {goal} | {verdict} |"


def _number(measure: Measure, value: float) -> str:
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {measure.unit}".strip()


def _section(section: Section, *, elsewhere: bool) -> Iterator[str]:
    yield f"## {section.title}"
    yield section.setup
    if elsewhere:
        yield "Measured on another machine or at another time: " + _line(section.machine)
    yield "Versions: " + _line(section.versions)
    yield from (_pairs(measure) for measure in section.measures if measure.seconds)
    yield _bullets(section.facts)
    for who, code in section.calls.items():
        yield f"The call of {who}:\n\n```python\n{code}\n```"
    if section.profile:
        yield "<details><summary>Where our time goes (torch profiler)</summary>"
        yield f"```\n{section.profile}\n```"
        yield "</details>"


def _pairs(measure: Measure) -> str:
    """Return the seconds of every paired run."""
    rows = zip_longest(*measure.seconds.values())
    lines = [f"| {measure.name}: pair | {' | '.join(f'{who}, s' for who in measure.seconds)} |"]
    lines.append("|---|" + "---:|" * len(measure.seconds))
    lines += [f"| {turn + 1} | {' | '.join(f'{x:.4g}' for x in row)} |" for turn, row in enumerate(rows)]
    return "\n".join(lines)


def _bullets(values: dict[str, str]) -> str:
    return "\n".join(f"- {key}: {value}" for key, value in values.items())


def _line(values: dict[str, str]) -> str:
    items: Iterable[str] = (f"{key} {value}" for key, value in values.items())
    return ", ".join(items) + "."
