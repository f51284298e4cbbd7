"""Answers of language models on disk: one line each, flushed before it is used, found by a digest of the request."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from avspec.api import Answer, Request
from avspec.digest import digest
from avspec.errors import Corrupted, StoreBusy


def request_digest(identity: Mapping[str, Any], request: Request) -> str:
    """Return what stands for a request to one model: the same digest, the same answer is wanted.

    Args:
        identity: Provider, model and the options that change what is answered.
        request: The request.
    """
    return digest({"identity": dict(identity), "request": asdict(request)})


def answers_path(folder: Path, identity: Mapping[str, Any]) -> Path:
    """Return the file of one model's answers, under a name that a person can read."""
    name = re.sub(r"[^a-z0-9.]+", "-", f"{identity['plugin']}-{identity['model']}".lower()).strip("-")
    return folder / f"{name[:80]}-{digest(dict(identity))[:8]}.jsonl"


class Journal:
    """Lines of JSON that are on disk as soon as they are added; one process at a time.

    A line that a crash cut off is removed when the file is opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        from filelock import FileLock, Timeout

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.path.with_suffix(".lock"), timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            hint = "wait until it is done, or stop it; answers are kept in any case"
            raise StoreBusy("another avspec asks this model", where=str(self.path), hint=hint) from None
        self._file: BinaryIO = self.path.open("a+b")
        self._cut_half_line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._lock.release()

    def _cut_half_line(self) -> None:
        self._file.seek(0)
        whole = 0
        for line in self._file:
            whole += len(line) if line.endswith(b"\n") else 0
        self._file.truncate(whole)

    def lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the place of each line in the file, in bytes, and its record.

        Raises:
            Corrupted: A line is no JSON object.
        """
        self._file.seek(0)
        place = 0
        for number, line in enumerate(self._file, start=1):
            yield place, _record(line, self.path, number)
            place += len(line)

    def read(self, place: int) -> dict[str, Any]:
        """Return the record at a place."""
        self._file.seek(place)
        return _record(self._file.readline(), self.path, 0)

    def add(self, record: Mapping[str, Any]) -> int:
        """Append a record, flush it to the disk and return its place."""
        self._file.seek(0, os.SEEK_END)
        place = self._file.tell()
        self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        return place


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file that another process may be writing.

    Raises:
        Corrupted: A line is no JSON object.
    """
    whole = path.read_bytes().split(b"\n")[:-1]  # what follows the last newline is half a line
    return (_record(line, path, number) for number, line in enumerate(whole, start=1))


def _record(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError("not an object")
    except ValueError as error:
        hint = "remove that line; only its answer is asked for again"
        raise Corrupted(f"a kept answer cannot be read: {error}", where=f"{path}:{number}", hint=hint) from error
    return record


class Answers(Journal):
    """The answers of one model, by digest; texts stay on disk, only their places are in memory."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._places = {record["digest"]: place for place, record in self.lines()}
        return self

    def get(self, request: str) -> Answer | None:
        """Return the answer to the request with this digest, or None."""
        if request not in self._places:
            return None
        return Answer(**self.read(self._places[request])["answer"])

    def keep(self, request: str, asked: Request | None, answer: Answer, *, cost: float | None, run: str) -> None:
        """Put an answer on disk.

        Args:
            request: Digest of the request.
            asked: The request itself, for a look at what was asked; None where only its digest is known.
            answer: What came.
            cost: Dollars, None where the price is unknown.
            run: Name of the run that paid.
        """
        told = None if asked is None else asdict(asked)
        record = {"digest": request, "run": run, "cost": cost, "request": told, "answer": asdict(answer)}
        self._places[request] = self.add(record)


def spent(folder: Path, run: str) -> float:
    """Return the dollars that a run has paid so far, for any model."""
    total = 0.0
    for path in sorted(folder.glob("*.jsonl")):
        for record in read_lines(path):
            if record.get("run") == run:
                total += record.get("cost") or 0.0
    return total
