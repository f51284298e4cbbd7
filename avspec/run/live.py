"""The view on a terminal: one table of all stages that keeps itself up to date."""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from avspec.run.duration import clock, roughly
from avspec.run.events import (
    Done,
    Event,
    Failed,
    Log,
    Planned,
    Progress,
    StageDone,
    StageReused,
    StageStarted,
)
from avspec.run.forecast import Forecast
from avspec.run.summary import summary
from avspec.run.view import counted, time_left

BAR_WIDTH = 24
_SYMBOLS = {
    "waiting": ("○", ".", "dim"),
    "running": ("●", ">", "bold cyan"),
    "done": ("✔", "+", "green"),
    "reused": ("✔", "=", "dim green"),
    "stopped": ("✖", "x", "bold red"),
}


@dataclass
class _Line:
    """One stage as the table shows it."""

    address: str
    why: str
    state: str = "waiting"
    seconds: float = 0.0
    progress: Progress | None = None

    @property
    def over(self) -> bool:
        return self.state in ("done", "reused")


class LiveView:
    """A live table on stderr; the summary goes to stdout."""

    def __init__(
        self,
        console: Console | None = None,
        out: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or Console(file=sys.stderr)
        self._out, self._now, self._began = out or sys.stdout, now, now()
        self._forecast = Forecast((), {}, now)
        self._lines: dict[str, _Line] = {}
        self._title = "avspec"
        # rich draws from a thread of its own; never print while holding this lock
        self._lock = threading.Lock()
        self._live = Live(
            get_renderable=self.render,
            console=self._console,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def show(self, event: Event) -> None:
        """Take in one event."""
        with self._lock:
            self._update(event)
        if isinstance(event, Planned) and any(line.state == "waiting" for line in self._lines.values()):
            self._live.start(refresh=True)
            self._open = True
        elif isinstance(event, Log):
            self._console.print(Text(f"{event.address}: {event.message}".removeprefix(": "), style="dim"))
        elif isinstance(event, Done):
            self._close()
            self._out.write(summary(event))
            self._out.flush()

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._live.stop()

    def _update(self, event: Event) -> None:
        match event:
            case Planned():
                self._plan(event)
            case StageStarted():
                self._forecast.start(event.address)
                self._lines[event.address].state = "running"
            case Progress():
                self._forecast.progress(event.done, event.total)
                self._lines[event.address].progress = event
            case StageDone():
                self._forecast.finish(event.address, event.seconds)
                self._lines[event.address].state = "done"
                self._lines[event.address].seconds = event.seconds
            case StageReused():
                self._lines[event.address].state = "reused"
            case Failed() if event.address in self._lines:
                self._lines[event.address].state = "stopped"
                self._lines[event.address].seconds = self._forecast.elapsed()

    def _plan(self, event: Planned) -> None:
        self._title = f"avspec apply  {event.run}"
        for stage in event.stages:
            why = ", ".join([stage["reason"] or "", *stage["changes"]]).strip(", ")
            state = "reused" if stage["action"] == "reuse" else "waiting"
            self._lines[stage["address"]] = _Line(stage["address"], why, state)
        waiting = [line.address for line in self._lines.values() if line.state == "waiting"]
        self._forecast = Forecast(waiting, event.expected, self._now)

    def render(self) -> RenderableType:
        """Draw the table as it is now."""
        with self._lock:
            room = max(4, self._console.height - 4)
            return Group(self._header(), *self._rows(room))

    def _header(self) -> Text:
        parts = [f"elapsed {clock(self._now() - self._began)}"]
        left = time_left(self._forecast.run_left())
        if left and not all(line.over for line in self._lines.values()):
            parts.append(left)
        header = Text(self._title, style="bold")
        return header.append("   " + " · ".join(parts), style="not bold dim")

    def _rows(self, room: int) -> list[RenderableType]:
        lines, before, after = window(list(self._lines.values()), room)
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=2, justify="right")
        grid.add_column(no_wrap=True)
        grid.add_column(width=BAR_WIDTH, no_wrap=True)
        grid.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        grid.add_column(no_wrap=True, justify="right")
        for line in lines:
            grid.add_row(*self._cells(line))
        top = [Text(f"   {before} more finished", style="dim")] if before else []
        return [*top, grid, *([Text(f"   {after} more waiting", style="dim")] if after else [])]

    def _cells(self, line: _Line) -> tuple[RenderableType, ...]:
        symbol, plain, style = _SYMBOLS[line.state]
        mark = Text(plain if self._console.options.ascii_only else symbol, style=style)
        name = Text(line.address, style="dim" if line.state in ("waiting", "reused") else "")
        return mark, name, *self._middle(line), Text(self._time(line), style="dim")

    def _middle(self, line: _Line) -> tuple[RenderableType, RenderableType]:
        """Return what stands under the bar, and beside it."""
        if line.state == "running":
            return self._bar(line.progress), Text(self._detail(line.progress))
        words = {"waiting": "waiting", "reused": "reused", "stopped": "stopped"}.get(line.state, "done")
        note = line.progress.note if line.progress and line.state == "done" else ""
        return Text(words, style="dim"), Text(line.why if line.state == "waiting" else note, style="dim")

    def _bar(self, progress: Progress | None) -> ProgressBar:
        if progress is None or progress.total <= 1:
            return ProgressBar(total=None, pulse=True, width=BAR_WIDTH, pulse_style="cyan")
        total, done = progress.total, progress.done
        return ProgressBar(total=total, completed=done, width=BAR_WIDTH, complete_style="cyan")

    def _detail(self, progress: Progress | None) -> str:
        left = self._forecast.stage_left()
        parts = [counted(progress) if progress else "starting"]
        if left is not None:
            parts.append(f"{roughly(left)} left")
        return " · ".join(parts)

    def _time(self, line: _Line) -> str:
        if line.state == "running":
            return clock(self._forecast.elapsed())
        if line.state == "waiting":
            expected = self._forecast.expected(line.address)
            return f"~{roughly(expected)}" if expected is not None else ""
        return clock(line.seconds) if line.seconds else ""


def window(lines: list[_Line], room: int) -> tuple[list[_Line], int, int]:
    """Choose the lines to show in `room` rows: the running one and its neighbors.

    Returns:
        The lines, how many finished ones are left out above, and how many waiting ones below.
    """
    if len(lines) <= room:
        return lines, 0, 0
    current = next((i for i, line in enumerate(lines) if not line.over), len(lines) - 1)
    first = min(max(0, current - 2), len(lines) - room + 1)
    shown = lines[first : first + room - 2]
    return shown, first, len(lines) - first - len(shown)
