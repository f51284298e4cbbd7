"""Peak memory of opening an editor and turning knobs, in sizes of the live model: run as a process of its own.

python memory_probe.py BASE DTYPE VECTOR...

Counts anonymous memory, which must stay; pages of mapped files are the page cache's. Memory that libraries take before
the model is opened is subtracted. Needs Linux.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from pathlib import Path

import torch

from avspec.model.editor import Editor
from avspec.model.loading import load_base, load_tokenizer, read_info
from avspec.model.vectors import AlignmentVector


def anonymous() -> int:
    """Return this process's anonymous memory in bytes."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None, "the kernel does not say"
    return int(found[1]) * 1024


class Watch:
    """The largest anonymous memory seen while it runs, sampled every millisecond."""

    def __enter__(self) -> Watch:
        self.peak, self._running = anonymous(), True
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while self._running:
            self.peak = max(self.peak, anonymous())
            time.sleep(0.001)

    def __exit__(self, *_: object) -> None:
        self._running = False
        self._thread.join()
        self.peak = max(self.peak, anonymous())


def main() -> None:
    """Open, edit, and print the peak while doing each as JSON."""
    base, dtype, vectors = Path(sys.argv[1]), getattr(torch, sys.argv[2]), [Path(path) for path in sys.argv[3:]]
    load_tokenizer(base)  # before the count begins: it imports most of transformers
    before = anonymous()
    with Watch() as opening:
        model, stored, _ = load_base(base, dtype=dtype, device="cpu")
        opened = {path.stem: AlignmentVector(path) for path in vectors}
        editor = Editor(model, stored, opened, read_info(base).digests)
    with Watch() as editing:
        for turn in range(4):
            editor.set(dict.fromkeys(opened, 0.1 * (turn + 1)))
    peaks = {"opening": opening.peak, "editing": editing.peak}
    print(json.dumps({name: (peak - before) / editor.memory.live for name, peak in peaks.items()}))


if __name__ == "__main__":
    main()
