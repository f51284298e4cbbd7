"""The report's figures: knob curves, training losses, search progress, lengths of responses, cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from avspec.report.cards import Card
from avspec.report.inputs import Json
from avspec.report.palette import ACCENT, MUTED, RULE, WARN, level_color, series_color
from avspec.report.progress import Progress
from avspec.report.svg import draw
from avspec.report.text import coefficient, duration, percent
from avspec.report.vectors import Vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "sDo^v<>P"
LEGEND_COLUMNS, LEGEND_LINES = 3, 12
"""Lines beyond so many are drawn without names."""
DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1.5, 1.8)), (0, (6, 2, 1.5, 2)))


def knob(curve: Sequence[Json], knob: str, measured: str, levels: Sequence[str], *, large: bool, on: str = "") -> str:
    """Draw the share of each level in `measured` against the coefficient of `knob` (paper, figures 2-3, table 4)."""
    points = [point for point in curve if (point["domains"].get(measured) or {}).get("shares")]
    size = (440, 290) if large else (230, 160)
    margins = (44, 78, 14, 44) if large else (36, 10, 8, 26)
    return draw(
        f"knob-{knob}-{measured}{f'-{on}' if on else ''}",
        *size,
        lambda axes: _knob(axes, points, measured, levels, large),
        _knob_label(points, knob, measured, levels),
        margins,
    )


def _knob(axes: Axes, points: Sequence[Json], measured: str, levels: Sequence[str], large: bool) -> None:
    x = [float(point["coefficient"]) for point in points]
    rows = [int(point["domains"][measured].get("rows") or 0) for point in points]
    beside = 0.013 * (x[-1] - x[0]) if x else 0.0  # keeps the intervals of several levels apart
    ends = []
    for index, level in enumerate(levels):
        color = level_color(index, len(levels))
        y = [100 * (point["domains"][measured]["shares"].get(level) or 0.0) for point in points]
        if large:
            shift = beside * (index - (len(levels) - 1) / 2)
            _whiskers(axes, [value + shift for value in x], y, rows, color)
        axes.plot(
            x,
            y,
            color=color,
            marker=MARKERS[index % len(MARKERS)],
            markersize=5 if large else 3,
            linewidth=2.2 if large else 1.6,
            linestyle=DASHES[(len(levels) - 1 - index) % len(DASHES)],
            markeredgewidth=0,
            clip_on=False,
        )
        if y:
            ends.append((y[-1], index, level, color))
    _share_axis(axes, large)
    axes.axvline(0, color=MUTED, linewidth=0.8, alpha=0.7, zorder=0)
    if large:
        axes.set_xlabel("coefficient (0 is the base model)")
        _end_labels(axes, x[-1] if x else 0.0, ends)


def _whiskers(axes: Axes, x: Sequence[float], y: Sequence[float], rows: Sequence[int], color: str) -> None:
    from avspec.stats import wilson

    bounds = [wilson(round(share / 100 * count), count) for share, count in zip(y, rows, strict=True)]
    low, high = ([100 * bound[side] for bound in bounds] for side in (0, 1))
    axes.vlines(x, low, high, color=color, alpha=0.4, linewidth=1.6)


def _share_axis(axes: Axes, large: bool) -> None:
    axes.set_ylim(0, 100)
    axes.set_yticks((0, 25, 50, 75, 100) if large else (0, 50, 100))
    axes.set_yticklabels([f"{tick:.0f}%" for tick in axes.get_yticks()])
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.tick_params(length=3, labelsize=11 if large else 10.5)


def _end_labels(axes: Axes, x: float, ends: Sequence[tuple[float, int, str, str]]) -> None:
    """Write each curve's name at its end, pushed apart so that no two overlap."""
    place = -8.0
    for y, _, level, color in sorted(ends):
        place = max(y, place + 8.0)
        axes.annotate(level, (x, place), (8, 0), textcoords="offset points", va="center", color=color, fontsize=11)


