"""The stages that stand beside the way from data to behaviors: only the report reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avspec import registry
from avspec.annotation.labels import FOLDER
from avspec.knobs import blocks_of
from avspec.plan.comparisons import AgreementParams, CompareParams, JointParams, PromptingParams, VariantsParams
from avspec.plan.parts import evaluators, folder_of, levels, limits, plugin, steered
from avspec.plan.stage import Stage
from avspec.plan.targets import alignment, slugs, target_stage, transfer_stage
from avspec.plan.variants import Places
from avspec.spec.model import MAIN
from avspec.synthesis.domain import domain_prompts
from avspec.synthesis.recipe import Recipe
from avspec.synthesis.responses import instruction, mean_words

if TYPE_CHECKING:
    from avspec.spec import LoadedSpec, Spec


def compare(spec: Spec, main: Sequence[Stage]) -> Stage:
    """Return the search by other samplers, which is otherwise the one among the spec's own stages."""
    search = next(stage for stage in main if stage.kind == "search")
    common = search.params.model_dump(exclude={"sampler", "options"})
    params = CompareParams(**common, compare={each.plugin: each.options for each in spec.search.compare})
    plugins = tuple(plugin("samplers", each.plugin) for each in spec.search.compare)
    return Stage(params, inputs=search.inputs, plugins=plugins)


def prompting(spec: Spec) -> Stage:
    """Return the baseline that asks for each level in words."""
    instructions = {}
    for name, section in spec.domains.items():
        prompts = domain_prompts(registry.load("domains", section.plugin), section.options, spec.levels_of(name))
        words = round(mean_words(Recipe()))
        instructions[name] = {level: instruction(prompts, level, words) for level in spec.levels_of(name)}
    params = PromptingParams(
        domains=tuple(spec.domains),
        levels=levels(spec),
        instructions=instructions,
        max_fluency_drop=spec.search.max_fluency_drop,
        evaluators=evaluators(spec),
    )
    plugins = tuple(plugin("evaluators", each.plugin) for each in spec.evaluation)
    return Stage(params, inputs=(*steered(spec), "sweep"), plugins=plugins)


def joint(spec: Spec, name: str) -> Stage:
    """Return the baseline that trains one behavior of several domains at once."""
    training = spec.training
    params = JointParams(
        behavior=name,
        wanted=spec.wanted_of(name),
        levels={domain: spec.levels_of(domain) for domain in spec.domains},
        plugin=training.plugin,
        options=training.options,
    )
    data = (f"data[{domain}]" for domain in spec.domains)
    return Stage(params, name, ("base", *data), (plugin("trainers", training.plugin),))


def targets(loaded: LoadedSpec, run_dir: Path) -> Iterator[Stage]:
    """Yield the models that vectors are tried on, and before them the trainings that only these need."""
    spec, named = loaded.spec, loaded.spec.transfer.targets
    for name in (target.removeprefix("align:") for target in named if target.startswith("align:")):
        if name in spec.guardrails:
            trainer = plugin("trainers", spec.training.plugin)
            yield Stage(alignment(spec, name), name, ("base", f"data[{name}]"), (trainer,))
    folder = folder_of(loaded, "transfer.targets")
    for target, slug in zip(named, slugs(named), strict=True):
        yield target_stage(loaded, target, slug, folder, run_dir)


def transfers(spec: Spec) -> Iterator[Stage]:
    """Yield the sweep of each vector on each target."""
    named = spec.transfer.targets
    for target, slug in zip(named, slugs(named), strict=True):
        yield transfer_stage(spec, target, slug)


def agreement(spec: Spec, run_dir: Path, labels: dict[str, str]) -> Stage:
    """Return how far people agree who labeled responses of this run; labels are file name to SHA-256."""
    return Stage(AgreementParams(levels=levels(spec), files=labels, path=str((run_dir / FOLDER).resolve())))


def variants(loaded: LoadedSpec, places: Places) -> Stage:
    """Return what lays the variants beside the spec; it reads what their searches found and what that comes to."""
    spec = loaded.spec
    read = (*steered(spec), "sweep", "search", "evaluate")
    found = {MAIN: {address: address for address in read}}
    found |= {name: {address: where[address] for address in read} for name, where in places.items()}
    specs = {MAIN: spec, **{name: variant.spec for name, variant in loaded.variants.items()}}
    params = VariantsParams(
        domains=tuple(spec.domains),
        guardrails=limits(spec),
        levels=levels(spec),
        behaviors=spec.all_behaviors(),
        limits={name: each.search.max_fluency_drop for name, each in specs.items()},
        blocks={name: blocks_of(each.search.granularity) for name, each in specs.items()},
        places=found,
    )
    return Stage(params, inputs=tuple(dict.fromkeys(address for where in found.values() for address in where.values())))
