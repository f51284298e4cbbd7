"""Training through `accelerate launch`: all GPUs of this machine, or whatever an accelerate configuration says."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from avspec.api import Row, TrainingJob
from avspec.errors import StageFailed
from avspec.trainers.dpo import DPOOptions

PROGRESS = "@progress "


def launch_arguments(job: TrainingJob) -> list[str]:
    """Return how accelerate is to start the training; nothing where one process does it."""
    if job.accelerate is not None:
        return ["--config_file", str(job.accelerate)]
    import torch

    devices = torch.cuda.device_count() if job.device in ("auto", "cuda") else 0
    return ["--multi_gpu", "--num_processes", str(devices)] if devices > 1 else []


def launch(options: DPOOptions, job: TrainingJob, arguments: list[str], *, packed: bool) -> Mapping[str, Any]:
    """Run `fit` in the processes that accelerate starts; relay progress, return what the main one reports.

    Args:
        options: The trainer's options.
        job: The training job.
        arguments: Of `accelerate launch`, from `launch_arguments`.
        packed: As in `fit`.

    Raises:
        StageFailed: A process failed; its log is named.
    """
    job.work.mkdir(parents=True, exist_ok=True)
    order, log = job.work / "job.json", job.work / "accelerate.log"
    order.write_text(json.dumps({"options": options.model_dump(), "job": _plain(job), "packed": packed}))
    launcher = ["-m", "accelerate.commands.launch", *arguments]
    command = [sys.executable, *launcher, "-m", "avspec.trainers.launch", str(order)]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            for line in process.stdout or ():
                if line.startswith(PROGRESS):
                    job.progress(*json.loads(line.removeprefix(PROGRESS)))
        except BaseException:
            process.terminate()
            raise
    result = job.work / "result.json"
    if process.returncode or not result.is_file():
        tail = log.read_text().strip().splitlines()[-1:] or ["no message"]
        raise StageFailed(
            f"training of {job.domain} through accelerate failed: {tail[0]}", where=str(log), hint="read this log"
        )
    report: dict[str, Any] = json.loads(result.read_text())
    return report


def work(order: Path) -> None:
    """Be one of accelerate's processes: fit, and report if main."""
    from accelerate import PartialState

    from avspec.trainers.fitting import fit

    said = json.loads(order.read_text())
    job = _job(said["job"])
    report = fit(DPOOptions(**said["options"]), job, packed=said["packed"])
    if PartialState().is_main_process:
        (job.work / "result.json").write_text(json.dumps(report))


def _plain(job: TrainingJob) -> dict[str, Any]:
    fields = asdict(replace(job, progress=print))
    return {
        name: str(value) if isinstance(value, Path) else value for name, value in fields.items() if name != "progress"
    }


def _job(plain: dict[str, Any]) -> TrainingJob:
    for name in ("base", "out", "work", "logs"):
        plain[name] = Path(plain[name])
    for name in ("rows", "anchors", "validation"):
        plain[name] = [Row(**row) for row in plain[name]]

    def tell(done: int, total: int, note: str) -> None:
        print(PROGRESS + json.dumps([done, total, note]), flush=True)

    return TrainingJob(**{**plain, "accelerate": None}, progress=tell)


if __name__ == "__main__":
    work(Path(sys.argv[1]))
