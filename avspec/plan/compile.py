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

from pathlib import Path
from typing import TYPE_CHECKING

from avspec import registry
from avspec.annotation.labels import fingerprint
from avspec.plan import beside, rows
from avspec.plan.fingerprint import base_params
from avspec.plan.layers import check_blocks
from avspec.plan.params import EvaluateParams, ExtractParams, ReportParams, SearchParams, SweepParams, TrainParams
from avspec.plan.parts import evaluators, folder_of, levels, limits, plugin, steered
from avspec.plan.stage import Stage
from avspec.plan.targets import slugs
from avspec.plan.variants import distinct

if TYPE_CHECKING:
    from avspec.spec import LoadedSpec, Spec


def compile_spec(loaded: LoadedSpec, run_dir: Path | None = None) -> tuple[Stage, ...]:
    """Return every stage of a spec in topological order, in the spec's order where that leaves a choice.

    Args:
        loaded: The spec.
        run_dir: The run folder, where annotators' labels are, if there are any.

    Raises:
        ModelError: The base is on this disk by name only, or has fewer layers than blocks.
        NoInput: A file of rows is not there.
        PluginError: A plugin is unknown, claimed twice or broken.
    """
    spec = loaded.spec
    labels = fingerprint(run_dir) if run_dir else {}
    main = _pipeline(loaded)
    targets = list(beside.targets(loaded, run_dir or Path("runs") / spec.name))
    # before anything is trained: a target that does not fit the base is told at once
    early = [stage for stage in targets if stage.inputs == ("base",)]
    others, places = distinct(main, {name: _pipeline(variant) for name, variant in loaded.variants.items()})
    return (
        main[0],
        *early,
        *main[1:],
        *([beside.compare(spec, main)] if spec.search.compare else []),
        *([beside.agreement(spec, run_dir, labels)] if run_dir and labels else []),
        *([beside.prompting(spec)] if spec.baselines.prompting else []),
        *(beside.joint(spec, name) for name in spec.baselines.joint),
        *(stage for stage in targets if stage not in early),
        *beside.transfers(spec),
        *others,
        *([beside.variants(loaded, places)] if places else []),
        _report(spec, labels),
    )


def _pipeline(loaded: LoadedSpec) -> tuple[Stage, ...]:
    """Return the stages from the base to the behaviors as measured."""
    spec = loaded.spec
    names = [*spec.domains, *spec.guardrails]
    return (
        _base(loaded),
        *(stage for name in spec.synthesized() for stage in (rows.synthesize(spec, name), rows.clean(spec, name))),
        *(rows.data(spec, name) for name in names),
        *(rows.card(spec, name) for name in names),
        *(_train(spec, domain) for domain in spec.domains),
        *(_extract(spec, domain) for domain in spec.domains),
        _sweep(spec),
        _search(spec),
        _evaluate(spec),
    )


def _base(loaded: LoadedSpec) -> Stage:
    model, folder = loaded.spec.model, folder_of(loaded, "model.base")
    params = base_params(model.base, model.dtype, model.trust_remote_code, folder)
    check_blocks(params, loaded.spec.search.granularity)
    return Stage(params)


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
    return Stage(params, domain, inputs, (plugin("trainers", training.plugin),))


def _extract(spec: Spec, domain: str) -> Stage:
    extraction = spec.extraction
    params = ExtractParams(domain=domain, plugin=extraction.plugin, options=extraction.options)
    plugins = (plugin("extractors", extraction.plugin),)
    needs_others = getattr(registry.load("extractors", extraction.plugin), "others", False)
    others = sorted(other for other in spec.domains if other != domain) if needs_others else ()
    return Stage(params, domain, ("base", f"train[{domain}]", *(f"train[{other}]" for other in others)), plugins)


def _sweep(spec: Spec) -> Stage:
    params = SweepParams(
        domains=tuple(spec.domains),
        levels=levels(spec),
        step=spec.sweep.step,
        low=spec.search.low,
        high=spec.search.high,
    )
    return Stage(params, inputs=steered(spec))


def _search(spec: Spec) -> Stage:
    search = spec.search
    params = SearchParams(
        domains=tuple(spec.domains),
        guardrails=limits(spec),
        levels=levels(spec),
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
    plugins = (plugin("samplers", search.sampler.plugin),)
    return Stage(params, inputs=(*steered(spec), "sweep"), plugins=plugins)


def _evaluate(spec: Spec) -> Stage:
    params = EvaluateParams(
        domains=tuple(spec.domains),
        guardrails={name: guardrail.max_drop for name, guardrail in spec.guardrails.items()},
        levels=levels(spec),
        behaviors=spec.all_behaviors(),
        named=tuple(spec.behaviors),
        max_fluency_drop=spec.search.max_fluency_drop,
        granularity=spec.search.granularity,
        evaluators=evaluators(spec),
    )
    plugins = tuple(plugin("evaluators", each.plugin) for each in spec.evaluation)
    return Stage(params, inputs=(*steered(spec), "search"), plugins=plugins)


def _report(spec: Spec, labels: dict[str, str]) -> Stage:
    params = ReportParams(
        name=spec.name,
        model=spec.model.base,
        domains=tuple(spec.domains),
        guardrails={name: guardrail.max_drop for name, guardrail in spec.guardrails.items()},
        levels=levels(spec),
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
    varied = ("variants",) if spec.variants else ()
    baselines = (*(("prompting",) if spec.baselines.prompting else ()), *(f"joint[{b}]" for b in spec.baselines.joint))
    moved = (f"transfer[{slug}]" for slug in slugs(spec.transfer.targets))
    found = ("sweep", "search", "evaluate", *compared, *agreed, *baselines, *moved, *varied)
    return Stage(params, inputs=(*steered(spec), *cards, *trained, *found))
