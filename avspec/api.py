"""What a plugin author imports: records, and one Protocol per kind of plugin.

A plugin is a class that an entry point names in one of the `avspec.*` groups. It has `version` (raise it when its
results change), `Options` (what a spec may write beside `plugin:`), takes its options as the only argument,
and has at most three methods. It is handed data, never the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

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
    """A subject whose preference levels a spec steers, or only watches as a guardrail.

    For rows that an LLM writes (`source: synthesize`) it may also have `slots`, a mapping of what the prompts say about
    it (`avspec.synthesis.prompts` lists the names), and `prompts`, a folder with templates that replace ours of the
    same file name.
    """

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

    def training_rows(self, domain: str) -> Sequence[Row]:
        """Return the domain's rows of the training split, for judges that have to learn."""
        ...

    def ask(self, provider: str, options: Mapping[str, Any], requests: Sequence[Request]) -> Sequence[Answer]:
        """Return a language model's answers in the order of the requests; each is asked for, and paid, once.

        Args:
            provider: Name of the provider plugin.
            options: Its options.
            requests: What to ask.
        """
        ...


class Evaluator(Protocol):
    """Measures a model with its knobs set."""

    version: ClassVar[str]
    Options: ClassVar[type[Options]]

    def evaluate(self, subject: Subject) -> Mapping[str, Mapping[str, Any]]:
        """Return, for each domain, what was measured, as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a language model."""

    prompt: str
    """The user's turn."""
    system: str = ""
    """The system's turn; empty for none."""
    max_tokens: int = 1024
    """Longest answer, tokens."""
    schema: Mapping[str, Any] | None = None
    """JSON Schema that the answer should follow; None for free text. The prompt asks for that JSON in words, too: a
    provider without structured output ignores the schema."""
    seed: int = 0
    """Tells apart requests that are otherwise alike; a provider that can seed its sampling uses it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a language model said to one request."""

    text: str
    stop: Literal["end", "length", "refusal"] = "end"
    """Why it ended: by itself, at `max_tokens`, or because the model or its provider declined."""
    input_tokens: int = 0
    output_tokens: int = 0


class Batches(Protocol):
    """A provider's batch API: cheaper, and done within hours."""

    async def submit(self, name: str, requests: Mapping[str, Request]) -> str:
        """Hand in requests by their digests, under a name of our own, and return the provider's id of the batch.

        Raises:
            ProviderError: It was not accepted.
        """
        ...

    async def find(self, name: str, requests: Mapping[str, Request], since: datetime) -> str | None:
        """Return the id of a batch that was handed in under this name at or after a time, or None if there is none.

        Asked after a crash between handing in and writing down, so that nothing is handed in, and paid, twice.
        """
        ...

    async def collect(self, batch: str) -> Mapping[str, Answer | None] | None:
        """Return the answers by digest, None for one that failed; None for the whole while the batch is not done.

        Raises:
            BatchLost: The batch is gone, expired without answers or was cancelled: it may be handed in anew.
            ProviderError: The provider could not be asked; the batch may still be there.
        """
        ...


class Provider(Protocol):
    """A language model that answers requests, over the network or in this process.

    `model` is its name, under which prices are found. `delivery` names the options that do not change what is
    answered, only how (concurrency, timeouts, addresses, batch mode): they are left out of every digest.
    An optional attribute `batches` is its batch API, an `avspec.api.Batches`.
    """

    version: ClassVar[str]
    Options: ClassVar[type[ProviderOptions]]
    delivery: ClassVar[frozenset[str]]

    @property
    def model(self) -> str:
        """Return the model's name."""
        ...

    async def answer(self, request: Request) -> Answer:
        """Return the answer, after as many retries as the options allow.

        Called up to `options.concurrency` times at once, always from one event loop.

        Raises:
            ProviderError: No key, a wrong model, a request the provider does not take, or no answer after all retries.
        """
        ...

    async def close(self) -> None:
        """Let go of connections or models."""
        ...


class ProviderOptions(Options):
    """What every provider understands."""

    model: str
    """Name of the model."""
    concurrency: int = Field(8, ge=1)
    """Requests on their way at once."""
    mode: Literal["live", "batch"] = "live"
    """`live`: one request at a time each; `batch`: the provider's batch API, cheaper and done within hours."""
    poll: float = Field(60, gt=0)
    """Seconds between two looks at a batch."""


@dataclass(frozen=True)
class SearchSpace:
    """What a sampler needs to know to propose coefficients."""

    domains: tuple[str, ...]
    """The knobs, each a coefficient: domains, or with blocks of layers `medical/1`, `medical/2`, ..."""
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
