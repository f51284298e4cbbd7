from pathlib import Path

import pytest
import tiny_stages

from avspec.run.events import Event
from avspec.spec import load_spec


class Recorder:
    """A view that keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def show(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    """A folder with a spec in it, and stages that take no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("avspec.run.apply.stage_module", tiny_stages.stage_module)
    # waiting for the disk is most of the time, and no machine loses its power here
    monkeypatch.setattr("avspec.store.disk.fsync", lambda path: None)
    monkeypatch.setattr("avspec.store.local.fsync", lambda path: None)
    monkeypatch.setenv("TINY_CALLS", str(tmp_path / "calls"))
    tiny_stages.write_spec(tmp_path)
    return tmp_path


@pytest.fixture
def run_apply(workspace, recorder):
    """Apply the tiny spec; returns the result, `recorder` has the events."""
    from avspec.run.apply import apply

    def go(*sets, **options):
        recorder.events.clear()
        return apply(load_spec(Path("tiny.yaml"), sets), view=recorder, **options)

    return go


@pytest.fixture
def calls(workspace):
    """Addresses of the stages that were really called since the last look."""

    def read():
        path = workspace / "calls"
        found = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return found

    return read
