"""Views of a run: what the user sees while it lasts.

Progress goes to stderr; the summary at the end, and the events of `--json`, are results and go to stdout.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from avspec.run.duration import duration, roughly
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
from avspec.run.forecast import Forecast, Left
from avspec.run.summary import summary

PROGRESS_EVERY = 10.0
"""Seconds between two progress lines of the plain view."""


class View(Protocol):
    """Shows events; open it with `with`."""

    def show(self, event: Event) -> None:
        """Take in one event. Never called from two threads at once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def counted(progress: Progress) -> str:
    """Return `12/52 · loss 0.41` and the like; the note alone when there is only one step."""
    count = "" if progress.total == 1 else f"{progress.done}/{progress.total}"
    return " · ".join(part for part in (count, progress.note) if part)


def time_left(left: Left | None) -> str:
    """Return `about 4 min left`, `at least 4 min left`, or nothing."""
    if left is None:
        return ""
    return f"{'about' if left.exact else 'at least'} {roughly(left.seconds)} left"


class JsonView:
    """Every event as one JSON object a line."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def show(self, event: Event) -> None:
        """Write the event."""
        self._out.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
        self._out.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class PlainView:
    """Lines of text: one when a stage begins, one when it ends, and progress now and then between them."""

    def __init__(
        self,
        out: TextIO | None = None,
        err: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out, self._err, self._now = out or sys.stdout, err or sys.stderr, now
        self._forecast = Forecast((), {}, now)
        self._reused: list[str] = []
        self._last, self._note = 0.0, ""
        self._writers: dict[type[Event], Callable[[Any], None]] = {
            Planned: self._planned,
            StageStarted: self._started,
            Progress: self._progress,
            StageDone: self._done,
            StageReused: lambda event: self._reused.append(event.address),
            Log: lambda event: self._line(f"{event.address}: {event.message}".removeprefix(": ")),
            Failed: lambda event: self._line(f"{event.address}: stopped" if event.address else "stopped"),
            Done: self._end,
        }

    def show(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        if self._reused and not isinstance(event, StageReused):
            self._line(f"reused: {', '.join(self._reused)}")
            self._reused.clear()
        self._writers[type(event)](event)

    def _line(self, text: str) -> None:
        self._err.write(text + "\n")
        self._err.flush()

    def _planned(self, event: Planned) -> None:
        waiting = [stage["address"] for stage in event.stages if stage["action"] == "run"]
        self._forecast = Forecast(waiting, event.expected, self._now)
        estimate = time_left(self._forecast.run_left())
        counts = f"{len(waiting)} to run, {len(event.stages) - len(waiting)} to reuse"
        self._line(f"{event.run}: {counts}" + (f", {estimate}" if estimate else ""))

    def _started(self, event: StageStarted) -> None:
        self._forecast.start(event.address)
        self._last, self._note = self._now(), ""
        self._line(f"{event.address}: running ({event.reason})")

    def _progress(self, event: Progress) -> None:
        self._forecast.progress(event.done, event.total)
        self._note = event.note
        if self._now() - self._last < PROGRESS_EVERY:
            return
        self._last = self._now()
        left = self._forecast.stage_left()
        tail = f", {roughly(left)} left" if left is not None else ""
        run = time_left(self._forecast.run_left())
        self._line(f"{event.address}: {counted(event)}{tail}" + (f" (run: {run})" if run else ""))

    def _done(self, event: StageDone) -> None:
        self._forecast.finish(event.address, event.seconds)
        note = f" ({self._note})" if self._note else ""
        self._line(f"{event.address}: done in {duration(event.seconds)}{note}")

    def _end(self, event: Done) -> None:
        self._out.write(summary(event))
        self._out.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def choose_view(*, json_lines: bool = False, plain: bool = False) -> View:
    """Return the view for where the output goes: live only on a terminal that takes colors."""
    if json_lines:
        return JsonView()
    if plain or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        return PlainView()
    from avspec.run.live import LiveView

    return LiveView()
