"""What stages of several kinds read of a spec."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspec import registry

if TYPE_CHECKING:
    from avspec.spec import LoadedSpec, Spec


def steered(spec: Spec) -> tuple[str, ...]:
    """Return what every stage reads that scores the steered model: base, all rows, all vectors."""
    data = (f"data[{name}]" for name in (*spec.domains, *spec.guardrails))
    return ("base", *data, *(f"extract[{domain}]" for domain in spec.domains))


def levels(spec: Spec) -> dict[str, tuple[str, ...]]:
    """Return the levels of every domain and guardrail, least to most preferred."""
    return {name: spec.levels_of(name) for name in (*spec.domains, *spec.guardrails)}


def limits(spec: Spec) -> dict[str, float]:
    """Return `max_drop` of the guardrails that have one, a share."""
    return {name: rail.max_drop for name, rail in spec.guardrails.items() if rail.max_drop is not None}


def evaluators(spec: Spec) -> tuple[dict[str, Any], ...]:
    """Return name and options of each evaluator."""
    return tuple({"name": each.plugin, "options": each.options} for each in spec.evaluation)


def plugin(group: str, name: str) -> dict[str, str]:
    """Return what stands for a plugin in the key of a stage that runs it."""
    return {"group": group, **registry.identity(group, name)}


def folder_of(loaded: LoadedSpec, leaf: str) -> Path:
    """Return where a relative path starts: at the file that names it, which may be one the spec extends."""
    file, _, line = loaded.origins.get(leaf, "").rpartition(":")
    return Path(file).parent if line.isdigit() else loaded.path.parent
