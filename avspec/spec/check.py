"""A document to a checked spec: every problem of it in one go, also those that lie behind others."""

from __future__ import annotations

import copy
import json
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError

from avspec import registry
from avspec.errors import PluginError, SpecError
from avspec.spec.cross import cross_check
from avspec.spec.data import Domain
from avspec.spec.model import PLUGIN_SECTIONS, Spec, group_of
from avspec.spec.plugin import PluginSection
from avspec.spec.problems import note
from avspec.spec.source import Document, Path
from avspec.spec.synthesis import SynthesisChoices
from avspec.synthesis.recipe import Recipe

VERSION = "avspec/v1"


def check(document: Document, folder: FilePath) -> Spec:
    """Return the spec with every default filled in, those of the plugins too.

    Args:
        document: What the layers say.
        folder: The spec's folder, where the relative paths of values from `--set` start.

    Raises:
        SpecError: Every problem, in the order of the file.
    """
    _check_version(document)
    spec: Spec | None
    try:
        spec = _validate(document.data)
    except ValidationError as error:
        note(document, error)
        spec = _salvage(document.data, error)
    if spec is not None:
        data, plugins = _fill_in(document, spec)
        spec = _validate(data)
        spec._files.update(_files(document, spec, folder))
        spec._personas.update(_personas(document, spec, folder))
        cross_check(document, spec, plugins, folder)
    if document.problems or spec is None:
        raise SpecError(sorted(dict.fromkeys(document.problems), key=lambda p: (p.file, p.line, p.column)))
    return spec


def _check_version(document: Document) -> None:
    """Stop at a spec of another version: nothing else that could be said about it would be true."""
    version = document.data.get("apiVersion", VERSION)
    if version != VERSION:
        hint = f"write `apiVersion: {VERSION}`, or update avspec if the spec is made for a newer one"
        document.wrong(f"unknown apiVersion `{version}`", ("apiVersion",), hint)
        raise SpecError(document.problems)


def _validate(data: dict[str, Any]) -> Spec:
    # strict, and as JSON: "3" is no number, but a list is a tuple and an int a float
    return Spec.model_validate_json(json.dumps(data), strict=True)


_STAND_INS = {"apiVersion": VERSION, "name": "unnamed", "base": "hf:unknown/unknown", "plugin": ""}


def _salvage(data: dict[str, Any], error: ValidationError) -> Spec | None:
    """Return the spec without its invalid parts, to find the problems behind them; None if too little is left."""
    data = copy.deepcopy(data)
    for _ in range(4):
        for found in error.errors(include_url=False):
            _patch(data, found["loc"], missing=found["type"] == "missing")
        try:
            return _validate(data)
        except ValidationError as next_error:
            error = next_error
    return None


def _patch(data: Any, path: Path, *, missing: bool) -> None:
    """Take out the value at a path, or put a stand-in where one is missing."""
    if missing and path[0] == "behaviors":  # a level has no stand-in: the domain goes
        path, missing = path[:-1], False
    for part in path[:-1]:
        if isinstance(data, dict) and part not in data:
            return  # an earlier patch took out what is around it
        data = data[part]
    last = path[-1]
    if missing:
        data[last] = _STAND_INS.get(str(last), {"plugin": ""} if last == "model" else {})
    elif group_of(path) and path not in PLUGIN_SECTIONS:
        data[last] = {"plugin": ""}
    elif isinstance(data, dict):
        data.pop(last, None)


def _fill_in(document: Document, spec: Spec) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the spec's data with the plugins' defaults and levels, and the usable domain plugins by section name."""
    data, plugins = spec.model_dump(mode="json"), {}
    for path, section in _plugin_sections(spec):
        target: Any = data
        for part in path:
            target = target[part]
        plugin = _load(document, path, section)
        if plugin is None:
            continue
        options = _options(document, path, section, plugin.Options)
        target.update(options or {})
        if isinstance(section, Domain):
            inherited = spec.levels if path[0] == "domains" else None
            target["levels"] = list(section.levels or inherited or plugin.levels)
            if options is not None:
                plugins[str(path[1])] = plugin
    _inherit_synthesis(data, spec)
    return data, plugins


def _inherit_synthesis(data: dict[str, Any], spec: Spec) -> None:
    """Give each synthesized domain what it does not choose itself: the spec's choice, or the recipe's default."""
    shared = {name: value for name in SynthesisChoices.model_fields if (value := data["synthesis"][name]) is not None}
    for name in spec.synthesized():
        own = data["domains" if name in spec.domains else "guardrails"][name]["data"]
        own.update({key: value for key, value in (_RECIPE | shared).items() if own.get(key) is None})


_RECIPE = Recipe().model_dump(mode="json")


def _plugin_sections(spec: Spec) -> list[tuple[Path, PluginSection]]:
    provider = spec.synthesis.provider
    return [
        *((("domains", name), section) for name, section in spec.domains.items()),
        *((("guardrails", name), section) for name, section in spec.guardrails.items()),
        *([(("synthesis", "provider"), provider)] if provider else []),
        *(
            ((kind, name, "data", "provider"), section.data.provider)
            for kind, sections in (("domains", spec.domains), ("guardrails", spec.guardrails))
            for name, section in sections.items()
            if section.data.provider
        ),
        (("training",), spec.training),
        (("extraction",), spec.extraction),
        *((("evaluation", index), section) for index, section in enumerate(spec.evaluation)),
        (("search", "sampler"), spec.search.sampler),
        *((("search", "compare", index), section) for index, section in enumerate(spec.search.compare)),
    ]


def _load(document: Document, path: Path, section: PluginSection) -> Any:
    """Return the section's plugin, or None after noting why there is none."""
    group = group_of(path)
    assert group is not None
    if not section.plugin:
        return None  # its absence is already a problem
    try:
        return registry.load(group, section.plugin)
    except PluginError as error:
        document.wrong(error.what, (*path, "plugin"), error.hint)
        return None


def _options(document: Document, path: Path, section: PluginSection, options: type[BaseModel]) -> dict[str, Any] | None:
    """Return a section's options with the defaults, or None after noting why they are not valid."""
    try:
        valid = options.model_validate_json(json.dumps(section.options), strict=True)
    except ValidationError as error:
        note(document, error, path, options)
        return None
    return valid.model_dump(mode="json")


def _personas(document: Document, spec: Spec, folder: FilePath) -> dict[str, FilePath]:
    """Return each file of personas: a relative path starts at the folder of the file that names it."""
    files = {}
    for name in spec.synthesized():
        kind = "domains" if name in spec.domains else "guardrails"
        personas = spec.section(name).data.personas
        if personas and personas.share > 0 and personas.hub.startswith("path:"):
            own = document.values.get((kind, name, "data", "personas", "hub"))
            place = own or document.values.get(("synthesis", "personas", "hub"))
            start = FilePath(place.file).parent if place and place.line else folder
            files[name] = start / personas.hub.removeprefix("path:")
    return files


def _files(document: Document, spec: Spec, folder: FilePath) -> dict[str, FilePath]:
    """Return each data file: a relative path starts at the folder of the file that names it."""
    files = {}
    for kind, sections in (("domains", spec.domains), ("guardrails", spec.guardrails)):
        for name, section in sections.items():
            if section.data.path is not None:
                place = document.values.get((kind, name, "data", "path"))
                start = FilePath(place.file).parent if place and place.line else folder
                files[name] = start / section.data.path
    return files
