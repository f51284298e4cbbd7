"""The whole: one quickstart from an empty store, where its time went, and its peak memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from speed.machine import load, machine, versions
from speed.measuring import seconds
from speed.peer import ROOT
from speed.results import Measure, Section

SPEC = ROOT / "specs" / "quickstart.yaml"
TRAINING, SCORING = ("train[",), ("sweep", "search", "evaluate")
PLANS = 5
"""How often `avspec plan` is timed."""


def measure(folder: Path, spec: Path = SPEC) -> Section:
    """Run a spec in an empty folder."""
    before = load()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    apply, plan = ([sys.executable, "-m", "avspec.cli", verb, str(spec)] for verb in ("apply", "plan"))
    taken, peak = _run(apply, folder)
    report = next(folder.glob("runs/*/report.json"))
    stages: dict[str, float] = json.loads(report.read_text("utf-8"))["seconds"]
    training, scoring = _of(stages, TRAINING), _of(stages, SCORING)
    plans = [seconds(lambda: subprocess.run(plan, cwd=folder, check=True, capture_output=True)) for _ in range(PLANS)]
    return Section(
        title="The whole",
        machine=machine(),
        versions=versions(),
        setup=f"`avspec apply {spec.name}` once, from an empty store.",
        measures=(
            Measure(name="quickstart", values=(taken,), unit="s", goal=480, at_most=True),
            Measure(
                name="quickstart, neither training nor scoring",
                values=(taken - training - scoring,),
                unit="s",
                goal=60,
                at_most=True,
            ),
            Measure(name="quickstart, peak memory", values=(peak,), unit="GB", goal=6, at_most=True),
            Measure(name="`avspec plan`", values=tuple(plans), unit="s", goal=0.5, at_most=True),
        ),
        facts={
            "load average before and after": f"{before}, {load()}",
            **{f"stage {name}": f"{value:.1f} s" for name, value in stages.items()},
            "training": f"{training:.0f} s, {training / taken:.0%}",
            "scoring": f"{scoring:.0f} s, {scoring / taken:.0%} (sweep, search and evaluate, generation included)",
        },
    )


def _run(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Return the seconds of a command and its largest resident memory in GB.

    Raises:
        RuntimeError: The command failed.
    """
    start = time.perf_counter()
    with (folder / "apply.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(folder / 'apply.log').read_text()[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - start, usage.ru_maxrss * unit / 1e9


def _of(stages: dict[str, float], prefixes: tuple[str, ...]) -> float:
    return sum(value for name, value in stages.items() if name.startswith(prefixes))
