"""The trainers' suite, on a trainer whose right answer is known: it adds a constant to the base."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import save_file

from avspec import api
from avspec.api import TrainingJob, TrainingOptions
from avspec.testing import check_trainer


class Shift:
    version: ClassVar[str] = "1"
    Options: ClassVar[type[api.Options]] = TrainingOptions
    dtype: ClassVar[torch.dtype] = torch.float32
    by: ClassVar[float] = 0.1

    def __init__(self, options: TrainingOptions) -> None: ...

    def train(self, job: TrainingJob) -> Mapping[str, Any]:
        from avspec.model.loading import load_model

        model, _ = load_model(job.base, device="cpu")
        weights = {name: (p.detach() + self.by).to(self.dtype) for name, p in model.named_parameters()}
        save_file(self.weights(weights), job.out / "model.safetensors")
        job.progress(1, 1, "")
        return {"rows": len(job.rows)}

    def weights(self, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return weights


def test_a_sound_trainer_passes(tmp_path: Path) -> None:
    check_trainer(Shift, tmp_path)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"Options": api.Options}, "must be a subclass of avspec.api.TrainingOptions"),
        ({"by": 0.0}, "changed no parameter"),
        ({"by": float("nan")}, "has a NaN or an infinity"),
        ({"dtype": torch.bfloat16}, "it must be float32"),
        ({"weights": lambda self, weights: dict(list(weights.items())[1:])}, "lacks parameters of the base"),
        ({"train": lambda self, job: {}}, "must report its progress"),
        ({"train": lambda self, job: job.progress(2, 1, "") or {}}, "more steps done than there are"),
        ({"train": lambda self, job: job.progress(1, 1, "") or {}}, "must write model.safetensors"),
    ],
)
def test_a_broken_trainer_is_told_why(tmp_path: Path, broken: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_trainer(type("Broken", (Shift,), broken), tmp_path)
