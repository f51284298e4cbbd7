"""The JSON Schema of specs, with the options of every installed plugin, for editors."""

from __future__ import annotations

import inspect
import json
from typing import Any

from pydantic import BaseModel

from avspec import registry
from avspec.errors import PluginError
from avspec.spec.data import Domain, Guardrail
from avspec.spec.model import NAME, Extraction, Spec, Training
from avspec.spec.plugin import PluginSection

_SECTIONS: dict[str, tuple[type[PluginSection], str]] = {
    "Domain": (Domain, "domains"),
    "Guardrail": (Guardrail, "domains"),
    "Training": (Training, "trainers"),
    "Extraction": (Extraction, "extractors"),
    "Evaluator": (PluginSection, "evaluators"),
    "Sampler": (PluginSection, "samplers"),
    "Provider": (PluginSection, "providers"),
}
"""Definitions of the schema that stand for a section with a plugin."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a spec; a plugin that cannot be loaded is left out."""
    result = Spec.model_json_schema()
    definitions = result["$defs"]
    del definitions["PluginSection"]
    for name, (section, group) in _SECTIONS.items():
        definitions[name] = _choices(section, group, definitions)
    properties = result["properties"]
    properties["evaluation"]["items"] = _reference("Evaluator")
    search = definitions["Search"]["properties"]
    search["sampler"] |= _reference("Sampler")
    search["compare"]["items"] = _reference("Sampler")
    variant = definitions["Variant"]["properties"]
    for part in ("Training", "Extraction", "Sweep", "Search"):
        variant[part.lower()] = _reference(part)
    for name in ("Synthesis", "DataSource"):
        provider = definitions[name]["properties"]["provider"]
        provider["anyOf"] = [_reference("Provider"), {"type": "null"}]
    for name in ("domains", "guardrails", "behaviors", "variants"):
        properties[name]["propertyNames"] = {"pattern": NAME}
    for name, part in properties.items():
        if name not in ("apiVersion", "name", "model"):
            properties[name] = _removable(part)
            if isinstance(part.get("additionalProperties"), dict):
                part["additionalProperties"] = _removable(part["additionalProperties"])
    # what a spec does not say may stand in the one it extends
    required = result.pop("required")
    properties["extends"] = {
        "type": "string",
        "description": "A spec to lay this one over, from this folder.",
    }
    result["anyOf"] = [{"required": ["extends"]}, {"required": required}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **result}


def _removable(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part that may also be null, which removes what a spec inherits from the one it extends."""
    return {
        "anyOf": [part, {"type": "null"}],
        **({"description": part["description"]} if "description" in part else {}),
    }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _choices(section: type[PluginSection], group: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a section: a plugin's bare name, or one object for each plugin."""
    usable = {}
    for name in registry.installed(group):
        try:
            usable[name] = registry.load(group, name)
        except PluginError:
            continue
    objects = [_choice(section, group, name, plugin, definitions) for name, plugin in usable.items()]
    names = {"enum": list(usable), "description": f"A plugin of `avspec.{group}`, with its defaults."}
    return {"description": section.__doc__, "anyOf": [names, *objects]}


def _choice(
    section: type[PluginSection], group: str, name: str, plugin: Any, definitions: dict[str, Any]
) -> dict[str, Any]:
    """Return the schema of a section with one plugin; what its options define joins the definitions."""
    prefix = f"{group}.{name}."
    own, theirs = _schema(section, ""), _schema(plugin.Options, prefix)
    for key, value in theirs.get("$defs", {}).items():
        definitions[prefix + key] = value
    field = own["properties"]["plugin"]
    # a section without `plugin` is one of the default plugin, if there is one
    unsaid = [] if field.get("default") == name else ["plugin"]
    required = [*unsaid, *(key for key in own.get("required", ()) if key != "plugin")]
    return {
        "type": "object",
        "title": name,
        "description": inspect.getdoc(plugin) or "",
        "properties": own["properties"] | {"plugin": field | {"const": name}} | theirs.get("properties", {}),
        "required": [*required, *theirs.get("required", ())],
        "additionalProperties": False,
    }


def _schema(model: type[BaseModel], prefix: str) -> dict[str, Any]:
    text = json.dumps(model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}"))
    result: dict[str, Any] = json.loads(text)
    return result
