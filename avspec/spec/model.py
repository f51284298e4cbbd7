"""The spec as frozen records. Each field's docstring is its help and its text in the JSON Schema."""

from __future__ import annotations

from itertools import product
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from avspec import registry
from avspec.api import Row
from avspec.domains.reading import domain_rows
from avspec.rows import limited
from avspec.spec.data import Data, Domain, Guardrail, Levels
from avspec.spec.plugin import PluginSection
from avspec.spec.section import Section
from avspec.spec.source import Path
from avspec.spec.synthesis import Synthesis
from avspec.spec.wanted import Wanted

NAME = r"^[a-z][a-z0-9_-]*$"
"""What a domain, a guardrail and a behavior may be called."""

MAIN = "main"
"""What the spec itself is called beside its variants."""

PLUGIN_SECTIONS: dict[Path, str] = {
    ("domains", "*"): "domains",
    ("guardrails", "*"): "domains",
    ("domains", "*", "data", "provider"): "providers",
    ("guardrails", "*", "data", "provider"): "providers",
    ("synthesis", "provider"): "providers",
    ("training",): "trainers",
    ("extraction",): "extractors",
    ("evaluation", "*"): "evaluators",
    ("search", "sampler"): "samplers",
    ("search", "compare", "*"): "samplers",
}
"""Sections that name a plugin and hold its options, with the plugin's group; `*` is any key or index."""


def group_of(path: Path) -> str | None:
    """Return the group of the plugin that the section at a path names, if it is such a section."""
    return next((group for pattern, group in PLUGIN_SECTIONS.items() if _fits(path, pattern)), None)


