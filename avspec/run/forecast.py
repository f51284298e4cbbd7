"""How long the running stage, and the whole run, will still take."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from avspec.plan.stage import kind_of


@dataclass
class Pace:
    """Steps done over time. The first report sets the zero point: what a resumed stage finds already done
    says nothing about its speed, and neither does the time it takes to load a model.
    """

    first: tuple[float, int] | None = None
    last: tuple[float, int] | None = None
    total: int = 0

    def report(self, now: float, done: int, total: int) -> None:
        """Take in a progress report; another total, or fewer steps than before, starts a new phase."""
        if self.last is None or total != self.total or done < self.last[1]:
            self.first = (now, done)
        self.last, self.total = (now, done), total

    def left(self, now: float) -> float | None:
        """Return the seconds that the steps left will take, or None while nothing is known."""
        if self.first is None or self.last is None or self.last[1] <= self.first[1]:
            return None
        step = (self.last[0] - self.first[0]) / (self.last[1] - self.first[1])
        return max(0.0, step * (self.total - self.last[1]) - (now - self.last[0]))


@dataclass(frozen=True)
class Left:
    """Seconds left; `exact` is False when stages whose time nobody knows come on top."""

    seconds: float
    exact: bool


class Forecast:
    """Estimates from the pace of the running stage and from what stages of the same kind took before.

    Args:
        waiting: Addresses of the stages to run, in order.
        expected: Seconds that they took in earlier runs, as far as known.
        now: The clock, in seconds.
    """

    def __init__(
        self,
        waiting: Sequence[str],
        expected: Mapping[str, float],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waiting = list(waiting)
        self._expected = dict(expected)
        self._now = now
        self._began = 0.0
        self._pace = Pace()
        self._ran: dict[str, list[float]] = {}
        self.running: str | None = None

    def start(self, address: str) -> None:
        """Begin the stage."""
        self.running, self._began, self._pace = address, self._now(), Pace()
        if address in self._waiting:
            self._waiting.remove(address)

    def progress(self, done: int, total: int) -> None:
        """Take in a progress report of the running stage."""
        self._pace.report(self._now(), done, total)

    def finish(self, address: str, seconds: float) -> None:
        """End the stage; what it took is the best guess for the others of its kind."""
        self._ran.setdefault(kind_of(address), []).append(seconds)
        self.running = None

    def elapsed(self) -> float:
        """Return the seconds since the running stage began."""
        return self._now() - self._began

    def expected(self, address: str) -> float | None:
        """Return the seconds the stage should take, or None."""
        if address in self._expected:
            return self._expected[address]
        ran = self._ran.get(kind_of(address))
        return sum(ran) / len(ran) if ran else self._sibling(address)

    def _sibling(self, address: str) -> float | None:
        """Return what the running stage will have taken in all, if it is of the same kind."""
        if self.running is None or kind_of(self.running) != kind_of(address):
            return None
        left = self._pace.left(self._now())
        return None if left is None else self.elapsed() + left

    def stage_left(self) -> float | None:
        """Return the seconds left of the running stage, or None."""
        if self.running is None:
            return None
        paced = self._pace.left(self._now())
        if paced is not None:
            return paced
        expected = self.expected(self.running)
        return None if expected is None else max(0.0, expected - self.elapsed())

    def run_left(self) -> Left | None:
        """Return the seconds left of the whole run, or None when nothing at all is known."""
        parts = [self.expected(address) for address in self._waiting]
        if self.running is not None:
            parts.append(self.stage_left())
        known = [part for part in parts if part is not None]
        return Left(sum(known), len(known) == len(parts)) if known else None
