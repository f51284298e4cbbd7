"""The store: key to artifact, in folders. Crash safety lives here.

In the folder .avspec:

objects/ab/KEY/     a whole artifact; manifest.json is written last
work/KEY/out/       an artifact being written
work/KEY/scratch/   checkpoints: survives an interruption, goes away at commit
evaluations/        the search's evaluation cache
answers/            what language models answered: paid for, so `gc` leaves it
lock                held by a running apply
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from avspec import __version__
from avspec.digest import file_digest
from avspec.errors import Corrupted
from avspec.store.disk import disk_errors, fsync, fsync_tree, remove_tree, write_atomic
from avspec.store.lock import hold
from avspec.store.manifest import FILE_NAME, Manifest, Output, read_manifest, read_outputs

State = Literal["ok", "missing", "incomplete", "drifted"]
_KEY = re.compile(r"[0-9a-f]{64}")


class Store:
    """Artifacts by key below one folder, which is made on the first write."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.objects = self.root / "objects"
        self.work = self.root / "work"
        self.evaluations = self.root / "evaluations"
        self.answers = self.root / "answers"

    def path(self, key: str) -> Path:
        """Return the folder of an artifact, there or not."""
        return self.objects / _checked(key)[:2] / key

    def has(self, key: str) -> bool:
        """Say whether an artifact was committed."""
        return (self.path(key) / FILE_NAME).is_file()

    def manifest(self, key: str) -> Manifest:
        """Return what is known about an artifact.

        Raises:
            NoInput: The artifact is not in the store.
            NewerFormat: A newer avspec wrote it.
            Corrupted: Its manifest is broken.
        """
        return read_manifest(self.path(key))

    def keys(self) -> Iterator[str]:
        """Yield the key of every folder in the store, whole artifact or not."""
        for folder in sorted(self.objects.glob("??/*")):
            if is_key(folder.name):
                yield folder.name

    def state(self, key: str, *, full: bool = False) -> State:
        """Say how an artifact is: `missing` also when one of its files is gone.

        Args:
            key: The artifact.
            full: Rehash every file, not only those whose size or time changed.

        Raises:
            NewerFormat: A newer avspec wrote it.
        """
        if not self.has(key):
            return "incomplete" if self.path(key).exists() or self._work(key).exists() else "missing"
        damage = self._damage(key, full=full)
        if any(kind == "drifted" for _, kind in damage):
            return "drifted"
        return "missing" if damage else "ok"

    def verify(self, key: str, *, full: bool = True) -> list[str]:
        """Rehash an artifact and return a sentence for each file that is not what was written.

        Raises:
            NoInput: The artifact is not in the store.
            NewerFormat: A newer avspec wrote it.
        """
        words = {"missing": "is gone", "drifted": "is not what was written"}
        return [f"{name} {words[kind]}" for name, kind in self._damage(key, full=full)]

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Give a fresh folder for an artifact's files; an exception removes it, the scratch folder stays.

        Raises:
            StoreError: The disk is full, read-only or not writable.
        """
        out = self._work(key) / "out"
        with disk_errors(out):
            remove_tree(out)
            out.mkdir(parents=True)
            try:
                yield out
            except BaseException:
                remove_tree(out)
                raise

    def scratch(self, key: str) -> Path:
        """Return the folder for what a stage keeps over an interruption.

        Raises:
            StoreError: The disk is full, read-only or not writable.
        """
        folder = self._work(key) / "scratch"
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def commit(
        self,
        key: str,
        *,
        kind: str,
        name: str | None,
        version: int,
        params: Mapping[str, Any],
        inputs: Mapping[str, str],
        plugins: Sequence[Mapping[str, str]],
        seconds: float,
    ) -> Manifest:
        """Make what `writing` gave an artifact: hashed, flushed, described, renamed; an old one is replaced.

        Call it inside the `writing` block. A kill at any moment leaves a whole artifact or none.

        Raises:
            StoreError: The disk is full, read-only or not writable.
        """
        out = self._work(key) / "out"
        with disk_errors(out):
            fsync_tree(out)
            manifest = Manifest(
                key=key,
                kind=kind,
                name=name,
                version=version,
                params=dict(params),
                inputs=dict(inputs),
                plugins=[dict(plugin) for plugin in plugins],
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                seconds=seconds,
                avspec=__version__,
                outputs=read_outputs(out),
            )
            write_atomic(out / FILE_NAME, manifest.model_dump_json(indent=1) + "\n")
            self._publish(key, out)
        return manifest

    def discard(self, key: str) -> None:
        """Remove an artifact; what an interrupted stage left for its next start stays.

        Raises:
            StoreError: The disk is read-only or not writable.
        """
        folder = self.path(key)
        with disk_errors(folder):
            # without its manifest the artifact is gone, wherever a kill stops the rest
            (folder / FILE_NAME).unlink(missing_ok=True)
            remove_tree(folder)

    def discard_work(self, key: str) -> None:
        """Remove what an interrupted stage left for its next start.

        Raises:
            StoreError: The disk is read-only or not writable.
        """
        remove_tree(self._work(key))

    def lock(self) -> AbstractContextManager[None]:
        """Hold the store for one apply.

        Raises:
            StoreBusy: Another process holds it.
            StoreError: The disk is read-only or not writable.
        """
        return hold(self.root)

    def _work(self, key: str) -> Path:
        return self.work / _checked(key)

    def _publish(self, key: str, out: Path) -> None:
        """Rename a finished folder to its place: the moment the artifact exists."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            old = self._work(key) / "old"
            remove_tree(old)
            target.rename(old)
        out.rename(target)
        for folder in (target.parent, self.objects, self.root):
            fsync(folder)
        remove_tree(self._work(key))

    def _damage(self, key: str, *, full: bool) -> list[tuple[str, Literal["missing", "drifted"]]]:
        try:
            manifest = self.manifest(key)
        except Corrupted:
            return [(FILE_NAME, "drifted")]
        if manifest.key != key:
            return [(FILE_NAME, "drifted")]
        found: list[tuple[str, Literal["missing", "drifted"]]] = []
        for name, output in manifest.outputs.items():
            path = self.path(key) / name
            if not path.is_file():
                found.append((name, "missing"))
            elif not _unchanged(path, output, full=full):
                found.append((name, "drifted"))
        return found


def is_key(name: str) -> bool:
    """Say whether a name has the form of a key, a SHA-256 in hex."""
    return bool(_KEY.fullmatch(name))


def _checked(key: str) -> str:
    # keys also come from lock files: one that is no digest must not become a path
    if not is_key(key):
        raise Corrupted(f"{key!r} is not the key of an artifact", hint="run `avspec apply` on its spec again")
    return key


def _unchanged(path: Path, output: Output, *, full: bool) -> bool:
    stat = path.stat()
    if stat.st_size != output.size:
        return False
    if stat.st_mtime_ns == output.mtime_ns and not full:
        return True
    if file_digest(path) != output.sha256:
        return False
    # the bytes are right and only the time is not (a copied store): set it, or every plan would hash again
    if os.access(path, os.W_OK) and stat.st_mtime_ns != output.mtime_ns:
        os.utime(path, ns=(stat.st_atime_ns, output.mtime_ns))
    return True