def _fits(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(want in (part, "*") for part, want in zip(path, pattern, strict=True))


class Model(Section):
    """The model to steer."""

    base: str = Field(pattern=r"^(hf:[^@\s]+(@\S+)?|path:.+|package:[\w.]+/.+)$")
    """`hf:ID[@revision]`, `path:DIR` or `package:MODULE/FILE.gguf`."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Compute dtype; auto is bfloat16 where the machine's bfloat16 matrix products are faster, else float32."""
    trust_remote_code: bool = False
    """Run code that comes with the model's files."""


class Training(PluginSection):
    """How a domain's alignment is trained; the trainer's own options stand beside these keys."""

    plugin: str = "dpo"
    """Name of an installed trainer."""
    accelerate: str | None = None
    """An accelerate config file, from the spec's folder, to train on several GPUs."""
    checkpoint_steps: int = Field(default=0, ge=0)
    """Optimizer steps between checkpoints; 0 writes none."""


class Extraction(PluginSection):
    """How an alignment vector is taken from aligned and base weights."""

    plugin: str = "difference"
    """Name of an installed extractor."""


class Sweep(Section):
    """Coefficients of one alignment vector at a time, from `search.low` to `search.high`."""

    step: float = Field(default=0.1, gt=0)
    """Distance of two coefficients; the paper's is 0.1."""


class Search(Section):
    """The search for the coefficients of every behavior."""

    sampler: PluginSection = PluginSection(plugin="response-surface")
    """Name of an installed sampler, or `{plugin: NAME}` with its options."""
    compare: tuple[PluginSection, ...] = ()
    """Other samplers that search with as many evaluations, to see how many behaviors they find; none by default."""
    granularity: str = Field(default="model", pattern=r"^(model|blocks\([1-9]\d*\))$")
    """`model`: one coefficient for each domain; `blocks(N)`: one for each domain and each of N blocks of layers."""
    evaluations: int = Field(default=60, ge=1)
    """Evaluations in all, the sweep's included."""
    low: float = -1.5
    """Smallest coefficient."""
    high: float = 1.0
    """Largest coefficient."""
    max_fluency_drop: float = Field(default=0.5, gt=0)
    """How far the mean log-prob of the wanted responses may fall below the base's, in nats per token."""
    seed: int = 0
    """Seed of the sampler."""


class Baselines(Section):
    """The paper's two baselines, measured beside the knobs (sections 5.2 and 6.2)."""

    prompting: bool = False
    """Ask for each level in words before the query, and lay it beside the knob that is best for that level."""
    joint: tuple[str, ...] = ()
    """Behaviors for which a model is trained in one run, with the wanted level preferred in each domain."""


Target = Annotated[str, Field(pattern=r"^(hf:[^@\s]+(@\S+)?|path:.+|run:[\w.-]+(/[\w-]+)?|align:[\w-]+)$")]


class Transfer(Section):
    """Other fine-tunes of the same architecture that the alignment vectors are tried on (paper, section 6.4)."""

    targets: tuple[Target, ...] = ()
    """`hf:ID[@revision]` or `path:DIR`: a model; `run:NAME[/DOMAIN]`: what another run aligned to a domain;
    `align:NAME`: the base, aligned by this spec to one of its own domains or guardrails."""
    step: float | None = Field(default=None, gt=0)
    """Distance of two coefficients; without it the sweep's."""


class Variant(Section):
    """Sections laid over the spec's own, as if a spec extended it."""

    training: dict[str, Any] | str | None = None
    """What is otherwise in `training`."""
    extraction: dict[str, Any] | str | None = None
    """What is otherwise in `extraction`."""
    sweep: dict[str, Any] | None = None
    """What is otherwise in `sweep`."""
    search: dict[str, Any] | None = None
    """What is otherwise in `search`."""

    def changes(self) -> dict[str, Any]:
        """Return what it says, leaf by leaf: `training.anchors` to 0."""
        said: dict[str, Any] = {}
        for section, value in self.model_dump(mode="json", exclude_none=True).items():
            said |= (
                {f"{section}.{key}": leaf for key, leaf in value.items()}
                if isinstance(value, dict)
                else {section: value}
            )
        return said


class Spec(Section):
    """What to align, and which behaviors to find."""

    apiVersion: Literal["avspec/v1"]
    """Version of the format: `avspec/v1`."""
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    """Name of the run: results are in `runs/NAME`."""
    model: Model
    """The model to steer."""
    levels: Levels | None = None
    """Levels of every domain that names none itself, least to most preferred; guardrails keep their own."""
    domains: dict[str, Domain] = Field(min_length=1)
    """The domains to steer, by name."""
    guardrails: dict[str, Guardrail] = Field(default={})
    """Domains that are only watched, by name."""
    data: Data = Data()
    """Splits, and how many rows."""
    synthesis: Synthesis = Synthesis()
    """Rows written by a language model, where a domain says `data: {source: synthesize}`."""
    training: Training = Training()
    """How alignment is trained."""
    extraction: Extraction = Extraction()
    """How alignment vectors are taken."""
    evaluation: tuple[PluginSection, ...] = (
        PluginSection(plugin="preference-accuracy"),
        PluginSection(plugin="repetition"),
    )
    """What is measured of every behavior."""
    sweep: Sweep = Sweep()
    """One alignment vector at a time."""
    search: Search = Search()
    """All of them together."""
    behaviors: dict[str, dict[str, Wanted]] = Field(default={})
    """Behaviors by name: for each domain it names a level, or `{level, share, weight}`; the others are free."""
    atlas: bool = False
    """Also find every combination of levels of all domains."""
    baselines: Baselines = Baselines()
    """Other ways to one behavior: prompting and joint training."""
    transfer: Transfer = Transfer()
    """Other models to try the alignment vectors on."""
    variants: dict[str, Variant] = Field(default={})
    """Other ways to the same behaviors, by name: trained, extracted or searched otherwise, and laid beside."""

    _files: dict[str, FilePath] = PrivateAttr(default_factory=dict)
    _personas: dict[str, FilePath] = PrivateAttr(default_factory=dict)
    _rows: dict[str, list[Row]] = PrivateAttr(default_factory=dict)

    def synthesized(self) -> tuple[str, ...]:
        """Return the domains and guardrails whose rows a language model writes."""
        return tuple(
            name for name in (*self.domains, *self.guardrails) if self.section(name).data.source == "synthesize"
        )

    def personas_of(self, name: str) -> FilePath | None:
        """Return the file that the personas of a synthesized domain are drawn from, if it is one on this disk."""
        return self._personas.get(name)

    def section(self, name: str) -> Domain:
        """Return the section of a domain or guardrail."""
        return self.domains.get(name) or self.guardrails[name]

    def levels_of(self, name: str) -> tuple[str, ...]:
        """Return the levels of a domain or guardrail of a checked spec, least to most preferred."""
        levels = self.section(name).levels
        assert levels is not None, "a checked spec has every level filled in"
        return levels

    def all_behaviors(self) -> dict[str, dict[str, str | dict[str, Any]]]:
        """Return the named behaviors, as short as a spec can say them, and with `atlas` every other combination.

        A combination is named after its levels in domain order: `medical=expert,legal=generic`. A behavior that
        wants more than levels does not stand for the combination of its levels.
        """
        behaviors = {name: {d: w.written() for d, w in behavior.items()} for name, behavior in self.behaviors.items()}
        if self.atlas:
            named = [behavior for behavior in behaviors.values() if len(behavior) == len(self.domains)]
            for levels in product(*(self.levels_of(name) for name in self.domains)):
                combination: dict[str, str | dict[str, Any]] = dict(zip(self.domains, levels, strict=True))
                if combination not in named:
                    behaviors[",".join(f"{name}={level}" for name, level in combination.items())] = combination
        return behaviors

    def wanted_of(self, behavior: str) -> dict[str, str]:
        """Return the level that a behavior, the atlas's combinations included, wants of each domain it names."""
        wanted = self.all_behaviors()[behavior].items()
        return {domain: each if isinstance(each, str) else str(each["level"]) for domain, each in wanted}

    def files_of(self, name: str) -> list[FilePath]:
        """Return the files whose bytes decide the rows of a domain or guardrail.

        Raises:
            PluginError: The domain plugin cannot be used.
        """
        section = self.section(name)
        if section.data.source == "file":
            return [self._files[name]]
        if section.data.source == "synthesize":
            return []
        return list(registry.create("domains", section.plugin, section.options).files())

    def rows_of(self, name: str) -> list[Row]:
        """Return the rows of a domain or guardrail, as many as `data.rows` allows.

        Raises:
            DataError: A file has broken rows.
            NoInput: The file is not there.
            PluginError: The domain plugin cannot be used.
        """
        if name not in self._rows:
            section = self.section(name)
            path = self._files[name] if section.data.source == "file" else None
            rows = domain_rows(name, self.levels_of(name), plugin=section.plugin, options=section.options, path=path)
            self._rows[name] = limited(rows, self.data.split.model_dump(), self.data.limit)
        return self._rows[name]
