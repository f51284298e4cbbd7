"""What libraries print goes into a log file, not through the view."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

QUIET = {
    "TQDM_DISABLE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Read by tqdm, huggingface_hub, datasets, transformers and tokenizers when they are imported, here or in
the processes that accelerate starts; what the user has set stays."""


class _Sink(io.TextIOBase):
    """A text stream whose target can change: loggers hold on to the stream they first saw, for ever."""

    def __init__(self, target: TextIO) -> None:
        self.target = target

    def write(self, text: str) -> int:
        return len(text) if self.target.closed else self.target.write(text)

    def flush(self) -> None:
        if not self.target.closed:
            self.target.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


@contextmanager
def chatter_to(path: Path) -> Iterator[None]:
    """Append everything that is printed, warned or logged to stdout and stderr to a file.

    Views are unaffected: they keep the streams they were made with.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    _quiet_loaded()
    out, err = sys.stdout, sys.stderr
    with path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1) as log:
        sink = _Sink(log)
        sys.stdout = sys.stderr = sink
        try:
            yield
        finally:
            sys.stdout, sys.stderr, sink.target = out, err, err


def _quiet_loaded() -> None:
    """Turn off the progress bars of libraries that are loaded already and have read their environment."""
    if "transformers" in sys.modules:
        sys.modules["transformers"].utils.logging.disable_progress_bar()
    if "datasets" in sys.modules:
        sys.modules["datasets"].disable_progress_bars()
