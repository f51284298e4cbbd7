"""Peers: other people's software, each in a process of its own in an environment of its own."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "benchmarks" / "peers"
PYTHON = ROOT / ".venv-bench" / "bin" / "python"


class PeerError(RuntimeError):
    """A peer cannot be started, or it ended; says what it wrote last."""


class Peer:
    """A process that is started once and asked many times, so that only the operation is timed."""

    def __init__(self, script: str, log: Path, python: Path = PYTHON) -> None:
        if not python.exists():
            raise PeerError(f"there is no {python}: `make bench` installs the peers")
        self._log = log
        self._process = subprocess.Popen(
            [str(python), str(SCRIPTS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def ask(self, command: str, **arguments: Any) -> Any:
        """Return the answer to one request.

        Raises:
            PeerError: The peer failed.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(json.dumps({"command": command, **arguments}), file=self._process.stdin, flush=True)
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise PeerError(f"the peer failed; it wrote:\n{self._log.read_text()[-2000:]}") from None


def source_of(script: str, function: str) -> str:
    """Return the code of a peer's function as it stands in its file: what the results show as the exact call."""
    text = (SCRIPTS / script).read_text("utf-8")
    found = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == function]
    return ast.get_source_segment(text, found[0]) or ""
