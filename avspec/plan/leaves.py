"""What changed between two versions of a stage's params, leaf by leaf, in the spec's own words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from avspec.plan.params import Params

Leaf = tuple[str, ...]
# compared by functions of their own, or nothing a spec says
_APART = {"behaviors", "named", "evaluators", "files", "path", "places"}


def changed_leaves(old: Mapping[str, Any], params: Params) -> list[str]:
    """Return what the spec says otherwise than when params were stored: `training.beta 0.1 -> 0.05`."""
    new = params.model_dump(mode="json")
    return [
        *_fields(old, new, params),
        *_evaluators(old.get("evaluators", []), new.get("evaluators", [])),
        *_behaviors(old.get("behaviors", {}), new.get("behaviors", {})),
        *_order(old.get("named", []), new.get("named", [])),
    ]


def changed_files(old: Mapping[str, Any], params: Params) -> list[str]:
    """Return the files whose bytes are others than when params were stored: `legal.jsonl edited`."""
    before, after = old.get("files", {}), params.model_dump(mode="json").get("files", {})
    return [
        f"{name} {_verb(name in before, name in after)}"
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def spec_path(params: Params, leaf: Leaf) -> str:
    """Return where a spec writes a leaf: `("options", "beta")` of a training is `training.beta`."""
    template, rest = params.SPEC_PATHS.get(leaf[0], leaf[0]), list(leaf[1:])
    domain = str(getattr(params, "domain", ""))
    if "*" in template and rest:
        domain = rest.pop(0)
    place = template.replace("*", "{domain}").format(section=_section(params, domain), domain=domain)
    return ".".join([place, *rest])


def _section(params: Params, name: str) -> str:
    watched = getattr(params, "guardrail", False) or name not in getattr(params, "domains", (name,))
    return "guardrails" if watched else "domains"


def _fields(old: Mapping[str, Any], new: Mapping[str, Any], params: Params) -> list[str]:
    # what a version of avspec did not know yet had its default
    before, after = dict(_leaves({**_defaults(params), **old})), dict(_leaves(new))
    other_plugin = any(old.get(field) != new.get(field) for field in ("plugin", "sampler"))
    changes = []
    for leaf in dict.fromkeys([*before, *after]):
        # options that only one of two plugins has came and went with it
        foreign = other_plugin and leaf[0] == "options" and not (leaf in before and leaf in after)
        if leaf[0] not in _APART and not foreign and before.get(leaf) != after.get(leaf):
            changes.append(_change(spec_path(params, leaf), before.get(leaf), after.get(leaf)))
    return changes


def _defaults(params: Params) -> dict[str, Any]:
    """Return the fields that may be left out, and what they then are."""
    return {name: field.default for name, field in type(params).model_fields.items() if not field.is_required()}


def _leaves(value: Any, leaf: Leaf = ()) -> Iterator[tuple[Leaf, Any]]:
    """Yield path and value of everything that is no mapping."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, (*leaf, name))
    else:
        yield leaf, value


def _evaluators(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    """Return the changes of the list of evaluators, each called by its plugin."""
    before, after = ({each["name"]: each["options"] for each in evaluators} for evaluators in (old, new))
    lines = []
    for name in dict.fromkeys([*before, *after]):
        if name not in before or name not in after:
            lines.append(f"evaluation.{name} {_verb(name in before, name in after)}")
            continue
        for option in dict.fromkeys([*before[name], *after[name]]):
            was, now = before[name].get(option), after[name].get(option)
            if was != now:
                lines.append(_change(f"evaluation.{name}.{option}", was, now))
    if not lines and old != new:  # another order, or one plugin twice
        lines.append(_change("evaluation", [each["name"] for each in old], [each["name"] for each in new]))
    return lines


def _behaviors(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the changes of behaviors, a whole one and the atlas's many in one line each."""
    lines = []
    for name in dict.fromkeys([*old, *new]):
        if _from_atlas(name):
            continue
        if name not in old or name not in new:
            lines.append(f"behaviors.{name} {_verb(name in old, name in new)}")
            continue
        for domain in dict.fromkeys([*old[name], *new[name]]):
            lines += _wanted(f"behaviors.{name}.{domain}", old[name].get(domain), new[name].get(domain))
    had, has = any(map(_from_atlas, old)), any(map(_from_atlas, new))
    return lines if had == has else [*lines, _change("atlas", had, has)]


def _wanted(place: str, old: Any, new: Any) -> list[str]:
    """Return the changes of what a behavior wants of one domain: its level, and what else it says of it."""
    before, after = (value if isinstance(value, Mapping) else {"level": value} for value in (old, new))
    return [
        _change(place if leaf == "level" else f"{place}.{leaf}", before.get(leaf), after.get(leaf))
        for leaf in ("level", "share", "weight")
        if before.get(leaf) != after.get(leaf)
    ]


def _from_atlas(behavior: str) -> bool:
    return "=" in behavior  # medical=expert,legal=generic; a name in a spec has no such sign


def _order(old: list[str], new: list[str]) -> list[str]:
    """Return a line if the same behaviors stand in another order."""
    same = sorted(old) == sorted(new) and old != new
    return [_change("behaviors", old, new)] if same else []


def _verb(here: bool, there: bool) -> str:
    return "edited" if here and there else "removed" if here else "added"


def _change(place: str, old: Any, new: Any) -> str:
    return f"{place} {_text(old)} -> {_text(new)}"


def _text(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return value if isinstance(value, str) else json.dumps(value)
