"""The conformance suite of trainers: a short training run on the tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from avspec.api import Row, TrainingJob, TrainingOptions
from avspec.testing.requirements import build, require, require_json
from avspec.testing.tiny import tiny_model

_LEVELS = ("avoidance", "generic", "expert")


def check_trainer(cls: type[Any], folder: Path, **options: Any) -> None:
    """Check a trainer by aligning the tiny model to six medical rows with two legal anchors.

    Args:
        cls: The trainer.
        folder: An empty folder to work in.
        options: Options of the trainer.

    Raises:
        AssertionError: The contract of `avspec.api.Trainer` does not hold.
    """
    from safetensors.torch import load_file

    from avspec.model.loading import load_model

    fits = issubclass(getattr(cls, "Options", object), TrainingOptions)
    require(fits, f"{cls.__name__}.Options must be a subclass of avspec.api.TrainingOptions")
    reports: list[tuple[int, int]] = []
    job = _job(folder, reports)
    result = build(cls, {"learning_rate": 1e-3, **options}).train(job)
    require_json(result, "train()")
    require(bool(reports), "train() must report its progress")
    require(all(0 <= done <= total for done, total in reports), "train() reported more steps done than there are")
    file = job.out / "model.safetensors"
    require(file.is_file(), "train() must write model.safetensors into job.out")
    model, _ = load_model(job.base, device="cpu")
    base, aligned = dict(model.named_parameters()), load_file(file)
    missing = sorted(set(base) - set(aligned))
    require(not missing, f"model.safetensors lacks parameters of the base: {missing[:3]}")
    for name, parameter in base.items():
        weight = aligned[name]
        require(str(weight.dtype) == "torch.float32", f"the aligned {name} is {weight.dtype}, it must be float32")
        require(weight.shape == parameter.shape, f"the aligned {name} has shape {tuple(weight.shape)}")
        require(bool(weight.isfinite().all()), f"the aligned {name} has a NaN or an infinity")
    require(any(bool((aligned[n] != base[n]).any()) for n in base), "train() changed no parameter")


def _job(folder: Path, reports: list[tuple[int, int]]) -> TrainingJob:
    from avspec.domains.legal import Legal
    from avspec.domains.medical import Medical
    from avspec.model.loading import fetch

    base, out, work, logs = (folder / name for name in ("base", "out", "work", "logs"))
    for path in (base, out, work, logs):
        path.mkdir(parents=True)
    fetch(f"path:{tiny_model(folder / 'model')}", base, dtype="float32", device="cpu")
    rows: list[Row] = list(Medical(Medical.Options()).rows())[:7]
    return TrainingJob(
        domain="medical",
        levels={"medical": _LEVELS, "legal": _LEVELS},
        rows=rows[:6],
        anchors=list(Legal(Legal.Options()).rows())[:2],
        validation=rows[6:],
        base=base,
        out=out,
        work=work,
        logs=logs,
        device="cpu",
        progress=lambda done, total, note: reports.append((done, total)),
    )
