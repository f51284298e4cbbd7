"""How far turning one knob moves what a domain prefers (paper, table 4: over-generalization)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Point = Mapping[str, Any]
"""One point of a curve in sweep.json: a coefficient, and what was measured of each domain and guardrail."""


def moved(curve: Sequence[Point], name: str, levels: Sequence[str]) -> float | None:
    """Return the change of preference in a domain or guardrail when a knob goes through its whole range.

    Args:
        curve: The knob's curve, ascending coefficients.
        name: Where it is measured.
        levels: Its levels, least to most preferred.

    Returns:
        Change of the mean log-prob of the highest level less that of the lowest, nats per token; None where fewer
        than two points were measured.
    """
    known = [span for point in curve if (span := _span(point, name, levels)) is not None]
    return known[-1] - known[0] if len(known) > 1 else None


def relative(curve: Sequence[Point], knob: str, levels: Mapping[str, Sequence[str]]) -> dict[str, float | None]:
    """Return each domain's and guardrail's movement as a multiple of that in the knob's own domain."""
    own = moved(curve, knob, levels[knob])
    found = {name: moved(curve, name, levels[name]) for name in levels}
    return {name: value / own if value is not None and own else None for name, value in found.items()}


def _span(point: Point, name: str, levels: Sequence[str]) -> float | None:
    measured: Mapping[str, float | None] = (point["domains"].get(name) or {}).get("mean_log_prob") or {}
    high, low = measured.get(levels[-1]), measured.get(levels[0])
    return None if high is None or low is None else high - low
