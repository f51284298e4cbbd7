"""The stages of a spec's variants: those that are not the spec's own, or those of a variant before.

A variant is compiled like any spec. A stage whose key is there already is that stage: what is alike is made once,
whoever asks first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from avspec.plan.graph import keys
from avspec.plan.stage import Stage

Places = dict[str, dict[str, str]]
"""Variant to the address that stands in it for each of the spec's own: `search` to `search@plain`."""


def distinct(main: Sequence[Stage], variants: Mapping[str, Sequence[Stage]]) -> tuple[tuple[Stage, ...], Places]:
    """Return the stages that variants add, in topological order, and where each variant finds all of its stages.

    Args:
        main: The spec's own stages, in topological order.
        variants: Variant to its stages, compiled as if it were a spec of its own.
    """
    found = keys(main)
    known = {key: address for address, key in found.items()}
    added: list[Stage] = []
    places: Places = {}
    for name, stages in variants.items():
        where: dict[str, str] = {}
        for stage in stages:
            own = replace(stage, variant=name, inputs=tuple(where[address] for address in stage.inputs))
            key = own.key(found)
            if key not in known:
                known[key], found[own.address] = own.address, key
                added.append(own)
            where[stage.address] = known[key]
        places[name] = where
    return tuple(added), places
