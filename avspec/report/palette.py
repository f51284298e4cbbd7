"""Colors as CSS variables, safe for color-blind readers, for a light and a dark page.

Figures are drawn in placeholder colors that `svg.py` turns into `var(--name)`, so that one SVG is readable on
both pages and in print. Levels run from vermilion over grey to blue; curves also differ in marker and dash.
"""

from __future__ import annotations

from collections.abc import Iterable

INK, MUTED, RULE, PAPER, ACCENT, WARN = "#0b0001", "#0b0002", "#0b0003", "#0b0004", "#0b0005", "#0b0006"
"""Placeholders: text, secondary text, hairlines, background, what we made, what to be careful with."""

NAMES = {INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "paper", ACCENT: "accent", WARN: "warn"}

SERIES = 7
"""How many lines of one figure get a color of their own."""

_LEVELS = {
    "light": ("#bf4a12", "#dd9a68", "#7a838f", "#7db0dc", "#1862ab"),
    "dark": ("#f08a4e", "#ad6538", "#a9b1bb", "#3d74a8", "#63abef"),
}
# Okabe and Ito's qualitative palette, darkened or lightened for contrast with the page
_SERIES = {
    "light": ("#0a64a4", "#c25400", "#00805c", "#a8417f", "#8a6d00", "#2b87b8", "#555d66"),
    "dark": ("#5fb0ee", "#f0924c", "#3fc79c", "#e08bbd", "#e3c34b", "#8fd0f2", "#b4bcc5"),
}


def level_color(index: int, levels: int) -> str:
    """Return the placeholder of a level, counted from the least preferred one."""
    return f"#0a{levels:02x}{index:02x}"


def series_color(index: int) -> str:
    """Return the placeholder of a line that is not a level."""
    return f"#0c00{index % SERIES:02x}"


def level_variable(index: int, levels: int) -> str:
    """Return the CSS variable of a level."""
    return f"--level-{levels}-{index}"


def variable(placeholder: str) -> str:
    """Return the CSS variable that a placeholder stands for, or the color itself if it is none."""
    if placeholder in NAMES:
        return f"var(--{NAMES[placeholder]})"
    kind, first, second = (int(placeholder[start : start + 2], 16) for start in (1, 3, 5))
    if kind == 0x0A:
        return f"var({level_variable(second, first)})"
    return f"var(--series-{second})" if kind == 0x0C else placeholder


def declarations(scheme: str, level_counts: Iterable[int]) -> str:
    """Return the CSS declarations of level and line colors.

    Args:
        scheme: `light` or `dark`.
        level_counts: The numbers of levels that occur.
    """
    levels = [
        f"{level_variable(index, count)}:{_between(_LEVELS[scheme], index / max(count - 1, 1))}"
        for count in sorted(set(level_counts))
        for index in range(count)
    ]
    series = [f"--series-{index}:{color}" for index, color in enumerate(_SERIES[scheme])]
    return ";".join([*levels, *series])


def _between(stops: tuple[str, ...], position: float) -> str:
    place = position * (len(stops) - 1)
    left = min(int(place), len(stops) - 2)
    pairs = zip(_channels(stops[left]), _channels(stops[left + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (place - left)):02x}" for a, b in pairs)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
