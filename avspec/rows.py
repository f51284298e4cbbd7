"""Rows as JSON lines: read with every problem named by file and line, split by id, write."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avspec.api import Row
from avspec.errors import DataError, NoInput, Problem

_SURROGATE = re.compile("[\ud800-\udfff]")
SPLITS = ("train", "search", "test")
_KEYS = ("id", "domain", "query", "responses", "persona", "source", "split")
# persona says where a query came from; source and split are what `write_rows` adds: none of them is read


def read_rows(path: Path, levels: Sequence[str], *, domain: str | None = None) -> list[Row]:
    """Read the rows of one domain, each with a response for every level.

    Args:
        path: A JSONL file; a line is `{"id", "query", "responses": {level: text}}`; `domain` is optional.
        levels: The levels each row must have, no others.
        domain: The name the rows must bear if they name a domain, and get if they do not.

    Raises:
        NoInput: There is no such file.
        DataError: Every broken row, with file and line.
    """
    reader = _Reader(path)
    rows = [
        row
        for line, record in reader.records()
        if (row := reader.row(line, record, levels, reader.named(line, record, domain))) is not None
    ]
    reader.finish()
    return rows


def read_mixed_rows(path: Path, levels: Mapping[str, Sequence[str]]) -> dict[str, list[Row]]:
    """Read rows of several domains: each row names its own; without an id its line number is the id.

    Args:
        path: A JSONL file.
        levels: Every domain a row may name, with the levels its rows must have.

    Raises:
        NoInput: There is no such file.
        DataError: Every broken row, with file and line.
    """
    reader = _Reader(path)
    rows: dict[str, list[Row]] = {}
    for line, record in reader.records():
        name = reader.one_of(line, record, list(levels))
        record.setdefault("id", f"line-{line}")
        if name is not None and (row := reader.row(line, record, levels[name], name)) is not None:
            rows.setdefault(name, []).append(row)
    reader.finish()
    return rows


def read_records(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], list[Problem]]:
    """Return the objects of a JSONL file that holds something else than rows, and the lines that are none.

    Args:
        path: The file; its objects come with their line numbers.

    Raises:
        NoInput: There is no such file.
    """
    reader = _Reader(path)
    return list(reader.records()), reader.problems


def split_of(row_id: str, split: Mapping[str, float]) -> str:
    """Return `train`, `search` or `test` for a row: by a hash of its id, so adding rows never moves another.

    Args:
        row_id: The row's id.
        split: The share of each split; the rest after train and search is test.
    """
    position = int.from_bytes(hashlib.sha256(row_id.encode()).digest()[:8]) / 2**64
    if position < split["train"]:
        return "train"
    return "search" if position < split["train"] + split["search"] else "test"


def split_rows(rows: Iterable[Row], split: Mapping[str, float]) -> dict[str, list[Row]]:
    """Return the rows of each split, in their order; a split without rows is an empty list."""
    parts: dict[str, list[Row]] = {name: [] for name in SPLITS}
    for row in rows:
        parts[split_of(row.id, split)].append(row)
    return parts


def limited(rows: Sequence[Row], split: Mapping[str, float], limit: int | Mapping[str, int] | None) -> list[Row]:
    """Return the first rows, in their order.

    Args:
        rows: Rows of one domain.
        split: Share of each split.
        limit: How many in all, or how many of each split (one that is not named keeps all), or None for all.
    """
    if not isinstance(limit, Mapping):
        return list(rows[:limit])
    kept = {row.id for name, part in split_rows(rows, split).items() for row in part[: limit.get(name)]}
    return [row for row in rows if row.id in kept]


def write_rows(path: Path, rows: Iterable[Row], split: Mapping[str, float] | None = None) -> None:
    """Write rows as JSON lines, with the split of each when the shares are given."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            record = {
                "id": row.id,
                "domain": row.domain,
                "query": row.query,
                "responses": dict(row.responses),
                "source": row.source,
            }
            if split is not None:
                record["split"] = split_of(row.id, split)
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


