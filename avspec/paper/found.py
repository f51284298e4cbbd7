"""What runs measured, as far as the paper has figures to hold against; and the paper's figures themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from avspec.errors import NoInput
from avspec.plan.lockfile import read_lock
from avspec.run.folder import existing
from avspec.run.results import report

Json = Mapping[str, Any]


@cache
def paper() -> Json:
    """Return the paper's figures (arXiv 2410.19206), shares as parts of 1."""
    found: Json = json.loads(files("avspec.data").joinpath("paper.json").read_text("utf-8"))
    return found


@dataclass(frozen=True)
class Found:
    """One run."""

    name: str
    report: Json
    """Its report.json."""
    sweep: Json
    """Its sweep.json."""
    spec: Json
    """The resolved spec."""

    @property
    def domains(self) -> list[str]:
        """Return the domains that have a knob."""
        return list(self.report["domains"])


def read_found(run_dir: Path) -> Found:
    """Read a run.

    Raises:
        NoInput: There is no such run, or it has no report yet.
        NewerFormat: A newer avspec made it.
    """
    found = report(run_dir)
    lock = read_lock(existing(run_dir)) or {}
    sweep = json.loads((run_dir / "sweep.json").read_text("utf-8"))
    return Found(str(found["name"]), found, sweep, lock.get("spec") or {})


def first(runs: Sequence[Found], spec: str, has: Callable[[Found], object]) -> Found | None:
    """Return the run that speaks for a part: that of the part's own spec if it measured it, else the first that did.

    Args:
        runs: All runs.
        spec: Name of the spec's file in `specs/paper/`.
        has: Whether a run measured what the part shows.
    """
    own = f"paper-{spec.removesuffix('.yaml')}"
    return next((run for run in sorted(runs, key=lambda run: run.name != own) if has(run)), None)


def all_runs(folder: Path) -> list[Path]:
    """Return the folder of every run that has a report.

    Raises:
        NoInput: There is none.
    """
    runs = sorted(path.parent for path in folder.glob("*/report.json"))
    if not runs:
        hint = "`avspec apply specs/paper/tables-1-4.yaml` makes the first"
        raise NoInput("there is no run to lay beside the paper", where=str(folder), hint=hint)
    return runs