def _knob_label(points: Sequence[Json], knob: str, measured: str, levels: Sequence[str]) -> str:
    ends = [points[index] for index in sorted({0, len(points) - 1}) if points]
    said = [f"at {coefficient(point['coefficient'])} {_spoken(point['domains'][measured], levels)}" for point in ends]
    return f"Shares in {measured} against the {knob} coefficient: {'; '.join(said)}."


def _spoken(measure: Json, levels: Sequence[str]) -> str:
    return ", ".join(f"{level} {percent(measure['shares'].get(level))}" for level in levels)


def training(vector: Vector) -> str:
    """Draw the training loss and the validation losses of one domain's training."""
    label = f"Loss of the {vector.domain} training"
    if vector.loss:
        label += f": {vector.loss[0][1]:.2f} at the first step shown, {vector.loss[-1][1]:.2f} at the last"
    if vector.validation:
        label += f"; validation loss at the end {vector.validation[-1][1]:.2f}"
    return draw(f"training-{vector.domain}", 320, 210, lambda axes: _training(axes, vector), label + ".")


def _training(axes: Axes, vector: Vector) -> None:
    if vector.loss:
        axes.plot(*zip(*vector.loss, strict=True), color=ACCENT, linewidth=1.8)
    if vector.validation:
        axes.plot(
            *zip(*vector.validation, strict=True),
            color=WARN,
            linewidth=1.2,
            linestyle=(0, (4, 2)),
            marker="D",
            markersize=5,
            markeredgewidth=0,
        )
    axes.set_ylim(bottom=0)
    axes.set_xlabel("optimizer step")
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.tick_params(length=3)


def held(progress: Progress) -> str:
    """Draw how many behaviors hold after each evaluation."""
    label = f"{progress.held[-1] if progress.held else 0} of {progress.behaviors} behaviors hold after "
    label += f"{progress.evaluations} evaluations."
    others = [f"{name} {curve[-1]}" for name, curve in list(progress.by_sampler.items())[1:]]
    label += f" Found by other samplers: {', '.join(others)}." if others else ""
    return draw("search-held", 420, 260, lambda axes: _held(axes, progress), label)


