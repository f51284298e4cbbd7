"""Spec to stages.

    base -> data[d] -> train[d] -> extract[d] -> sweep -> search -> evaluate -> report
                                                    sweep -> compare -> report, where the spec compares samplers

Each stage also reads what its own function below lists; a stage's key changes with any of its inputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avspec import registry
from avspec.digest import file_digest
from avspec.errors import NoInput
from avspec.plan.fingerprint import base_params
from avspec.plan.params import (
    CompareParams,
    DataParams,
    EvaluateParams,
    ExtractParams,
    ReportParams,
    SearchParams,
    SweepParams,
    TrainParams,
)
from avspec.plan.stage import Stage

if TYPE_CHECKING:
    from avspec.spec import LoadedSpec, Spec


def compile_spec(loaded: LoadedSpec) -> tuple[Stage, ...]:
    """Return every stage of a spec in topological order, in the spec's order where that leaves a choice.

    Raises:
        ModelError: The base is on this disk by name only.
        NoInput: A file of rows is not there.
        PluginError: A plugin is unknown, claimed twice or broken.
    """
    spec = loaded.spec
    names = [*spec.domains, *spec.guardrails]
    return (
        _base(loaded),
        *(_data(spec, name) for name in names),
        *(_train(spec, domain) for domain in spec.domains),
        *(_extract(spec, domain) for domain in spec.domains),
        _sweep(spec),
        _search(spec),
        _evaluate(spec),
        *([_compare(spec)] if spec.search.compare else []),
        _report(spec),
    )


def _base(loaded: LoadedSpec) -> Stage:
    model = loaded.spec.model
    # a relative folder starts at the file that names it, which may be one the spec extends
    file, _, line = loaded.origins.get("model.base", "").rpartition(":")
    folder = Path(file).parent if line.isdigit() else loaded.path.parent
    return Stage(base_params(model.base, model.dtype, model.trust_remote_code, folder))


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
    return Stage(params, name, ("base",), (_plugin("domains", section.plugin),))


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
    return Stage(params, domain, ("base", f"train[{domain}]"), plugins)


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
        guardrails={name: rail.max_drop for name, rail in spec.guardrails.items() if rail.max_drop is not None},
        levels=_levels(spec),
        sampler=search.sampler.plugin,
        options=search.sampler.options,
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


def _evaluate(spec: Spec) -> Stage:
    params = EvaluateParams(
        domains=tuple(spec.domains),
        guardrails={name: guardrail.max_drop for name, guardrail in spec.guardrails.items()},
        levels=_levels(spec),
        behaviors=spec.all_behaviors(),
        named=tuple(spec.behaviors),
        max_fluency_drop=spec.search.max_fluency_drop,
        evaluators=tuple({"name": each.plugin, "options": each.options} for each in spec.evaluation),
    )
    plugins = tuple(_plugin("evaluators", each.plugin) for each in spec.evaluation)
    return Stage(params, inputs=(*_steered(spec), "search"), plugins=plugins)


def _report(spec: Spec) -> Stage:
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
    )
    trained = (f"train[{domain}]" for domain in spec.domains)
    compared = ("compare",) if spec.search.compare else ()
    return Stage(params, inputs=(*_steered(spec), *trained, "sweep", "search", "evaluate", *compared))


def _steered(spec: Spec) -> tuple[str, ...]:
    """Return what every stage reads that scores the steered model: base, all rows, all vectors."""
    data = (f"data[{name}]" for name in (*spec.domains, *spec.guardrails))
    return ("base", *data, *(f"extract[{domain}]" for domain in spec.domains))


def _levels(spec: Spec) -> dict[str, tuple[str, ...]]:
    return {name: spec.levels_of(name) for name in (*spec.domains, *spec.guardrails)}


def _plugin(group: str, name: str) -> dict[str, str]:
    return {"group": group, **registry.identity(group, name)}
