"""Rows as a language model wrote them, before cleaning: what was asked, what came, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WrittenResponse:
    """One response to a query."""

    text: str
    stop: str
    """`end`, `length` or `refusal`, see `avspec.api.Answer`."""
    words: int
    """The length that was asked for, in words."""
    instruction: str
    """The level's instruction as it was sent, without the query."""


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """One query with a response for each level."""

    id: str
    query: str
    persona: str
    source: str
    """Where the persona came from: `persona-hub` or `create-persona`."""
    responses: Mapping[str, WrittenResponse]


def write_written(path: Path, rows: Iterable[WrittenRow]) -> None:
    """Write rows as JSON lines."""
    lines = (json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def read_written(path: Path) -> list[WrittenRow]:
    """Read what `write_written` wrote."""
    records = (json.loads(line) for line in path.read_text("utf-8").split("\n") if line)
    return [
        WrittenRow(
            **{name: record[name] for name in ("id", "query", "persona", "source")},
            responses={level: WrittenResponse(**response) for level, response in record["responses"].items()},
        )
        for record in records
    ]
