"""What a section measured, as records that are kept as JSON and rendered later."""

from __future__ import annotations

from statistics import median

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of the records: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Measure(Record):
    """One figure with its goal, and the values of every run."""

    name: str
    values: tuple[float, ...]
    unit: str = "x"
    goal: float | None = None
    at_most: bool = False
    """Whether the goal is a bound from above."""
    seconds: dict[str, tuple[float, ...]] = {}
    """Who to seconds, where the values are ratios of paired runs."""

    @property
    def median(self) -> float:
        """Return the median of all runs."""
        return median(self.values)

    @property
    def reached(self) -> bool | None:
        """Return whether the median reaches the goal; None without a goal."""
        if self.goal is None:
            return None
        return self.median <= self.goal if self.at_most else self.median >= self.goal


class Section(Record):
    """What one part of the benchmark found, and where."""

    title: str
    machine: dict[str, str]
    versions: dict[str, str]
    setup: str
    """What was measured, in one paragraph."""
    measures: tuple[Measure, ...]
    facts: dict[str, str] = {}
    calls: dict[str, str] = {}
    """Whose call, and its code."""
    profile: str = ""
    """Where the time of our side goes."""