def _held(axes: Axes, progress: Progress) -> None:
    from matplotlib.ticker import MaxNLocator

    _sweep_zone(axes, progress)
    for index, (name, curve) in enumerate(progress.by_sampler.items()):
        style = {"color": series_color(index), "linestyle": DASHES[index % len(DASHES)]} if index else {"color": ACCENT}
        axes.step(range(1, len(curve) + 1), curve, where="post", linewidth=1.6 if index else 2.2, label=name, **style)
    axes.axhline(progress.behaviors, color=MUTED, linewidth=1, linestyle=(0, (1.5, 1.8)))
    axes.set_ylim(0, max(progress.behaviors, 1) * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("behaviors that hold")
    _evaluation_axis(axes, max(map(len, progress.by_sampler.values()), default=0))
    if len(progress.by_sampler) > 1:
        axes.legend(frameon=False, fontsize=10.5, loc="best")


def margins(progress: Progress, names: Sequence[str]) -> str:
    """Draw the best margin of each behavior after each evaluation, those in `names` in color."""
    said = [f"{name} {best[-1]:+.2f}" for name in names if (best := progress.best.get(name)) and best[-1] is not None]
    label = f"Best margin found for each behavior: {', '.join(said) or 'none'}."
    top = 16 + 17 * _legend_rows(names)
    return draw(
        "search-margins", 420, 240 + top, lambda axes: _margins(axes, progress, names), label, (52, 14, top, 40)
    )


def _legend_rows(names: Sequence[str]) -> int:
    return -(-len(names) // LEGEND_COLUMNS) if len(names) <= LEGEND_LINES else 0


def _margins(axes: Axes, progress: Progress, names: Sequence[str]) -> None:
    x = range(1, progress.evaluations + 1)
    _sweep_zone(axes, progress)
    for name, best in progress.best.items():
        y = [float("nan") if value is None else 100 * value for value in best]
        if name not in names:
            axes.step(x, y, where="post", color=MUTED, linewidth=0.8, alpha=0.45)
    for index, name in enumerate(names):
        y = [float("nan") if value is None else 100 * value for value in progress.best.get(name) or ()]
        style = DASHES[index % len(DASHES)]
        axes.step(x, y, where="post", color=series_color(index), linewidth=2.2, linestyle=style, label=name)
    axes.axhline(0, color=MUTED, linewidth=1)
    axes.set_ylabel("best margin, points")
    _evaluation_axis(axes, progress.evaluations)
    if _legend_rows(names):
        axes.legend(
            frameon=False,
            fontsize=10.5,
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            ncols=LEGEND_COLUMNS,
            borderaxespad=0.3,
            columnspacing=1.4,
            handlelength=2.2,
        )


def _sweep_zone(axes: Axes, progress: Progress) -> None:
    if progress.sweep:
        axes.axvspan(0.5, progress.sweep + 0.5, color=RULE, alpha=0.45, linewidth=0)


def _evaluation_axis(axes: Axes, evaluations: int) -> None:
    axes.set_xlim(0.5, max(evaluations, 1) + 0.5)
    axes.set_xlabel("evaluation")
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.tick_params(length=3)


def lengths(card: Card) -> str:
    """Draw how many responses of each level are how long, in words."""
    middle = {level: one["quartiles"][2] for level, one in card.json["lengths"]["levels"].items()}
    label = "; ".join(
        f"{level}: half of the responses have at most {words:.0f} words" for level, words in middle.items()
    )
    return draw(f"lengths-{card.domain}", 420, 190, lambda axes: _lengths(axes, card), f"{label}.", (34, 10, 10, 40))


def _lengths(axes: Axes, card: Card) -> None:
    from matplotlib.ticker import MaxNLocator

    edges = card.json["lengths"]["edges"]
    for index, level in enumerate(card.levels):
        color, counts = level_color(index, len(card.levels)), card.json["lengths"]["levels"][level]["counts"]
        axes.stairs(counts, edges, color=color, linewidth=2, linestyle=DASHES[index % len(DASHES)])
        axes.stairs(counts, edges, color=color, alpha=0.12, fill=True)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel("words")
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.tick_params(length=3, labelsize=10.5)


def cost(bars: Sequence[tuple[str, float, bool]]) -> str:
    """Draw durations on a logarithmic axis; the flag marks those that were measured, not computed."""
    label = "; ".join(f"{name}: {duration(seconds)}" for name, seconds, _ in bars)
    height = 44 + 46 * len(bars)
    return draw("cost", 420, height, lambda axes: _cost(axes, bars), label + ".", (12, 76, 8, 34))


def _cost(axes: Axes, bars: Sequence[tuple[str, float, bool]]) -> None:
    for row, (name, seconds, measured) in enumerate(reversed(bars)):
        color = ACCENT if measured else MUTED
        axes.axhline(row, color=RULE, linewidth=1, zorder=1)
        axes.plot([seconds], [row], marker="o" if measured else "D", markersize=9, color=color, clip_on=False)
        axes.annotate(name, (0, row + 0.16), xycoords=("axes fraction", "data"), va="bottom", fontsize=10.5)
        axes.annotate(duration(seconds), (seconds, row), (10, 0), textcoords="offset points", va="center")
    axes.set_xscale("log")
    every = [bar[1] for bar in bars]
    axes.set_xlim(min(every) / 8, max(every) * 1.2)
    ticks = [
        (1, "1 s"),
        (60, "1 min"),
        (600, "10 min"),
        (3600, "1 h"),
        (36000, "10 h"),
        (86400 * 4, "4 days"),
        (86400 * 30, "30 days"),
    ]
    inside = [tick for tick in ticks if axes.get_xlim()[0] <= tick[0] <= axes.get_xlim()[1]]
    axes.set_xticks([tick for tick, _ in inside], [name for _, name in inside])
    axes.minorticks_off()
    axes.set_yticks(())
    axes.set_ylim(-0.4, len(bars) - 0.3)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
