"""From rows to an Alignment Vector: trainers and extractors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import Field

from avspec.api.options import Options
from avspec.api.rows import Row

if TYPE_CHECKING:
    import torch


class TrainingOptions(Options):
    """What every trainer understands (paper, section 5.3)."""

    beta: float = Field(0.1, gt=0)
    """IPO regularization; the target margin is 1/(2 beta) nats per token (Azar et al., eq. 17)."""
    epochs: int = Field(1, ge=1)
    """Passes over the training rows."""
    batch_size: int = Field(4, ge=1)
    """Rows per optimizer step on each device."""
    learning_rate: float = Field(1e-6, gt=0)
    """Peak learning rate of AdamW."""
    anchors: float = Field(0.5, ge=0, lt=1)
    """Share of anchors, rows of the other domains, among all training rows; 0 is the paper's form."""
    validation: float = Field(0.03, gt=0, lt=1)
    """Share of the training rows kept for the validation loss, at least one row."""
    seed: int = 0
    """Order of the rows, choice of anchors."""


@dataclass(frozen=True)
class TrainingJob:
    """Everything a trainer gets to align the base to the highest level of one domain."""

    domain: str
    base: Path
    """Folder of the base artifact; open it with `avspec.model.loading.load_model`."""
    levels: Mapping[str, tuple[str, ...]]
    """Domain to its levels, for the domain itself and every domain that lends anchors."""
    rows: Sequence[Row]
    anchors: Sequence[Row]
    validation: Sequence[Row]
    out: Path
    """Folder to write `model.safetensors` (float32) into."""
    work: Path
    """Folder that survives an interruption: checkpoints."""
    logs: Path
    """Folder for TensorBoard files."""
    reference: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    """Domain to row id to the base's mean token log-prob of each level, nats per token, for every row of this job.

    Empty but for a trainer that asks for it with a class attribute `reference = True`.
    """
    device: str = "auto"
    accelerate: Path | None = None
    """A configuration file of `accelerate config`; the training is then launched by accelerate."""
    checkpoint_steps: int = 0
    """Optimizer steps between checkpoints in `work`; 0 makes none."""
    progress: Callable[[int, int, str], None] = field(default=lambda done, total, note: None)


class Trainer(Protocol):
    """Aligns the base to one domain (paper, section 4.1)."""

    version: ClassVar[str]
    Options: ClassVar[type[TrainingOptions]]

    def train(self, job: TrainingJob) -> Mapping[str, Any]:
        """Write the aligned weights and return what the report says about the training, as JSON.

        Raises:
            NonFinite: The loss became NaN or infinite.
        """
        ...


class Extractor(Protocol):
    """Turns aligned and base weights into an Alignment Vector.

    One that also needs the weights of the run's other domains says so with a class attribute `others = True`; its
    `extract` then takes them as a third argument, domain to aligned weights, read from disk when they are used. It may
    have a method `kept`, asked after the extraction, that returns what share of the delta is in the vector, such as
    `{"entries": 0.2, "energy": 0.7}`; the report shows it.
    """

    version: ClassVar[str]
    Options: ClassVar[type[Options]]

    def extract(
        self, base: Mapping[str, torch.Tensor], aligned: Mapping[str, torch.Tensor]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield each parameter's name and its float32 delta, one at a time."""
        ...
