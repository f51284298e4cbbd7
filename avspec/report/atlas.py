"""The atlas: every levels^domains combination, its coefficients, or what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from avspec.report.behaviors import Behavior, obstacles
from avspec.report.inputs import Artifacts, Outline
from avspec.report.obstructions import Obstruction


@dataclass(frozen=True, slots=True)
class AtlasRow:
    """One combination of levels."""

    wanted: Mapping[str, str]
    name: str
    coefficients: Mapping[str, float]
    """Of the best evaluation, also when it does not hold."""
    reached: bool
    """The combination holds on the search split."""
    held_test: bool | None
    margin: float | None
    """Smallest margin over the domains, on the search split."""
    obstacle: str
    """What stands in the way: the domain with the smallest margin, or fluency; empty when reached."""
    obstruction: Obstruction | None
    """Why that domain falls short, as far as the sweep tells."""
    behavior: Behavior | None


def read_atlas(
    outline: Outline,
    artifacts: Artifacts,
    behaviors: Mapping[str, Behavior],
    obstructions: Mapping[str, Obstruction],
) -> tuple[AtlasRow, ...]:
    """Return one row for each combination, in the order of the levels; empty when the atlas is off."""
    if not outline.atlas or not outline.domains:
        return ()
    # a named behavior that wants more than levels stands before the plain combination, which is what counts here
    complete = {_key(outline, b.wanted): b for b in behaviors.values() if len(b.wanted) == len(outline.domains)}
    combinations = product(*(outline.levels[domain] for domain in outline.domains))
    return tuple(_row(outline, artifacts, levels, complete.get(levels), obstructions) for levels in combinations)


def _key(outline: Outline, wanted: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(wanted.get(domain, "") for domain in outline.domains)


def _row(
    outline: Outline,
    artifacts: Artifacts,
    levels: tuple[str, ...],
    behavior: Behavior | None,
    obstructions: Mapping[str, Obstruction],
) -> AtlasRow:
    wanted = dict(zip(outline.domains, levels, strict=True))
    name = behavior.name if behavior else ",".join(f"{domain}={level}" for domain, level in wanted.items())
    found = (artifacts.search.get("behaviors") or {}).get(name) or {}
    reached = behavior is not None and behavior.held_search
    return AtlasRow(
        wanted=wanted,
        name=name,
        coefficients=behavior.coefficients if behavior else {},
        reached=reached,
        held_test=behavior.held_test if behavior else None,
        margin=found.get("margin"),
        obstacle="" if reached else _obstacle(outline, behavior),
        obstruction=None if reached else obstructions.get(name),
        behavior=behavior,
    )


def _obstacle(outline: Outline, behavior: Behavior | None) -> str:
    if behavior is None or not behavior.coefficients:
        return "not searched"
    said = obstacles(behavior, "search", outline)
    return said[0] if said else "a limit: the best evaluation drops too far in fluency or in a guardrail"


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the map: the combinations of two domains' levels, at one level of every other domain."""

    title: str
    rows: Mapping[str, tuple[AtlasRow, ...]]
    """Level of the last domain but one to the combinations, in the order of the last domain's levels."""


def panels(atlas: Sequence[AtlasRow], outline: Outline) -> tuple[Panel, ...]:
    """Return the atlas as a map that fits on a page; empty for one domain, or for more than three."""
    if not atlas or len(outline.domains) not in (2, 3):
        return ()
    *outer, down, across = outline.domains
    width, height = len(outline.levels[across]), len(outline.levels[down])
    return tuple(
        Panel(
            title=", ".join(f"{domain}: {atlas[start].wanted[domain]}" for domain in outer),
            rows={
                level: tuple(atlas[start + index * width : start + (index + 1) * width])
                for index, level in enumerate(outline.levels[down])
            },
        )
        for start in range(0, len(atlas), width * height)
    )
