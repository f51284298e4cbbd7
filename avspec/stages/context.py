"""What a stage gets beside its params, its inputs and its folder."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avspec.errors import Interrupted
from avspec.store.disk import write_atomic


def _no_report(done: int, total: int, note: str) -> None:
    """Tell nobody: a stage that runs outside an apply has no view."""


def _no_log(message: str) -> None:
    """Tell nobody."""


def stopped() -> Interrupted:
    """Return the error that ends an apply after Ctrl+C."""
    return Interrupted("stopped; everything finished so far is kept", hint="run the same command again to go on")


@dataclass
class Context:
    """The surroundings of one running stage; nothing in it decides what the stage's results are."""

    run_dir: Path
    """The folder the user looks at, `runs/NAME`: the study, TensorBoard files and logs are written there."""
    scratch: Path
    """Folder of this stage that survives an interruption and goes away when the stage is done."""
    evaluations: Path
    """Folder of the search's evaluation caches, one folder in it for each surface."""
    answers: Path = Path(".avspec", "answers")
    """Folder of what language models answered: paid for, and never asked again."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda` or another device name of torch."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the spec that change how, but not what, a stage computes: `training.accelerate`, ..."""
    report: Callable[[int, int, str], None] = _no_report
    """Gets every progress report."""
    tell: Callable[[str], None] = _no_log
    """Gets every log line."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when Ctrl+C asked for a stop."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Report that `done` of `total` steps are finished; `note` says what a step is, or how it stands.

        Raises:
            Interrupted: Ctrl+C was pressed since the last report.
        """
        self.report(done, total, note)
        self.check_stop()

    def kept(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what a step comes to, as JSON; one that is done is not repeated after an interruption.

        Args:
            name: Name of the step, one of its own within the stage; part of a file's name.
            compute: Makes it.
        """
        path = self.scratch / f"{name}.json"
        if not path.exists():
            write_atomic(path, json.dumps(compute(), allow_nan=False))
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    def log(self, message: str) -> None:
        """Show one line to the user and keep it in the run's log."""
        self.tell(message)

    def check_stop(self) -> None:
        """Return if the stage may go on; call it between steps, with everything worth keeping on disk.

        Raises:
            Interrupted: Ctrl+C was pressed.
        """
        if self.stop.is_set():
            raise stopped()
