"""The stages of rows: written by a language model or read, split, described."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avspec import registry
from avspec.digest import file_digest
from avspec.errors import NoInput
from avspec.plan.parts import plugin
from avspec.plan.row_params import CardParams, CleanParams, DataParams, SynthesizeParams
from avspec.plan.stage import Stage
from avspec.spec.synthesis import recipe
from avspec.synthesis.domain import domain_prompts

if TYPE_CHECKING:
    from avspec.spec import Spec


def synthesize(spec: Spec, name: str) -> Stage:
    """Return the rows of a domain or guardrail as a language model writes them."""
    section, choices = spec.section(name), spec.section(name).data
    assert choices.provider is not None, "a checked spec names a provider"
    written = registry.load("domains", section.plugin)
    prompts = domain_prompts(written, section.options, spec.levels_of(name))
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
    return Stage(params, name, (), (plugin("providers", choices.provider.plugin),))


def clean(spec: Spec, name: str) -> Stage:
    """Return its rows without those that are unusable."""
    made = recipe(spec.section(name).data)
    params = CleanParams(
        domain=name,
        levels=spec.levels_of(name),
        rules=made.clean.model_dump(mode="json"),
        language=made.language,
        guardrail=name in spec.guardrails,
    )
    return Stage(params, name, (f"synthesize[{name}]",))


def card(spec: Spec, name: str) -> Stage:
    """Return the data card of a domain or guardrail."""
    params = CardParams(domain=name, levels=spec.levels_of(name), guardrail=name in spec.guardrails)
    written = (f"synthesize[{name}]", f"clean[{name}]") if name in spec.synthesized() else ()
    return Stage(params, name, (f"data[{name}]", *written))


def data(spec: Spec, name: str) -> Stage:
    """Return the rows of a domain or guardrail, split."""
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
    return Stage(params, name, ("base", *written), (plugin("domains", section.plugin),))


def _digests(files: list[Path]) -> dict[str, str]:
    names = [path.name for path in files]
    unique = len(set(names)) == len(names)
    try:
        return {path.name if unique else str(path): file_digest(path) for path in files}
    except OSError as error:
        hint = "check the path in the spec, or write `source: bundled`"
        raise NoInput("a file of rows cannot be read", where=str(error.filename or files), hint=hint) from error
