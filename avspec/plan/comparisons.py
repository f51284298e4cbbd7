"""What decides the results of stages that stand beside the way from data to behaviors: only the report reads them."""

from typing import Any, ClassVar, Literal

from avspec.plan.params import Params, SearchParams, Wanted


class CompareParams(SearchParams):
    """The same search by other samplers."""

    KIND: ClassVar[str] = "compare"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {**SearchParams.SPEC_PATHS, "compare": "search.compare"}
    sampler: Literal[""] = ""
    """None: whatever the spec's own sampler is, these searches are the same."""
    compare: dict[str, dict[str, Any]]
    """Samplers to search with, and their options."""

    def searches(self) -> dict[str, SearchParams]:
        """Return the search of each sampler, as it would be if the spec named that one."""
        common = {name: getattr(self, name) for name in SearchParams.model_fields}
        return {
            name: SearchParams(**{**common, "sampler": name, "options": options})
            for name, options in self.compare.items()
        }


class PromptingParams(Params):
    """Levels asked for in words, beside the knob (paper, tables 1-3)."""

    KIND: ClassVar[str] = "prompting"
    VERSION: ClassVar[int] = 2
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "levels": "{section}.*.levels",
        "domains": "domains",
        "instructions": "domains",
        "max_fluency_drop": "search.max_fluency_drop",
        "evaluators": "evaluation",
    }
    domains: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    """Levels of every domain and guardrail."""
    instructions: dict[str, dict[str, str]]
    """Domain to level to what stands before the query."""
    max_fluency_drop: float
    """Nats per token."""
    evaluators: tuple[dict[str, Any], ...]
    """As in the evaluation."""


class JointParams(Params):
    """One training run for a behavior of several domains (paper, section 6.2, table 5)."""

    KIND: ClassVar[str] = "joint"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "plugin": "training.plugin",
        "options": "training",
        "levels": "{section}.*.levels",
        "wanted": "behaviors",
    }
    behavior: str
    wanted: dict[str, str]
    """Domain to level, of the domains that the behavior names."""
    levels: dict[str, tuple[str, ...]]
    """Levels of every domain, least to most preferred."""
    plugin: str
    options: dict[str, Any]
    """Options of the trainer plugin; `anchors` is not used."""


class TargetParams(Params):
    """Another fine-tune of the base's architecture (paper, section 6.4)."""

    KIND: ClassVar[str] = "target"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {"target": "transfer.targets", "model": "transfer.targets"}
    target: str
    """As the spec says it."""
    model: dict[str, Any] | None = None
    """Of `hf:` and `path:`: fields of `BaseParams`."""
    trained: str | None = None
    """Of `align:`: address of the training whose weights it has."""
    weights: str | None = None
    """Of `run:`: key of the artifact of that training."""
    weights_path: str | None = None
    """The folder of that artifact, absolute; not part of the key."""
    base_path: str | None = None
    """The folder of the base that it was trained from, absolute; not part of the key."""

    def identity(self) -> dict[str, Any]:
        """Return all but where artifacts lie."""
        return self.model_dump(mode="json", exclude={"weights_path", "base_path"})


class TransferParams(Params):
    """One AV at a time on a target, over a coefficient range (paper, section 6.4)."""

    KIND: ClassVar[str] = "transfer"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "target": "transfer.targets",
        "step": "transfer.step",
        "low": "search.low",
        "high": "search.high",
        "levels": "{section}.*.levels",
        "domains": "domains",
    }
    target: str
    """As the spec says it."""
    domains: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    """Levels of every domain and guardrail."""
    step: float
    low: float
    high: float


class VariantsParams(Params):
    """What each variant of a spec comes to, beside the spec itself."""

    KIND: ClassVar[str] = "variants"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "guardrails": "guardrails.*.max_drop",
        "levels": "{section}.*.levels",
        "domains": "domains",
        "behaviors": "behaviors",
        "limits": "variants.*.search.max_fluency_drop",
        "blocks": "variants.*.search.granularity",
    }
    domains: tuple[str, ...]
    guardrails: dict[str, float]
    """Guardrail to its `max_drop`, a share; one that is only watched is not here."""
    levels: dict[str, tuple[str, ...]]
    """Levels of every domain and guardrail."""
    behaviors: dict[str, dict[str, Wanted]]
    """As in the search."""
    limits: dict[str, float]
    """Variant to its largest fluency drop, nats per token; the spec itself is `main`."""
    blocks: dict[str, int]
    """Variant to its number of blocks of layers."""
    places: dict[str, dict[str, str]]
    """Variant to the address that stands in it for each of the spec's own stages that are read here."""


class AgreementParams(Params):
    """How far those agree who said the level of responses (paper, section 3.3)."""

    KIND: ClassVar[str] = "agreement"
    VERSION: ClassVar[int] = 2
    SPEC_PATHS: ClassVar[dict[str, str]] = {"levels": "{section}.*.levels"}
    levels: dict[str, tuple[str, ...]]
    """Levels of every domain and guardrail."""
    files: dict[str, str]
    """Name to SHA-256 of each annotator's labels."""
    path: str
    """Folder of the annotations, absolute; not part of the key."""

    def identity(self) -> dict[str, Any]:
        """Return all but where the files lie; whose labels they are belongs to the result."""
        return self.model_dump(mode="json", exclude={"path"})
