"""What `logs/apply.jsonl` says about the last apply of a run."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avspec.run.events import Done, Failed, Planned, StageDone, StageReused


@dataclass
class LastApply:
    """The last apply, as far as it came."""

    planned: dict[str, str] = field(default_factory=dict)
    """Address to key of every stage of its plan."""
    finished: set[str] = field(default_factory=set)
    """Addresses of the stages that were reused or ran to their end."""
    began: str = ""
    """When it began, ISO 8601 in UTC."""
    end: str = ""
    """`done`, or the error that ended it; empty when it was killed, or still runs."""


def last_apply(run_dir: Path) -> LastApply | None:
    """Return the last apply of a run, or None if none is on record."""
    last: LastApply | None = None
    for event in _events(run_dir / "logs" / "apply.jsonl"):
        if event["event"] == Planned.event:
            keys = {stage["address"]: stage["key"] for stage in event["stages"]}
            last = LastApply(planned=keys, began=event["time"])
        elif last is not None:
            _follow(last, event)
    return last


def _follow(last: LastApply, event: Mapping[str, Any]) -> None:
    if event["event"] in (StageDone.event, StageReused.event):
        last.finished.add(event["address"])
    elif event["event"] == Done.event:
        last.end = "done"
    elif event["event"] == Failed.event:
        last.end = event["message"].splitlines()[0]


def _events(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue  # half a line: the process was killed while it wrote
