"""Spec to stages.

    base -> data[d] -> train[d] -> extract[d] -> sweep -> search -> evaluate -> report
    synthesize[d] -> clean[d] -> data[d], where a language model writes the rows
    data[d] -> card[d] -> report
    sweep -> compare -> report, where the spec compares samplers
    agreement -> report, where people labeled responses of this run
    sweep -> prompting -> report, and data[d] -> joint[b] -> report, where the spec asks for these baselines
    target[t] -> transfer[t] -> report, where the spec names targets
    variants -> report, where the spec has variants: those of their stages that are others, up to evaluate, come before

Each stage also reads what its own function below lists; a stage's key changes with any of its inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspec import registry
from avspec.annotation.labels import FOLDER, fingerprint
from avspec.digest import file_digest
from avspec.errors import NoInput
from avspec.knobs import blocks_of
from avspec.plan.comparisons import AgreementParams, CompareParams, JointParams, PromptingParams, VariantsParams
from avspec.plan.fingerprint import base_params
from avspec.plan.params import (
    CardParams,
    CleanParams,
    DataParams,
    EvaluateParams,
    ExtractParams,
    ReportParams,
    SearchParams,
    SweepParams,
    SynthesizeParams,
    TrainParams,
)
from avspec.plan.stage import Stage
from avspec.plan.targets import alignment, slugs, target_stage, transfer_stage
from avspec.plan.variants import Places, distinct
from avspec.spec.model import MAIN
from avspec.spec.synthesis import recipe
from avspec.synthesis.domain import domain_prompts
from avspec.synthesis.recipe import Recipe
from avspec.synthesis.responses import instruction, mean_words

if TYPE_CHECKING:
    from avspec.spec import LoadedSpec, Spec


def compile_spec(loaded: LoadedSpec, run_dir: Path | None = None) -> tuple[Stage, ...]:
    """Return every stage of a spec in topological order, in the spec's order where that leaves a choice.

    Args:
        loaded: The spec.
        run_dir: The run folder, where annotators' labels are, if there are any.

    Raises:
        ModelError: The base is on this disk by name only.
        NoInput: A file of rows is not there.
        PluginError: A plugin is unknown, claimed twice or broken.
    """
    spec = loaded.spec
    labels = fingerprint(run_dir) if run_dir else {}
    main = _pipeline(loaded)
    others, places = distinct(main, {name: _pipeline(variant) for name, variant in loaded.variants.items()})
    return (
        *main,
        *([_compare(spec)] if spec.search.compare else []),
        *([_agreement(spec, run_dir, labels)] if run_dir and labels else []),
        *([_prompting(spec)] if spec.baselines.prompting else []),
        *(_joint(spec, name) for name in spec.baselines.joint),
        *_transfers(loaded, run_dir or Path("runs") / spec.name),
        *others,
        *([_variants(loaded, places)] if places else []),
        _report(spec, labels),
    )


def _pipeline(loaded: LoadedSpec) -> tuple[Stage, ...]:
    """Return the stages from the base to the behaviors as measured."""
    spec = loaded.spec
    names = [*spec.domains, *spec.guardrails]
    return (
        _base(loaded),
        *(stage for name in spec.synthesized() for stage in (_synthesize(spec, name), _clean(spec, name))),
        *(_data(spec, name) for name in names),
        *(_card(spec, name) for name in names),
        *(_train(spec, domain) for domain in spec.domains),
        *(_extract(spec, domain) for domain in spec.domains),
        _sweep(spec),
        _search(spec),
        _evaluate(spec),
    )


def _base(loaded: LoadedSpec) -> Stage:
    model, folder = loaded.spec.model, _folder_of(loaded, "model.base")
    return Stage(base_params(model.base, model.dtype, model.trust_remote_code, folder))


def _folder_of(loaded: LoadedSpec, leaf: str) -> Path:
    """Return where a relative path starts: at the file that names it, which may be one the spec extends."""
    file, _, line = loaded.origins.get(leaf, "").rpartition(":")
    return Path(file).parent if line.isdigit() else loaded.path.parent


def _transfers(loaded: LoadedSpec, run_dir: Path) -> Iterator[Stage]:
    """Yield each target with the sweep on it, and before them the trainings that only targets need."""
    spec, targets = loaded.spec, loaded.spec.transfer.targets
    aligned = [target.removeprefix("align:") for target in targets if target.startswith("align:")]
    for name in aligned:
        if name in spec.guardrails:
            plugin = _plugin("trainers", spec.training.plugin)
            yield Stage(alignment(spec, name), name, ("base", f"data[{name}]"), (plugin,))
    folder = _folder_of(loaded, "transfer.targets")
    for target, slug in zip(targets, slugs(targets), strict=True):
        yield target_stage(loaded, target, slug, folder, run_dir.parent)
        yield transfer_stage(spec, target, slug, _steered(spec))


def _synthesize(spec: Spec, name: str) -> Stage:
    section, choices = spec.section(name), spec.section(name).data
    assert choices.provider is not None, "a checked spec names a provider"
    plugin = registry.load("domains", section.plugin)
    prompts = domain_prompts(plugin, section.options, spec.levels_of(name))
    personas = spec.personas_of(name)
    params = SynthesizeParams(
        domain=name,
        levels=spec.levels_of(name),
        provider=choices.provider.plugin,
        provider_options=choices.provider.options,
        delivery=tuple(sorted(registry.load("providers", choices.provider.plugin).delivery)),
        recipe=recipe(choices).model_dump(mode="json", exclude={"clean"}),
        slots=dict(prompts.slots),
        templates=dict(prompts.templates),
        files=_digests([personas]) if personas else {},
        path=str(personas.resolve()) if personas else None,
        guardrail=name in spec.guardrails,
    )
    return Stage(params, name, (), (_plugin("providers", choices.provider.plugin),))


def _clean(spec: Spec, name: str) -> Stage:
    made = recipe(spec.section(name).data)
    params = CleanParams(
        domain=name,
        levels=spec.levels_of(name),
        rules=made.clean.model_dump(mode="json"),
        language=made.language,
        guardrail=name in spec.guardrails,
    )
    return Stage(params, name, (f"synthesize[{name}]",))


def _card(spec: Spec, name: str) -> Stage:
    params = CardParams(domain=name, levels=spec.levels_of(name), guardrail=name in spec.guardrails)
    written = (f"synthesize[{name}]", f"clean[{name}]") if name in spec.synthesized() else ()
    return Stage(params, name, (f"data[{name}]", *written))


def _agreement(spec: Spec, run_dir: Path, labels: dict[str, str]) -> Stage:
    return Stage(AgreementParams(levels=_levels(spec), files=labels, path=str((run_dir / FOLDER).resolve())))


def _data(spec: Spec, name: str) -> Stage:
    section = spec.section(name)
    files = spec.files_of(name)
    source = section.data.source
    split = spec.data.split
    params = DataParams(
        domain=name,
        plugin=section.plugin,
        options=section.options,
        levels=spec.levels_of(name),
        split={"train": split.train, "search": split.search, "test": split.test},
        rows=spec.data.limit,
        source=source,
        files=_digests(files),
        path=str(files[0].resolve()) if source == "file" else None,
        guardrail=name in spec.guardrails,
    )
    written = (f"clean[{name}]",) if source == "synthesize" else ()
    return Stage(params, name, ("base", *written), (_plugin("domains", section.plugin),))


def _digests(files: list[Path]) -> dict[str, str]:
    names = [path.name for path in files]
    unique = len(set(names)) == len(names)
    try:
        return {path.name if unique else str(path): file_digest(path) for path in files}
    except OSError as error:
        hint = "check the path in the spec, or write `source: bundled`"
        raise NoInput("a file of rows cannot be read", where=str(error.filename or files), hint=hint) from error


def _train(spec: Spec, domain: str) -> Stage:
    training = spec.training
    anchored = training.options.get("anchors", 0) > 0
    # sorted: the order in which a spec lists its domains must not retrain them
    lenders = tuple(sorted(other for other in spec.domains if other != domain)) if anchored else ()
    params = TrainParams(
        domain=domain,
        plugin=training.plugin,
        options=training.options,
        levels={name: spec.levels_of(name) for name in (domain, *lenders)},
        lenders=lenders,
    )
    inputs = ("base", f"data[{domain}]", *(f"data[{lender}]" for lender in lenders))
    return Stage(params, domain, inputs, (_plugin("trainers", training.plugin),))


def _extract(spec: Spec, domain: str) -> Stage:
    extraction = spec.extraction
    params = ExtractParams(domain=domain, plugin=extraction.plugin, options=extraction.options)
    plugins = (_plugin("extractors", extraction.plugin),)
    needs_others = getattr(registry.load("extractors", extraction.plugin), "others", False)
    others = sorted(other for other in spec.domains if other != domain) if needs_others else ()
    return Stage(params, domain, ("base", f"train[{domain}]", *(f"train[{other}]" for other in others)), plugins)


def _sweep(spec: Spec) -> Stage:
    params = SweepParams(
        domains=tuple(spec.domains),
        levels=_levels(spec),
        step=spec.sweep.step,
        low=spec.search.low,
        high=spec.search.high,
    )
    return Stage(params, inputs=_steered(spec))


def _search(spec: Spec) -> Stage:
    search = spec.search
    params = SearchParams(
        domains=tuple(spec.domains),
        guardrails=_limits(spec),
        levels=_levels(spec),
        sampler=search.sampler.plugin,
        options=search.sampler.options,
        granularity=search.granularity,
        evaluations=search.evaluations,
        low=search.low,
        high=search.high,
        max_fluency_drop=search.max_fluency_drop,
        seed=search.seed,
        behaviors=spec.all_behaviors(),
    )
    plugins = (_plugin("samplers", search.sampler.plugin),)
    return Stage(params, inputs=(*_steered(spec), "sweep"), plugins=plugins)


def _compare(spec: Spec) -> Stage:
    """Return the search by other samplers; nothing but the report reads it."""
    search, compare = _search(spec), {each.plugin: each.options for each in spec.search.compare}
    common = search.params.model_dump(exclude={"sampler", "options"})
    plugins = tuple(_plugin("samplers", each.plugin) for each in spec.search.compare)
    return Stage(CompareParams(**common, compare=compare), inputs=search.inputs, plugins=plugins)


def _prompting(spec: Spec) -> Stage:
    instructions = {}
    for name, section in spec.domains.items():
        prompts = domain_prompts(registry.load("domains", section.plugin), section.options, spec.levels_of(name))
        words = round(mean_words(Recipe()))
        instructions[name] = {level: instruction(prompts, level, words) for level in spec.levels_of(name)}
    params = PromptingParams(
        domains=tuple(spec.domains),
        levels=_levels(spec),
        instructions=instructions,
        max_fluency_drop=spec.search.max_fluency_drop,
        evaluators=_evaluators(spec),
    )
    plugins = tuple(_plugin("evaluators", each.plugin) for each in spec.evaluation)
    return Stage(params, inputs=(*_steered(spec), "sweep"), plugins=plugins)


def _joint(spec: Spec, name: str) -> Stage:
    training = spec.training
    params = JointParams(
        behavior=name,
        wanted=spec.wanted_of(name),
        levels={domain: spec.levels_of(domain) for domain in spec.domains},
        plugin=training.plugin,
        options=training.options,
    )
    data = (f"data[{domain}]" for domain in spec.domains)
    return Stage(params, name, ("base", *data), (_plugin("trainers", training.plugin),))


def _evaluators(spec: Spec) -> tuple[dict[str, Any], ...]:
    return tuple({"name": each.plugin, "options": each.options} for each in spec.evaluation)


def _evaluate(spec: Spec) -> Stage:
    params = EvaluateParams(
        domains=tuple(spec.domains),
        guardrails={name: guardrail.max_drop for name, guardrail in spec.guardrails.items()},
        levels=_levels(spec),
        behaviors=spec.all_behaviors(),
        named=tuple(spec.behaviors),
        max_fluency_drop=spec.search.max_fluency_drop,
        granularity=spec.search.granularity,
        evaluators=_evaluators(spec),
    )
    plugins = tuple(_plugin("evaluators", each.plugin) for each in spec.evaluation)
    return Stage(params, inputs=(*_steered(spec), "search"), plugins=plugins)


def _variants(loaded: LoadedSpec, places: Places) -> Stage:
    """Return what lays the variants beside the spec; it reads what their searches found and what that comes to."""
    spec = loaded.spec
    read = (*_steered(spec), "sweep", "search", "evaluate")
    found = {MAIN: {address: address for address in read}}
    found |= {name: {address: where[address] for address in read} for name, where in places.items()}
    specs = {MAIN: spec, **{name: variant.spec for name, variant in loaded.variants.items()}}
    params = VariantsParams(
        domains=tuple(spec.domains),
        guardrails=_limits(spec),
        levels=_levels(spec),
        behaviors=spec.all_behaviors(),
        limits={name: each.search.max_fluency_drop for name, each in specs.items()},
        blocks={name: blocks_of(each.search.granularity) for name, each in specs.items()},
        places=found,
    )
    return Stage(params, inputs=tuple(dict.fromkeys(address for where in found.values() for address in where.values())))


def _report(spec: Spec, labels: dict[str, str]) -> Stage:
    params = ReportParams(
        name=spec.name,
        model=spec.model.base,
        domains=tuple(spec.domains),
        guardrails={name: guardrail.max_drop for name, guardrail in spec.guardrails.items()},
        levels=_levels(spec),
        behaviors=spec.all_behaviors(),
        named=tuple(spec.behaviors),
        atlas=spec.atlas,
        step=spec.sweep.step,
        low=spec.search.low,
        high=spec.search.high,
        variants={name: variant.changes() for name, variant in spec.variants.items()},
    )
    trained = (f"train[{domain}]" for domain in spec.domains)
    compared = ("compare",) if spec.search.compare else ()
    cards = (f"card[{name}]" for name in (*spec.domains, *spec.guardrails))
    agreed = ("agreement",) if labels else ()
    beside = ("variants",) if spec.variants else ()
    baselines = (*(("prompting",) if spec.baselines.prompting else ()), *(f"joint[{b}]" for b in spec.baselines.joint))
    moved = (f"transfer[{slug}]" for slug in slugs(spec.transfer.targets))
    found = ("sweep", "search", "evaluate", *compared, *agreed, *baselines, *moved, *beside)
    return Stage(params, inputs=(*_steered(spec), *cards, *trained, *found))


def _steered(spec: Spec) -> tuple[str, ...]:
    """Return what every stage reads that scores the steered model: base, all rows, all vectors."""
    data = (f"data[{name}]" for name in (*spec.domains, *spec.guardrails))
    return ("base", *data, *(f"extract[{domain}]" for domain in spec.domains))


def _limits(spec: Spec) -> dict[str, float]:
    return {name: rail.max_drop for name, rail in spec.guardrails.items() if rail.max_drop is not None}


def _levels(spec: Spec) -> dict[str, tuple[str, ...]]:
    return {name: spec.levels_of(name) for name in (*spec.domains, *spec.guardrails)}


def _plugin(group: str, name: str) -> dict[str, str]:
    return {"group": group, **registry.identity(group, name)}
