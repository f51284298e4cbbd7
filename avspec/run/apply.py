"""Carry out a plan: lock the store, run what has to run, commit each result; resumable throughout."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspec.errors import AvspecError
from avspec.model.release import limit_kernels, release_memory
from avspec.plan.compile import compile_spec
from avspec.plan.diff import Plan, PlannedStage, plan_run
from avspec.plan.graph import select
from avspec.plan.lockfile import read_lock
from avspec.plan.stage import Stage
from avspec.run.chatter import chatter_to
from avspec.run.events import Done, Event, Failed, Log, Planned, Progress, StageDone, StageReused, StageStarted
from avspec.run.expected import expected_seconds, stage_seconds
from avspec.run.failures import stage_errors
from avspec.run.folder import prepare, run_folder, variant_folder
from avspec.run.interrupt import stop_on_sigint
from avspec.run.journal import Journal, open_journal
from avspec.run.ledger import Ledger
from avspec.run.outcome import behaviors
from avspec.run.view import View
from avspec.stages.context import Context, stopped
from avspec.store.disk import disk_errors
from avspec.store.local import Store

if TYPE_CHECKING:
    from avspec.spec import LoadedSpec


@dataclass(frozen=True)
class RunResult:
    """What an apply did."""

    run_dir: Path
    plan: Plan
    ran: tuple[str, ...]
    """Addresses of the stages that ran; the others were reused."""
    seconds: float


def stage_module(kind: str) -> Any:
    """Import the module that runs stages of a kind; the first one brings torch with it."""
    return importlib.import_module(f"avspec.stages.{kind}")


def apply(
    loaded: LoadedSpec,
    *,
    view: View,
    root: Path = Path(),
    target: str | None = None,
    force: Iterable[str] = (),
    device: str = "auto",
) -> RunResult:
    """Bring the run of a spec up to date, from wherever an earlier apply ended.

    Args:
        loaded: The spec.
        view: Shows what happens.
        root: The folder that holds `.avspec` and `runs`.
        target: Only this stage and what it needs.
        force: Addresses or kinds to run although nothing changed.
        device: Where models run.

    Raises:
        StoreBusy: Another apply works in this folder.
        Interrupted: Ctrl+C; the same call goes on where this one stopped.
        AvspecError: Whatever a stage could not do.
    """
    store, run_dir = Store(root / ".avspec"), run_folder(root, loaded.spec.name)
    with store.lock(), disk_errors(run_dir):
        logs = prepare(run_dir)
        with open_journal(view, logs) as journal:
            return _Apply(loaded, store, run_dir, journal, device).go(target, tuple(force))


class _Apply:
    """One call of `apply`."""

    def __init__(self, loaded: LoadedSpec, store: Store, run_dir: Path, journal: Journal, device: str) -> None:
        self.loaded, self.store, self.run_dir, self.journal, self.device = loaded, store, run_dir, journal, device
        self.stop = threading.Event()
        self.running = ""
        self.began = time.monotonic()

    def go(self, target: str | None, force: tuple[str, ...]) -> RunResult:
        """Plan, run and report."""
        with stop_on_sigint(self.stop, self._tell_stop):
            try:
                return self._go(target, force)
            except KeyboardInterrupt:
                self._emit_failed(stopped())
                raise stopped() from None
            except AvspecError as error:
                self._emit_failed(error)
                raise

    def _go(self, target: str | None, force: tuple[str, ...]) -> RunResult:
        every = compile_spec(self.loaded, self.run_dir)
        plan = plan_run(select(every, target), self.store, read_lock(self.run_dir), force=force)
        self.keys = plan.keys
        self._announce(plan)
        for planned in plan.running:
            # a forced stage keeps its key: if it is interrupted, the next apply must not take the old artifact for new
            self.store.discard(planned.key)
        ledger = Ledger(self.run_dir, self.store, self.loaded.resolved(), [stage.address for stage in every])
        reused = [planned for planned in plan.stages if planned.action == "reuse"]
        ledger.record(reused)
        for planned in reused:
            self._emit(StageReused(address=planned.address, key=planned.key))
        limit_kernels()
        # nothing to run: leave stdout, the environment and the log alone
        with chatter_to(self._log) if plan.running else nullcontext():
            for planned in plan.running:
                self._stage(planned)
                ledger.record([planned])
        return self._finish(plan)

    @property
    def _log(self) -> Path:
        return self.run_dir / "logs" / "libraries.log"

    def _announce(self, plan: Plan) -> None:
        waiting = [planned.address for planned in plan.running]
        expected = expected_seconds(self.store, waiting, self.keys.get("base")) if waiting else {}
        stages = [planned.to_json() for planned in plan.stages]
        self._emit(Planned(run=str(self.run_dir), stages=stages, expected=expected))

    def _stage(self, planned: PlannedStage) -> None:
        stage, began = planned.stage, time.monotonic()
        context = self._context(stage, planned.key)
        context.check_stop()
        self.running = stage.address
        self._emit(StageStarted(address=stage.address, reason=planned.reason or ""))
        keys = {stage.local(address): self.keys[address] for address in stage.inputs}
        inputs = {address: self.store.path(key) for address, key in keys.items()}
        with stage_errors(stage.address, self._log, self.run_dir), self.store.writing(planned.key) as out:
            stage_module(stage.kind).run(stage.params, inputs, out, context)
            seconds = time.monotonic() - began
            self.store.commit(
                planned.key,
                kind=stage.kind,
                name=stage.name,
                version=stage.version,
                params=stage.params.model_dump(mode="json"),
                inputs=keys,
                plugins=stage.plugins,
                seconds=seconds,
            )
        release_memory()
        self.running = ""
        self._emit(StageDone(address=stage.address, key=planned.key, seconds=round(seconds, 3)))

    def _context(self, stage: Stage, key: str) -> Context:
        def report(done: int, total: int, note: str) -> None:
            self._emit(Progress(address=stage.address, done=done, total=total, note=note))

        return Context(
            run_dir=variant_folder(self.run_dir, stage.variant) if stage.variant else self.run_dir,
            scratch=self.store.scratch(key),
            evaluations=self.store.evaluations,
            answers=self.store.answers,
            device=self.device,
            settings=settings(self.loaded.variants[stage.variant] if stage.variant else self.loaded),
            report=report,
            tell=lambda message: self._emit(Log(address=stage.address, message=message)),
            stop=self.stop,
        )

    def _finish(self, plan: Plan) -> RunResult:
        seconds, evaluate = time.monotonic() - self.began, self.keys.get("evaluate")
        spec = self.loaded.spec
        ran = tuple(planned.address for planned in plan.running)
        self._emit(
            Done(
                run=str(self.run_dir),
                ran=len(ran),
                reused=len(plan.stages) - len(ran),
                seconds=round(seconds, 3),
                stages=stage_seconds(self.store, self.keys),
                report=str(self.run_dir / "report.html") if "report" in self.keys else None,
                behaviors=behaviors(self.store.path(evaluate), spec.behaviors, tuple(spec.domains)) if evaluate else {},
            )
        )
        return RunResult(self.run_dir, plan, ran, seconds)

    def _emit(self, event: Event) -> None:
        self.journal.emit(event)

    def _emit_failed(self, error: AvspecError) -> None:
        self._emit(
            Failed(
                address=self.running,
                error=type(error).__name__,
                message=str(error),
                exit_code=error.exit_code,
            )
        )

    def _tell_stop(self) -> None:
        self._emit(Log(message="stopping after the current step; press Ctrl+C again to stop at once"))


def settings(loaded: LoadedSpec) -> dict[str, Any]:
    """Return the settings that change how, but not what, stages compute."""
    training = loaded.spec.training
    accelerate = loaded.path.resolve().parent / training.accelerate if training.accelerate else None
    return {
        "training.accelerate": str(accelerate) if accelerate else None,
        "training.checkpoint_steps": training.checkpoint_steps,
        "synthesis.run": loaded.spec.name,
        "synthesis.max_cost": loaded.spec.synthesis.max_cost,
        "synthesis.prices": {name: price.model_dump() for name, price in loaded.spec.synthesis.prices.items()},
    }
