"""avspec as a user runs it: a process in a folder."""

import json
import subprocess
import sys
from pathlib import Path


def avspec(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run avspec to its end."""
    command = [sys.executable, "-m", "avspec.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def printed(folder: Path, *arguments: str) -> str:
    """Run avspec, which must succeed, and return what it printed."""
    done = avspec(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def apply(folder: Path) -> list[str]:
    """Apply `spec.yaml`, and return the addresses of the stages that ran."""
    events = map(json.loads, printed(folder, "apply", "spec.yaml", "--json").splitlines())
    return [event["address"] for event in events if event["event"] == "stage-done"]
