"""The two DPO trainers as plugins; torch and TRL are imported when training starts."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from avspec.api import TrainingJob, TrainingOptions


class DPOOptions(TrainingOptions):
    """Options of both DPO trainers."""

    loss: Literal["ipo"] = "ipo"
    """IPO: the squared distance of the length-averaged margin from 1/(2 beta)."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the steps in which the learning rate rises from 0; afterwards it falls linearly to 0."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""


class PackedDPO:
    """TRL's DPOTrainer on packed rows: one forward gives every level of a row, and every adjacent pair."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[DPOOptions]] = DPOOptions
    packed: ClassVar[bool] = True
    reference: ClassVar[bool] = True

    def __init__(self, options: DPOOptions) -> None:
        self.options = options

    def train(self, job: TrainingJob) -> Mapping[str, Any]:
        """Align the base to the domain's highest level; see `avspec.api.Trainer`."""
        from avspec.trainers.launch import launch, launch_arguments

        if arguments := launch_arguments(job):
            return launch(self.options, job, arguments, packed=self.packed)
        from avspec.trainers.fitting import fit

        return fit(self.options, job, packed=self.packed)


class ReferenceDPO(PackedDPO):
    """TRL's DPOTrainer as it is, pair by pair: slower, and what the packed one is tested against."""

    packed: ClassVar[bool] = False
    reference: ClassVar[bool] = False
