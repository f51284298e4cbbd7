"""Training: packed rows against TRL's own trainer, through the same plugin interface, in the same precision."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from avspec import registry
from avspec.api import Row, TrainingJob
from avspec.run.chatter import chatter_to
from speed.machine import load, machine, versions
from speed.measuring import paired
from speed.results import Measure, Section
from speed.subject import DOMAINS, Subject, levels, rows

PLUGINS = ("dpo", "dpo-reference")
BATCH = 4
OPTIONS = {"beta": 0.5, "learning_rate": 5e-5, "epochs": 1, "batch_size": BATCH}
CALL = """options = {options}
registry.create("trainers", "dpo-reference", options).train(job)
# TRL's DPOTrainer(model, args=DPOConfig(loss_type=["ipo"], precompute_ref_log_probs=True, ...)).train(),
# with its own forward: every adjacent pair of levels is two sequences; see avspec/trainers/fitting.py"""


class Clock:
    """Times of the optimizer steps of one training."""

    def __init__(self) -> None:
        self.steps: dict[int, float] = {}

    def __call__(self, done: int, total: int, note: str) -> None:
        """Note when a step was done."""
        self.steps[done] = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Return the seconds from the end of the first step to the end of the last: warm, without loading."""
        return self.steps[max(self.steps)] - self.steps[min(self.steps)]


def measure(subject: Subject, pairs: int, steps: int) -> Section:
    """Time the same few optimizer steps with both trainers."""
    before = load()
    chosen = [row for row in rows(steps * BATCH + 1) if row.domain == DOMAINS[0]]
    calls: dict[str, list[float]] = {plugin: [] for plugin in PLUGINS}

    def run(plugin: str) -> Callable[[], float]:
        def once() -> float:
            clock, start = Clock(), time.perf_counter()
            _train(subject, plugin, chosen, clock)
            calls[plugin].append(time.perf_counter() - start)
            return clock.seconds

        return once

    measured = paired("training, rows per second against TRL", PLUGINS, *map(run, PLUGINS), pairs=pairs, goal=3.0)
    whole = [b / a for a, b in zip(*calls.values(), strict=True)][1:]
    return Section(
        title="Training",
        machine=machine(),
        versions=versions(),
        setup=f"{len(chosen) - 1} rows of {DOMAINS[0]}, options {OPTIONS}; timed from the end of the first optimizer "
        f"step to the end of the last of {steps}, the validation of one row after each step included.",
        measures=(measured, Measure(name="the whole training call, loading included", values=tuple(whole))),
        facts={
            "load average before and after": f"{before}, {load()}",
            "the same result": "TRL shuffles pairs and avspec rows, so their steps see other pairs; on equal batches "
            "the tests compare the two (tests/unit/trainers)",
        },
        calls={"TRL": CALL.format(options=json.dumps(OPTIONS))},
    )


def _train(subject: Subject, plugin: str, chosen: list[Row], clock: Clock) -> None:
    out = subject.folder / "training" / plugin
    shutil.rmtree(out, ignore_errors=True)
    for name in ("out", "work", "logs"):
        (out / name).mkdir(parents=True)
    job = TrainingJob(
        domain=DOMAINS[0],
        base=subject.base,
        levels={domain: levels(domain) for domain in DOMAINS},
        rows=chosen[1:],
        anchors=[],
        validation=chosen[:1],
        out=Path(out / "out"),
        work=out / "work",
        logs=out / "logs",
        device="cpu",
        progress=clock,
    )
    with chatter_to(out / "libraries.log"):
        registry.create("trainers", plugin, OPTIONS).train(job)
