"""The manifest of an artifact: what made it, from what, and the digest of every file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from avspec.digest import file_digest
from avspec.errors import Corrupted, NewerFormat, NoInput, StageFailed

FORMAT_VERSION = 1
FILE_NAME = "manifest.json"


class _Record(BaseModel):
    # keys that a newer avspec added are ignored; when that would be wrong, it raises `format_version`
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Output(_Record):
    """One file of an artifact."""

    sha256: str
    size: int
    """Bytes."""
    mtime_ns: int
    """When the file was last written: while size and time are unchanged, plan trusts the digest."""


class Manifest(_Record):
    """What is known about one artifact; its presence means that the artifact is whole."""

    format_version: int = FORMAT_VERSION
    key: str
    kind: str
    name: str | None = None
    """Domain or guardrail, for kinds that have one stage each."""
    version: int
    """`VERSION` of the kind's params."""
    params: dict[str, Any]
    inputs: dict[str, str]
    """Address to key of each input."""
    plugins: list[dict[str, str]]
    created: str
    """ISO 8601, UTC."""
    seconds: float
    """How long the stage ran."""
    avspec: str
    """Version of avspec that wrote it."""
    outputs: dict[str, Output]
    """Path relative to the artifact's folder, with forward slashes."""


def read_outputs(folder: Path) -> dict[str, Output]:
    """Hash every file below a folder but the manifest.

    Raises:
        StageFailed: There is a symbolic link, whose target could change unseen.
    """
    outputs = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise StageFailed("an artifact may not contain a symbolic link", where=str(path))
        if path.is_file() and path.name != FILE_NAME:
            outputs[path.relative_to(folder).as_posix()] = read_output(path)
    return outputs


def read_output(path: Path) -> Output:
    """Hash one file."""
    stat = path.stat()
    return Output(sha256=file_digest(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact's folder.

    Raises:
        NoInput: There is none.
        NewerFormat: A newer avspec wrote it.
        Corrupted: It is not a manifest.
    """
    path = folder / FILE_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        check_format(found, FORMAT_VERSION, path)
        return Manifest.model_validate(found)
    except FileNotFoundError:
        raise NoInput("this artifact is not in the store", where=str(folder)) from None
    except (ValueError, ValidationError) as error:
        hint = "run `avspec apply` on its spec again: the artifact is made anew"
        raise Corrupted("an artifact's manifest is broken", where=str(path), hint=hint) from error


def check_format(found: Any, known: int, path: Path) -> None:
    """Refuse what a newer avspec wrote.

    Raises:
        NewerFormat: `format_version` is above `known`.
        ValueError: There is no `format_version`.
    """
    version = found.get("format_version") if isinstance(found, dict) else None
    if not isinstance(version, int):
        raise ValueError("no format_version")
    if version > known:
        what = f"this was made by a newer avspec: format {version}, this avspec knows up to {known}"
        raise NewerFormat(what, where=str(path), hint="upgrade avspec: pip install --upgrade avspec")
