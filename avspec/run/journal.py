"""Where every event goes: the view in front of the user, and `logs/apply.jsonl` for afterwards."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from avspec.run.events import Event, Progress
from avspec.run.view import View


class Journal:
    """Hands events to the view and appends them to a file, one JSON object a line.

    The file keeps one progress event a second at most; the view sees them all.
    """

    def __init__(self, view: View, file: TextIO) -> None:
        self._view, self._file = view, file
        self._lock = threading.RLock()
        self._second = ""

    def emit(self, event: Event) -> None:
        """Take in one event; safe to call from several threads."""
        with self._lock:
            if self._keeps(event):
                self._file.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
                self._file.flush()
            self._view.show(event)

    def _keeps(self, event: Event) -> bool:
        """Return whether the event belongs in the file."""
        if not isinstance(event, Progress) or event.done >= event.total:
            return True
        second, self._second = self._second, event.time[: len("2026-01-01T00:00:00")]
        return second != self._second


@contextmanager
def open_journal(view: View, logs: Path) -> Iterator[Journal]:
    """Append to `apply.jsonl` in a run's folder of logs, with the view open."""
    path = logs / "apply.jsonl"
    # an apply that was killed may have left half a line
    half = path.is_file() and path.read_bytes()[-1:] not in (b"", b"\n")
    with path.open("a", encoding="utf-8") as file, view:
        file.write("\n" if half else "")
        yield Journal(view, file)
