"""What happens during an apply, as records: the views show them, `logs/apply.jsonl` keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar


def _now() -> str:
    """Return the time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; `event` names it in JSON."""

    event: ClassVar[str]
    time: str = field(default_factory=_now)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON: `event`, `time`, and its own keys."""
        return {"event": self.event, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class Planned(Event):
    """The plan is known: everything that will be reused or run, in order."""

    event: ClassVar[str] = "plan"
    run: str
    """The run folder."""
    stages: Sequence[Mapping[str, Any]]
    """`{address, action, reason, changes}` each."""
    expected: Mapping[str, float]
    """Seconds that the stages to run took when their like ran before; a stage not named is unknown."""


@dataclass(frozen=True, kw_only=True)
class StageStarted(Event):
    """A stage begins to run."""

    event: ClassVar[str] = "stage-started"
    address: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """The running stage has finished `done` of `total` steps."""

    event: ClassVar[str] = "progress"
    address: str
    done: int
    total: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class StageDone(Event):
    """A stage ran and its results are in the store."""

    event: ClassVar[str] = "stage-done"
    address: str
    key: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class StageReused(Event):
    """A stage's results were in the store already."""

    event: ClassVar[str] = "stage-reused"
    address: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Log(Event):
    """A line that a stage, or the loop, has for the user."""

    event: ClassVar[str] = "log"
    message: str
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """The apply ended early: `error` names the class, `exit_code` is what the process will exit with."""

    event: ClassVar[str] = "failed"
    error: str
    message: str
    exit_code: int
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Done(Event):
    """The apply reached its end."""

    event: ClassVar[str] = "done"
    run: str
    ran: int
    reused: int
    seconds: float
    stages: Mapping[str, float]
    """Seconds of every stage of the plan, of those that ran now and of those that were reused."""
    report: str | None = None
    """Path of report.html, when the plan went as far as the report."""
    behaviors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Behavior to `{coefficients: {domain: c}, held: {search, test}}`, when the plan went as far as evaluate."""
