"""What a plugin author imports: records, and one Protocol per kind of plugin.

A plugin is a class that an entry point names in one of the `avspec.*` groups. It has `version` (raise it when its
results change), `Options` (what a spec may write beside `plugin:`), takes its options as the only argument,
and has at most three methods. It is handed data, never the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import numpy as np
    import optuna
    import torch
    from numpy.typing import NDArray

    LogProbs = NDArray[np.float64]
    """Mean token log-probs of one domain, `[rows, levels]`, in nats per token."""


def __getattr__(name: str) -> Any:
    """Make `LogProbs` on first use: numpy takes longer to import than a spec to check."""
    if name == "LogProbs":
        import numpy as np
        from numpy.typing import NDArray

        return NDArray[np.float64]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Options(BaseModel):
    """Base of every plugin's options: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One query with one response per level."""

    id: str
    domain: str
    query: str
    responses: Mapping[str, str]
    """Level to response."""
    source: str = ""
    """Where the row came from, `file:line`."""


class Domain(Protocol):
    """A subject whose preference levels a spec steers, or only watches as a guardrail."""

    version: ClassVar[str]
    Options: ClassVar[type[Options]]
    levels: ClassVar[tuple[str, ...]]
    """The levels of its rows, least to most preferred."""

    def files(self) -> Sequence[Path]:
        """Return the files whose bytes decide the rows; `plan` hashes them."""
        ...

    def rows(self) -> Iterable[Row]:
        """Return the rows that come with the plugin."""
        ...


class JsonlDomain:
    """A domain whose rows are a JSONL file beside its code: set `levels` and `file`, and it is done."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options
    levels: ClassVar[tuple[str, ...]]
    file: ClassVar[Path]

    def __init__(self, options: BaseModel) -> None:
        self.options = options

    def files(self) -> Sequence[Path]:
        """Return the one file."""
        return (self.file,)

    def rows(self) -> Iterable[Row]:
        """Read the file.

        Raises:
            DataError: The file has broken rows; each is named with its line.
        """
        from avspec.rows import read_rows

        return read_rows(self.file, self.levels)


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
    """Turns aligned and base weights into an Alignment Vector."""

    version: ClassVar[str]
    Options: ClassVar[type[Options]]

    def extract(
        self, base: Mapping[str, torch.Tensor], aligned: Mapping[str, torch.Tensor]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield each parameter's name and its float32 delta, one at a time."""
        ...


class Subject(Protocol):
    """A model with its knobs set, as an evaluator sees it; rows are those of the test split."""

    @property
    def coefficients(self) -> Mapping[str, float]:
        """Return the coefficient of every domain; all zero is the base."""
        ...

    @property
    def wanted(self) -> Mapping[str, str]:
        """Return the behavior being evaluated, domain to level; empty for the base."""
        ...

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Return each domain's and guardrail's levels."""
        ...

    def rows(self, domain: str) -> Sequence[Row]:
        """Return the domain's test rows."""
        ...

    def log_probs(self, domain: str) -> LogProbs:
        """Return mean token log-probs, `[rows, levels]`, nats per token."""
        ...

    def generate(self, domain: str, rows: int, max_new_tokens: int) -> Sequence[str]:
        """Return greedy answers to the queries of the first `rows` test rows."""
        ...


class Evaluator(Protocol):
    """Measures a model with its knobs set."""

    version: ClassVar[str]
    Options: ClassVar[type[Options]]

    def evaluate(self, subject: Subject) -> Mapping[str, Mapping[str, Any]]:
        """Return, for each domain, what was measured, as JSON."""
        ...


@dataclass(frozen=True)
class SearchSpace:
    """What a sampler needs to know to propose coefficients."""

    domains: tuple[str, ...]
    low: float
    high: float
    seed: int
    evaluations: int
    """How many evaluations the study may make in all, the sweep's included."""
    behaviors: tuple[str, ...]
    """Names of the behaviors, in the order of the study's objectives."""


class Sampler(Protocol):
    """Proposes coefficient vectors."""

    version: ClassVar[str]
    Options: ClassVar[type[Options]]

    def create(self, space: SearchSpace) -> optuna.samplers.BaseSampler:
        """Return the Optuna sampler; trials have one float parameter per domain, named after it.

        It may have two more methods: `finished(study)` returns why there is nothing left to propose, or None, and
        `prune(study, trial, log_probs)` an `avspec.search.blocks.Pruned` to stop an evaluation of which nothing
        will come after a part of its rows, or None.
        """
        ...
