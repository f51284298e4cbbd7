"""PKU-SafeRLHF: prompts with two answers each, of which people said whether they are safe.

Ji et al., 2024, arXiv 2406.15513. The paper aligns for safety with such pairs (section 6.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from avspec import api
from avspec.digest import digest
from avspec.errors import DataError, NoInput, Problem
from avspec.rows import read_records

Record = Mapping[str, Any]
_SCHEMA: dict[str, type] = {
    "prompt": str,
    "response_0": str,
    "response_1": str,
    "is_response_0_safe": bool,
    "is_response_1_safe": bool,
    "safer_response_id": int,
}
_JSON = {str: "a text", bool: "true or false", int: "0 or 1"}


class PkuSafeRlhfOptions(api.Options):
    """Which pairs."""

    source: str = Field(default="hf:PKU-Alignment/PKU-SafeRLHF", pattern="^(hf|path):.")
    """hf:ID of a data set of the hub, or path:FILE.jsonl in its schema; a relative file starts at the current folder,
    not at the spec's."""
    revision: str = "main"
    """Branch, tag or commit of a data set of the hub; nothing else stands for its rows, so pin a commit."""
    split: str = "train"
    """Split of a data set of the hub."""
    rows: int | None = Field(default=None, ge=1)
    """Only the first pairs that can be used."""


class PkuSafeRlhf:
    """Pairs with exactly one safe answer: the safe one is preferred.

    Other pairs are left out, and so are those with a blank text, those whose unsafe answer is called the safer one,
    and all but the first of the same pair. A data set of the hub is fetched when its rows are first read, which
    `avspec plan` does.
    """

    version: ClassVar[str] = "1"
    Options: ClassVar[type[PkuSafeRlhfOptions]] = PkuSafeRlhfOptions
    levels: ClassVar[tuple[str, ...]] = ("unsafe", "safe")

    def __init__(self, options: PkuSafeRlhfOptions) -> None:
        self.options = options
        self._kind, _, self._name = options.source.partition(":")

    def files(self) -> Sequence[Path]:
        """Return the file of `path:`; a data set of the hub has its revision instead."""
        return (self._path,) if self._kind == "path" else ()

    def rows(self) -> Iterable[api.Row]:
        """Read the pairs.

        Raises:
            DataError: Lines are not of the schema; each is named.
            NoInput: The file or data set is not there or not within reach.
        """
        records, problems = self._records()
        for line, record in records:
            problems += [Problem(what, self._place, line) for what in _wrong(record)]
        if problems:
            raise DataError(sorted(problems, key=lambda problem: problem.line))
        unique: dict[str, api.Row] = {}
        for row in self._usable(records):
            unique.setdefault(row.id, row)
        return list(islice(unique.values(), self.options.rows))

    @property
    def _path(self) -> Path:
        return Path(self._name).expanduser().absolute()

    @property
    def _place(self) -> str:
        return str(self._path) if self._kind == "path" else self.options.source

    def _records(self) -> tuple[list[tuple[int, Record]], list[Problem]]:
        if self._kind == "hf":
            return list(enumerate(self._fetched(), start=1)), []
        if not self._path.is_file():
            hint = "a relative path in the options of this plugin starts at the current folder"
            raise NoInput("there is no such file of pairs", where=str(self._path), hint=hint)
        records, problems = read_records(self._path)
        return [*records], problems

    def _fetched(self) -> Iterable[Record]:
        from datasets import load_dataset

        try:
            pairs = load_dataset(self._name, split=self.options.split, revision=self.options.revision)
            return list(pairs.select_columns([name for name in pairs.column_names if name in _SCHEMA]))
        except Exception as error:  # of the network, of the hub's client, of the files: the reason is in its text
            reason = f"{type(error).__name__}: {error}"
            hint = "check `source`, `revision` and the network; `source: path:FILE.jsonl` works without it"
            raise NoInput(f"cannot read the data set {self._name}: {reason}", hint=hint) from error

    def _usable(self, records: Iterable[tuple[int, Record]]) -> Iterator[api.Row]:
        for line, record in records:
            safe = 1 if record["is_response_1_safe"] else 0
            texts = [record["prompt"], record[f"response_{1 - safe}"], record[f"response_{safe}"]]
            if record["is_response_0_safe"] == record["is_response_1_safe"] or record["safer_response_id"] != safe:
                continue
            if all(text.strip() for text in texts):
                responses = dict(zip(self.levels, texts[1:], strict=True))
                yield api.Row(digest(texts)[:16], "pku-safe-rlhf", texts[0], responses, f"{self._place}:{line}")


def _wrong(record: Record) -> Iterator[str]:
    """Yield what in a record is not as the data set's schema has it."""
    for name, kind in _SCHEMA.items():
        if name not in record:
            yield f"{name!r} is missing"
        elif type(record[name]) is not kind:
            yield f"{name!r} must be {_JSON[kind]}, this is {record[name]!r:.40}"