@dataclass
class _Reader:
    """Reads one file and collects what is wrong with it."""

    path: Path
    problems: list[Problem] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    """Id to the line that has it."""

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each line's number and object; a line that is none is a problem."""
        empty = True
        for line, raw in enumerate(self._bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
            if not raw.strip():
                continue
            empty = False
            record = self._parse(line, raw)
            if record is not None:
                yield line, record
        if empty:
            self.wrong(0, "the file has no rows", "write one JSON object a line")

    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
            raise NoInput(
                f"cannot read the rows: {error.strerror}",
                where=str(self.path),
                hint="a relative path in a spec starts at the spec's own folder",
            ) from error

    def _parse(self, line: int, raw: bytes) -> dict[str, Any] | None:
        try:
            record = json.loads(raw.decode())
        except UnicodeDecodeError as error:
            self.wrong(line, f"byte {error.start + 1} is not UTF-8", "save the file as UTF-8")
        except json.JSONDecodeError as error:
            near = error.doc[max(0, error.pos - 20) : error.pos + 20].strip()
            self.wrong(line, f"not JSON: {error.msg} near `{near}`", "one JSON object a line", error.colno)
        except RecursionError:
            self.wrong(line, "not a row: nested too deeply")
        else:
            if isinstance(record, dict):
                return record
            self.wrong(line, f"a row must be a JSON object, this is a {type(record).__name__}")
        return None

    def row(self, line: int, record: dict[str, Any], levels: Sequence[str], domain: str | None) -> Row | None:
        """Return the row of a line, or None after noting what is wrong with it."""
        before = len(self.problems)
        for key in record.keys() - set(_KEYS):
            self.wrong(line, f"unknown key {key!r}", _guess(key, _KEYS[:5]))
        row_id, query = self._text(line, record, "id"), self._text(line, record, "query")
        responses = self._responses(line, record, levels)
        self._unique(line, row_id)
        if len(self.problems) > before or domain is None:
            return None
        return Row(row_id, domain, query, responses, f"{self.path}:{line}")

    def _unique(self, line: int, row_id: str) -> None:
        if row_id and self.ids.setdefault(row_id, line) != line:
            hint = "ids decide the split, so each row needs its own"
            self.wrong(line, f"id {row_id!r} is already used on line {self.ids[row_id]}", hint)

    def _text(self, line: int, record: Mapping[str, Any], key: str, what: str = "") -> str:
        what = what or f"{key!r}"
        if key not in record:
            self.wrong(line, f"{what} is missing")
            return ""
        value = record[key]
        if not isinstance(value, str):
            self.wrong(line, f"{what} must be a text, this is {json.dumps(value)[:40]}")
            return ""
        if not value.strip():
            self.wrong(line, f"{what} is empty")
        elif _SURROGATE.search(value):
            self.wrong(line, f"{what} has half a surrogate pair", "it is no valid Unicode text")
        return value

    def _responses(self, line: int, record: Mapping[str, Any], levels: Sequence[str]) -> dict[str, str]:
        responses = record.get("responses")
        if not isinstance(responses, dict):
            what = "must be an object" if "responses" in record else "is missing"
            self.wrong(line, f"'responses' {what}", f"{{level: text}} for the levels {', '.join(levels)}")
            return {}
        for level in responses.keys() - set(levels):
            self.wrong(line, f"unknown level {level!r} in 'responses'", _guess(level, levels))
        return {level: self._text(line, responses, level, f"the response of level {level!r}") for level in levels}

    def named(self, line: int, record: Mapping[str, Any], domain: str | None) -> str:
        """Return the row's domain: its own name, which must be the expected one when there is one."""
        own = record.get("domain", domain or "")
        if not isinstance(own, str) or (domain is not None and own != domain):
            expected = f"but the file belongs to {domain!r}" if domain else "which is no name"
            self.wrong(line, f"the row's domain is {json.dumps(own)}, {expected}", "correct or remove the key")
        return own if isinstance(own, str) else ""

    def one_of(self, line: int, record: Mapping[str, Any], domains: Sequence[str]) -> str | None:
        """Return the domain a row names when it is one of those known."""
        name = record.get("domain")
        if name in domains:
            return str(name)
        known = f"the domains are {', '.join(domains)}"
        self.wrong(line, f"unknown domain {name!r}" if "domain" in record else "'domain' is missing", known)
        return None

    def wrong(self, line: int, what: str, hint: str = "", column: int = 0) -> None:
        """Note a problem of a line."""
        self.problems.append(Problem(what, str(self.path), line, column, hint=hint))

    def finish(self) -> None:
        """Raise what was noted."""
        if self.problems:
            raise DataError(self.problems)


def _guess(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
