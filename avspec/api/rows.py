"""Rows of preference data, and the domains they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import BaseModel

from avspec.api.options import Options


@dataclass(frozen=True, slots=True)
class Row:
    """One query with one response per level."""

    id: str
    domain: str
    query: str
    responses: Mapping[str, str]
    """Level to response."""
    source: str = ""
    """Where the row came from, `file:line`."""


class Domain(Protocol):
    """A subject whose preference levels a spec steers, or only watches as a guardrail.

    For rows that an LLM writes (`source: synthesize`) it may also have `slots`, a mapping of what the prompts say about
    it (`avspec.synthesis.prompts` lists the names), and `prompts`, a folder with templates that replace ours of the
    same file name.
    """

    version: ClassVar[str]
    Options: ClassVar[type[Options]]
    levels: ClassVar[tuple[str, ...]]
    """The levels of its rows, least to most preferred."""

    def files(self) -> Sequence[Path]:
        """Return the files whose bytes decide the rows; `plan` hashes them."""
        ...

    def rows(self) -> Iterable[Row]:
        """Return the rows that come with the plugin."""
        ...


class JsonlDomain:
    """A domain whose rows are a JSONL file beside its code: set `levels` and `file`, and it is done."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options
    levels: ClassVar[tuple[str, ...]]
    file: ClassVar[Path]

    def __init__(self, options: BaseModel) -> None:
        self.options = options

    def files(self) -> Sequence[Path]:
        """Return the one file."""
        return (self.file,)

    def rows(self) -> Iterable[Row]:
        """Read the file.

        Raises:
            DataError: The file has broken rows; each is named with its line.
        """
        from avspec.rows import read_rows

        return read_rows(self.file, self.levels)
