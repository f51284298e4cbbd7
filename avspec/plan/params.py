"""What decides the result of each kind of stage: one frozen model a kind.

Raise a kind's `VERSION` when its code gives other results for the same params: every stored artifact of that
kind is then made anew, with the reason `code-changed`. Settings that do not change results (device, scoring
batch, checkpoint interval) have no place here.
"""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from avspec.knobs import MODEL, blocks_of

Wanted = str | dict[str, str | float]
"""What a behavior wants of a domain: a level, or `{level, share, weight}` with what is not the default."""


class Params(BaseModel):
    """Base of all params; `SPEC_PATHS` names where in a spec each field is written, longest prefix first."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    KIND: ClassVar[str]
    VERSION: ClassVar[int]
    SPEC_PATHS: ClassVar[dict[str, str]] = {}

    def identity(self) -> dict[str, Any]:
        """Return the part that goes into the stage's key, as JSON."""
        return self.model_dump(mode="json")


class BaseParams(Params):
    """The base model."""

    KIND: ClassVar[str] = "base"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "base": "model.base",
        "revision": "model.base revision",
        "dtype": "model.dtype",
        "trust_remote_code": "model.trust_remote_code",
    }
    base: str
    """`hf:ID`, `path:ABSOLUTE FOLDER OR FILE` or `package:MODULE/FILE`, without the revision."""
    revision: str | None
    """What stands behind `@` of a `hf:` base, or `main`; null for the others."""
    dtype: str
    """Compute dtype: auto, float32, bfloat16 or float16."""
    trust_remote_code: bool = False
    files: dict[str, str | int] = {}
    """Fingerprint of the files, see `avspec.plan.fingerprint`."""


class TrainParams(Params):
    """One training run: the base aligned to the highest level of one domain."""

    KIND: ClassVar[str] = "train"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "plugin": "training.plugin",
        "options": "training",
        "levels": "{section}.*.levels",
        "lenders": "training.anchors lenders",
    }
    domain: str
    plugin: str
    options: dict[str, Any]
    """Options of the trainer plugin, defaults filled in."""
    levels: dict[str, tuple[str, ...]]
    """Levels of the domain itself and of each lender."""
    lenders: tuple[str, ...] = ()
    """The other domains, whose training rows may be anchors; empty when `anchors` is 0."""


class ExtractParams(Params):
    """One alignment vector from aligned and base weights."""

    KIND: ClassVar[str] = "extract"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {"plugin": "extraction.plugin", "options": "extraction"}
    domain: str
    plugin: str
    options: dict[str, Any] = {}


class SweepParams(Params):
    """One AV at a time over its coefficient range (paper, tables 1-4)."""

    KIND: ClassVar[str] = "sweep"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "step": "sweep.step",
        "low": "search.low",
        "high": "search.high",
        "levels": "{section}.*.levels",
        "domains": "domains",
    }
    domains: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    """Levels of every domain and guardrail."""
    step: float
    low: float
    high: float


class GranularParams(Params):
    """What depends on how many coefficients a domain has."""

    granularity: str = MODEL
    """`model`, or `blocks(N)`."""

    def identity(self) -> dict[str, Any]:
        """Return all but a granularity that is the default: a search without blocks is what it always was."""
        return self.model_dump(mode="json", exclude={"granularity"} if self.granularity == MODEL else set())

    @property
    def blocks(self) -> int:
        """Return the number of blocks of layers."""
        return blocks_of(self.granularity)


class SearchParams(GranularParams):
    """The search for the coefficients of every behavior."""

    KIND: ClassVar[str] = "search"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "sampler": "search.sampler",
        "options": "search.sampler",
        "granularity": "search.granularity",
        "evaluations": "search.evaluations",
        "low": "search.low",
        "high": "search.high",
        "max_fluency_drop": "search.max_fluency_drop",
        "seed": "search.seed",
        "guardrails": "guardrails.*.max_drop",
        "levels": "{section}.*.levels",
        "domains": "domains",
        "behaviors": "behaviors",
    }
    domains: tuple[str, ...]
    guardrails: dict[str, float] = {}
    """Guardrail to its `max_drop`, a share; one that is only watched is not here."""
    levels: dict[str, tuple[str, ...]]
    """Levels of every domain and guardrail."""
    sampler: str
    options: dict[str, Any] = {}
    """Options of the sampler plugin, defaults filled in."""
    evaluations: int
    low: float
    high: float
    max_fluency_drop: float
    """Nats per token."""
    seed: int
    behaviors: dict[str, dict[str, Wanted]]
    """Name to what it wants of each domain it names, the atlas's combinations included."""


class EvaluateParams(GranularParams):
    """The measurement of every behavior found, on the test split."""

    KIND: ClassVar[str] = "evaluate"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "guardrails": "guardrails.*.max_drop",
        "levels": "{section}.*.levels",
        "domains": "domains",
        "behaviors": "behaviors",
        "named": "behaviors",
        "max_fluency_drop": "search.max_fluency_drop",
        "granularity": "search.granularity",
        "evaluators": "evaluation",
    }
    domains: tuple[str, ...]
    guardrails: dict[str, float | None]
    """Guardrail to its `max_drop`, a share; null is only watched."""
    levels: dict[str, tuple[str, ...]]
    behaviors: dict[str, dict[str, Wanted]]
    """As in the search."""
    named: tuple[str, ...]
    """The behaviors the spec names itself; the others come from the atlas."""
    max_fluency_drop: float
    evaluators: tuple[dict[str, Any], ...]
    """Each `{"name": plugin, "options": {...}}`, in the spec's order."""


class ReportParams(Params):
    """The report."""

    KIND: ClassVar[str] = "report"
    VERSION: ClassVar[int] = 3
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "name": "name",
        "model": "model.base",
        "guardrails": "guardrails.*.max_drop",
        "levels": "{section}.*.levels",
        "domains": "domains",
        "behaviors": "behaviors",
        "named": "behaviors",
        "atlas": "atlas",
        "step": "sweep.step",
        "low": "search.low",
        "high": "search.high",
    }
    name: str
    model: str
    """The base as the spec writes it."""
    domains: tuple[str, ...]
    guardrails: dict[str, float | None]
    levels: dict[str, tuple[str, ...]]
    behaviors: dict[str, dict[str, Wanted]]
    named: tuple[str, ...]
    atlas: bool
    step: float
    low: float
    high: float
    variants: dict[str, dict[str, Any]] = {}
    """Variant to what it says, leaf by leaf: `training.anchors` to 0; empty where there are none."""

    def identity(self) -> dict[str, Any]:
        """Return all but sections that a spec does not have: a report without them is what it always was."""
        return self.model_dump(mode="json", exclude=set() if self.variants else {"variants"})
