"""Labels on the disk: one file an annotator, lines are only ever added, each is flushed before anybody is told.

RUN/annotations/labels/NAME.jsonl: first {annotator, judge, seat}, then {item, label, at} for every label given. The
last line of an item counts; its label is null when the label was taken back. A judge's label may be `unclear`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from avspec.digest import digest, file_digest
from avspec.errors import Corrupted, UsageError

FOLDER = "annotations"
LABELS = "labels"
UNCLEAR = "unclear"
"""What is counted when a judge's answer names no level."""
_NAME = re.compile(r"[^\W_][\w .@+'-]{0,39}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_NAME_HINT = "up to 40 letters, digits, spaces and . - _ ' @ +, beginning with a letter or digit"


@dataclass
class Labels:
    """The labels of one annotator or judge."""

    path: Path
    annotator: str
    judge: bool
    seat: int
    """Which part of the items; a judge labels all of them."""
    given: dict[str, str] = field(default_factory=dict)
    """Item to label, as it now stands."""

    def add(self, item: str, label: str | None) -> None:
        """Put a label on the disk; None takes back the one before.

        Raises:
            OSError: It could not be written, and is not counted.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        _append(self.path, {"item": item, "label": label, "at": at})
        _apply(self.given, item, label)


def annotator_name(text: str) -> str:
    """Return a name as it is shown and as its file is called.

    Raises:
        UsageError: It is no name that every disk takes.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not _NAME.fullmatch(name) or name.endswith(".") or _RESERVED.fullmatch(name):
        raise UsageError(f"{text[:60]!r} cannot be the name of an annotator", hint=_NAME_HINT)
    return name


def open_labels(folder: Path, name: str, *, judge: bool = False) -> Labels:
    """Open the labels of an annotator, who gets a file and the next seat on arrival.

    Args:
        folder: The run's folder of annotations.
        name: A name from `annotator_name`, or what a judge is called; capitals make no difference.
        judge: Whether it is a judge's.

    Raises:
        Corrupted: The labels there cannot be read.
        OSError: The file cannot be made.
    """
    present = read_all(folder)
    for labels in present:
        if labels.annotator.casefold() == name.casefold() and labels.judge == judge:
            return labels
    path = folder / LABELS / f"{_judge_file(name) if judge else name}.jsonl"
    seat = 0 if judge else sum(not labels.judge for labels in present)
    path.parent.mkdir(parents=True, exist_ok=True)
    _append(path, {"annotator": name, "judge": judge, "seat": seat})
    _flush_folder(path.parent)
    return Labels(path, name, judge, seat)


def read_all(folder: Path) -> list[Labels]:
    """Return everybody's labels, people first, each by name; a half line at the end of a file is left out.

    Raises:
        Corrupted: A line in the middle of a file is no label.
    """
    return _in_order(_labels(path, _whole_lines(path)) for path in _files(folder))


def read_as_of(folder: Path, files: Mapping[str, str]) -> list[Labels] | None:
    """Return everybody's labels as they were when `fingerprint` returned `files`, or None if that is lost.

    Files only grow, so what they were is the beginning of what they are: people may go on labeling meanwhile.

    Raises:
        Corrupted: A line is no label.
    """
    found = []
    for name, sha256 in files.items():
        path = folder / name
        lines = _lines_as_of(path, sha256) if path.is_file() else None
        if lines is None:
            return None
        if path.parent.name == LABELS:
            found.append(_labels(path, lines))
    return _in_order(found)


def _lines_as_of(path: Path, sha256: str) -> list[bytes] | None:
    lines, whole = [], hashlib.sha256()
    for line in path.read_bytes().splitlines(keepends=True):
        whole.update(line)
        lines.append(line)
        if whole.hexdigest() == sha256:
            return lines if line.endswith(b"\n") else lines[:-1]
    return None


def _in_order(found: Iterable[Labels | None]) -> list[Labels]:
    present = [labels for labels in found if labels is not None]
    return sorted(present, key=lambda labels: (labels.judge, labels.annotator.casefold()))


def _labels(path: Path, lines: Iterable[bytes]) -> Labels | None:
    """Return the labels in the lines of a file, or None if it was cut before its first line was whole."""
    labels = None
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if labels is None:
                labels = Labels(path, record["annotator"], record["judge"], record["seat"])
            else:
                _apply(labels.given, record["item"], record["label"])
        except (ValueError, KeyError, TypeError) as error:
            hint = "correct or delete that line; every other label of the file is kept"
            raise Corrupted("a line is no label", where=f"{path}:{number}", hint=hint) from error
    return labels


def label_files(run_dir: Path) -> list[Path]:
    """Return the files of a run that have at least one label, in their order."""
    return [path for path in _files(run_dir / FOLDER) if len(_whole_lines(path)) > 1]


def fingerprint(run_dir: Path) -> dict[str, str]:
    """Return the SHA-256 of what decides a run's agreement, by path below its folder of annotations.

    Empty while nobody has given a label.
    """
    files = label_files(run_dir)
    if not files:
        return {}
    folder = run_dir / FOLDER
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in (folder / "items.json", *files)}


def _files(folder: Path) -> list[Path]:
    return sorted((folder / LABELS).glob("*.jsonl"))


def _apply(given: dict[str, str], item: str, label: str | None) -> None:
    if label is None:
        given.pop(item, None)
    else:
        given[item] = label


def _whole_lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


def _append(path: Path, record: Mapping[str, Any]) -> None:
    """Add a line and flush it; what a crash or a full disk left of a line before is cut off."""
    line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
    with path.open("a+b", buffering=0) as file:
        end = _end_of_whole_lines(file)
        file.truncate(end)
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def _end_of_whole_lines(file: FileIO) -> int:
    file.seek(0)
    return file.readall().rfind(b"\n") + 1


def _flush_folder(folder: Path) -> None:
    """Flush a new file's name, and that of the folder it is in."""
    for path in (folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _judge_file(name: str) -> str:
    return f"judge-{re.sub(r'[^A-Za-z0-9.]+', '-', name).strip('-.')}-{digest(name)[:6]}"
