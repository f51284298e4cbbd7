"""Numbers as text: the one place that rounds, so that report.md and report.html say the same."""

from __future__ import annotations

from collections.abc import Mapping

NOTHING = "–"
"""Stands where nothing was measured."""


def percent(share: float | None) -> str:
    """Return a share in [0, 1] as a whole percentage."""
    return NOTHING if share is None else f"{100 * share:.0f}%".replace("-0%", "0%").replace("-", "−")


def points(drop: float | None) -> str:
    """Return a drop of a share in percentage points; negative is a rise."""
    if drop is None:
        return NOTHING
    count = round(100 * drop)
    return f"{count} point{'' if abs(count) == 1 else 's'}".replace("-", "−")


def interval(low_high: tuple[float, float] | None) -> str:
    """Return a confidence interval of a share, in percent."""
    return "" if low_high is None else f"{100 * low_high[0]:.0f}–{100 * low_high[1]:.0f}"


def coefficient(value: float | None) -> str:
    """Return a coefficient with its sign."""
    return NOTHING if value is None else f"{value:+.2f}".replace("-0.00", "+0.00").replace("-", "−")


def coefficients(values: Mapping[str, float]) -> str:
    """Return coefficients as `--coefficients` takes them, with ASCII minus."""
    return ",".join(f"{domain}={value:.2f}".replace("-0.00", "0.00") for domain, value in values.items())


def nats(value: float | None) -> str:
    """Return nats per token with two decimals."""
    return NOTHING if value is None else f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def decimal(value: float | None, digits: int = 2) -> str:
    """Return a plain number with a fixed number of decimals."""
    return NOTHING if value is None else f"{value:.{digits}f}".replace("-", "−")


def count(value: float) -> str:
    """Return a whole number with thousands separated."""
    return f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """Return seconds in the unit a person would use."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.{1 if seconds < 570 else 0}f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{count(seconds / 86400)} days"


def shares(values: Mapping[str, float | None], intervals: Mapping[str, tuple[float, float]]) -> str:
    """Return every level's share with its interval, as one line of text."""
    return " · ".join(
        f"{level} {percent(share)}" + (f" ({interval(intervals[level])})" if level in intervals else "")
        for level, share in values.items()
    )


def share(measured: Mapping[str, object] | None, level: str) -> str:
    """Return the share of a level with its 95 % interval, of a measurement with `shares` and `interval`."""
    if not measured:
        return NOTHING
    shares, bounds = measured.get("shares"), measured.get("interval")
    assert isinstance(shares, Mapping) and isinstance(bounds, Mapping)
    if shares.get(level) is None:
        return NOTHING
    low_high = bounds.get(level)
    return percent(shares[level]) + (f" ({interval(tuple(low_high))})" if low_high else "")


def listing(words: list[str]) -> str:
    """Join words as a sentence does: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 row`, `2 rows`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
