"""Checks between parts of a spec that are each valid alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path as FilePath
from typing import Any

from avspec.errors import AvspecError, ProblemsError
from avspec.rows import split_rows
from avspec.spec.data import Domain
from avspec.spec.model import MAIN, NAME, Spec
from avspec.spec.problems import guess
from avspec.spec.source import Document, Path
from avspec.spec.synthesis import recipe
from avspec.synthesis.domain import domain_prompts

_MOST_COMBINATIONS = 10_000
_MOST_STEPS = 1_000


def cross_check(document: Document, spec: Spec, plugins: Mapping[str, Any], folder: FilePath) -> None:
    """Add to the document's problems what does not fit together.

    Args:
        document: The spec, which knows where everything was written.
        spec: The spec with the plugins' levels filled in.
        plugins: The domain plugins that could be loaded, by the name of their section.
        folder: The spec's folder.
    """
    _names(document, spec)
    _levels(document, spec, plugins)
    _behaviors(document, spec)
    _baselines(document, spec, plugins)
    _transfer(document, spec)
    _range(document, spec)
    accelerate = spec.training.accelerate
    if accelerate is not None and not (folder / accelerate).is_file():
        hint = "`accelerate config` writes one; the path starts at the spec's own folder"
        document.wrong(f"there is no file {folder / accelerate}", ("training", "accelerate"), hint)
    if _splits_add_up(document, spec):
        _rows(document, spec, plugins)


def _names(document: Document, spec: Spec) -> None:
    for kind in ("domains", "guardrails", "behaviors", "variants"):
        for name in getattr(spec, kind):
            if not re.match(NAME, name):
                hint = "a small letter first, then small letters, digits, `_` and `-`"
                document.wrong(f"`{name}` is no name", (kind, name), hint, key=True)
    for name in spec.domains.keys() & spec.guardrails.keys():
        hint = "a domain is steered, a guardrail is only watched; give one of them another name"
        document.wrong(f"`{name}` is a domain and a guardrail", ("guardrails", name), hint, key=True)
    if MAIN in spec.variants:
        hint = "that is what the spec itself is called beside its variants; choose another name"
        document.wrong(f"a variant cannot be called `{MAIN}`", ("variants", MAIN), hint, key=True)
    samplers = [spec.search.sampler.plugin, *(section.plugin for section in spec.search.compare)]
    for index, name in enumerate(samplers[1:]):
        if name and name in samplers[: index + 1]:
            document.wrong(f"`{name}` searches already", ("search", "compare", index), "name each sampler once")


def _levels(document: Document, spec: Spec, plugins: Mapping[str, Any]) -> None:
    for kind in ("domains", "guardrails"):
        for name, section in getattr(spec, kind).items():
            levels = section.levels or ()
            inherited = kind == "domains" and levels == spec.levels
            path: Path = ("levels",) if inherited else (kind, name, "levels")
            if len(set(levels)) < len(levels):
                document.wrong(f"the levels of `{name}` name one twice", path, "each level once")
            for level in levels:
                if not re.match(NAME, level):
                    document.wrong(f"`{level}` is no name of a level", path, "small letters, digits, `_`, `-`")
            if section.data.source == "bundled" and name in plugins:
                _bundled_levels(document, name, levels, plugins[name].levels, path)


def _bundled_levels(document: Document, name: str, levels: Sequence[str], own: Sequence[str], path: Path) -> None:
    for level in levels:
        if level not in own:
            hint = guess(level, own, "they have")
            document.wrong(f"the bundled rows of `{name}` have no level `{level}`", path, hint)


def _behaviors(document: Document, spec: Spec) -> None:
    tried = document.data.get("behaviors") or document.data.get("atlas")
    if not spec.behaviors and not spec.atlas and not tried:
        hint = "name at least one behavior, or say `atlas: true` for all combinations"
        document.wrong("the spec names no behavior", ("behaviors",), hint)
    for name, behavior in spec.behaviors.items():
        if not behavior and not (document.data.get("behaviors") or {}).get(name):
            document.wrong(f"the behavior `{name}` names no domain", ("behaviors", name), "{domain: level}")
        for domain, wanted in behavior.items():
            _wanted(document, spec, ("behaviors", name, domain), domain, wanted.level)
    combinations = prod(len(section.levels or "1") for section in spec.domains.values())
    if spec.atlas and combinations > _MOST_COMBINATIONS:
        hint = "name the behaviors you need instead"
        document.wrong(f"an atlas of {combinations} combinations is too large", ("atlas",), hint)


def _baselines(document: Document, spec: Spec, plugins: Mapping[str, Any]) -> None:
    """Check that there are the behaviors that are trained jointly, and the words that ask for levels."""
    known = spec.all_behaviors() if spec.baselines.joint else {}
    for index, name in enumerate(spec.baselines.joint):
        path: Path = ("baselines", "joint", index)
        if name not in known:
            document.wrong(f"there is no behavior `{name}`", path, guess(name, list(spec.behaviors), "they are"))
        elif name in spec.baselines.joint[:index]:
            document.wrong(f"`{name}` is trained already", path, "name each behavior once")
    for name in spec.domains if spec.baselines.prompting else ():
        if name in plugins and (levels := spec.domains[name].levels):
            try:
                domain_prompts(plugins[name], spec.domains[name].options, levels).check()
            except AvspecError as error:
                document.wrong(
                    f"prompting has no words for `{name}`: {error.what}", ("baselines", "prompting"), error.hint
                )


def _transfer(document: Document, spec: Spec) -> None:
    targets, step = spec.transfer.targets, spec.transfer.step
    known = [*spec.domains, *spec.guardrails]
    for index, target in enumerate(targets):
        path: Path = ("transfer", "targets", index)
        kind, _, name = target.partition(":")
        if target in targets[:index]:
            document.wrong(f"`{target}` is a target already", path, "name each target once")
        elif kind == "align" and name not in known:
            document.wrong(
                f"there is no domain or guardrail `{name}` to align to", path, guess(name, known, "they are")
            )
    if step is not None and step > spec.search.high - spec.search.low:
        hint = f"the range from {spec.search.low} to {spec.search.high} is narrower"
        document.wrong(f"the step of {step} is larger than the range", ("transfer", "step"), hint)


def _wanted(document: Document, spec: Spec, path: Path, domain: str, level: str) -> None:
    if domain in spec.guardrails and domain not in spec.domains:
        hint = "guardrails are only watched; move it to `domains` to steer it"
        document.wrong(f"a behavior cannot name the guardrail `{domain}`", path, hint, key=True)
    elif domain not in spec.domains:
        hint = guess(domain, list(spec.domains), "the domains are")
        document.wrong(f"unknown domain `{domain}`", path, hint, key=True)
    elif (levels := spec.domains[domain].levels) and level not in levels:
        hint = guess(level, levels, "they are, least preferred first,")
        spelled = (*path, "level")
        document.wrong(f"`{domain}` has no level `{level}`", spelled if spelled in document.values else path, hint)


def _range(document: Document, spec: Spec) -> None:
    low, high, step = spec.search.low, spec.search.high, spec.sweep.step
    path: Path = ("search", "low" if ("search", "low") in document.values else "high")
    if low >= high:
        hint = "`search.low` must be less than `search.high`"
        document.wrong(f"the coefficient range from {low} to {high} is empty", path, hint)
    elif step > high - low:
        hint = f"the range from {low} to {high} is {high - low:g} wide"
        document.wrong(f"the sweep's step of {step} is larger than the range", ("sweep", "step"), hint)
    elif (high - low) / step > _MOST_STEPS:
        hint = f"the range from {low} to {high} in such steps has more than {_MOST_STEPS}"
        document.wrong(f"the sweep's step of {step} is too small", ("sweep", "step"), hint)


def _splits_add_up(document: Document, spec: Spec) -> bool:
    split = spec.data.split
    total = split.train + split.search + split.test
    if abs(total - 1) > 1e-6:
        parts = f"train {split.train:g}, search {split.search:g}, test {split.test:g}"
        hint = f"{parts}: one that is not written has its default"
        document.wrong(f"the splits add up to {total:g} instead of 1", ("data", "split"), hint)
    return abs(total - 1) <= 1e-6


def _rows(document: Document, spec: Spec, plugins: Mapping[str, Any]) -> None:
    for kind in ("domains", "guardrails"):
        for name, section in getattr(spec, kind).items():
            path = (kind, name, "data")
            source = section.data.source
            if source == "file" and section.data.path is None:
                document.wrong("`source: file` needs a path", (*path, "source"), "write `path: FILE.jsonl` too")
            elif source != "file" and section.data.path is not None:
                document.wrong("a path needs `source: file`", (*path, "path"), "write it, or no path", key=True)
            elif source == "synthesize":
                _synthesis(document, spec, name, path, plugins)
            elif chosen := section.data.chosen():
                hint = "write `source: synthesize`, or leave it out"
                document.wrong(
                    f"`{next(iter(chosen))}` belongs to `source: synthesize`",
                    (*path, next(iter(chosen))),
                    hint,
                    key=True,
                )
            elif name in plugins and section.levels and _has_levels(section, plugins[name].levels):
                _row_counts(document, spec, name, kind)


def _synthesis(document: Document, spec: Spec, name: str, path: Path, plugins: Mapping[str, Any]) -> None:
    """Check what a language model needs to write the rows of a domain: that there is one, prompts, enough personas."""
    choices = spec.section(name).data
    if choices.provider is None:
        hint = "write `provider: {plugin: anthropic, model: ...}` here, or once for all domains under `synthesis`"
        document.wrong(f"the rows of `{name}` have no provider to write them", (*path, "source"), hint)
    personas = spec.personas_of(name)
    if personas is not None and not personas.is_file():
        document.wrong(
            f"there is no file {personas}",
            _said(document, (*path, "personas", "hub")),
            "a path starts at the spec's own folder",
        )
    made = recipe(choices)
    created = made.rows - round(made.rows * made.personas.share)
    if created > made.personas.most:
        hint = f"raise `depth` (now {made.personas.depth}) or `branching`, or draw a larger `share` from the hub"
        what = f"CreatePersona can make {made.personas.most} queries with these settings, {created} are wanted of it"
        document.wrong(what, _said(document, (*path, "personas")), hint)
    if name in plugins:
        try:
            domain_prompts(plugins[name], spec.section(name).options, spec.levels_of(name)).check()
        except AvspecError as error:
            document.wrong(error.what, path, error.hint)


def _said(document: Document, path: Path) -> Path:
    """Return where a choice is written: at the domain, or under `synthesis` for all."""
    return path if path in document.values else ("synthesis", *path[3:])


def _has_levels(section: Domain, own: Sequence[str]) -> bool:
    return section.data.source == "file" or set(section.levels or ()) <= set(own)


def _row_counts(document: Document, spec: Spec, name: str, kind: str) -> None:
    """Read the rows: their problems are problems of the spec, and each split needs some."""
    path = (kind, name, "data", "path")
    try:
        rows = spec.rows_of(name)
    except ProblemsError as error:
        document.problems.extend(error.problems)
        return
    except AvspecError as error:
        document.wrong(f"{error.what}: {error.where}" if error.where else error.what, path, error.hint)
        return
    counts = {key: len(part) for key, part in split_rows(rows, spec.data.split.model_dump()).items()}
    told = ", ".join(f"{key} {count}" for key, count in counts.items())
    hint = f"its {len(rows)} rows are {told}; use more rows or change `data.split`"
    # training keeps one row for the validation loss; guardrails are trained on only where a target is aligned to them
    trained = kind == "domains" or f"align:{name}" in spec.transfer.targets
    least = {"train": 2 if trained else 0, "search": 1, "test": 1}
    for split, count in counts.items():
        if count < least[split]:
            few = "no rows" if count == 0 else "only one row, and one is for the validation loss"
            document.wrong(f"the {split} split of `{name}` has {few}", path, hint)
