"""One table or figure of the paper beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avspec.report import text

NONE = text.NOTHING


@dataclass(frozen=True)
class Part:
    """A table; `rows` are empty where no run measured it."""

    title: str
    spec: str
    """The spec of this repository that shows it, from `specs/paper/`."""
    about: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    runs: tuple[str, ...] = ()
    """Runs that the measured figures are from."""
    notes: tuple[str, ...] = ()
    """What the figures come to, computed from them."""


def triple(shares: Mapping[str, float | None] | None, levels: Sequence[str]) -> str:
    """Return shares in percent, most preferred level first: `75 / 25 / 0`."""
    if not shares or not set(levels) <= shares.keys():
        return NONE
    return " / ".join(NONE if shares[level] is None else f"{100 * (shares[level] or 0):.0f}" for level in levels[::-1])


def points(value: float | None) -> str:
    """Return a change of a share in percentage points, with its sign."""
    return NONE if value is None else f"{100 * value:+.0f}".replace("-", "−")
