"""The Alignment Vectors: norms, cosines, training curves, and how far each one moves the other domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from avspec.report.inputs import Artifacts, Json, Outline
from avspec.search.movement import moved, relative


@dataclass(frozen=True, slots=True)
class Vector:
    """One Alignment Vector and the training it comes from."""

    domain: str
    norm: float | None
    sha256: str
    seconds: float | None
    rows: int
    anchors: int
    loss: tuple[tuple[float, float], ...]
    """(optimizer step, training loss)."""
    validation: tuple[tuple[float, float], ...]
    """(optimizer step, validation loss)."""
    kept: Mapping[str, float] = field(default_factory=dict)
    """What the extractor kept of the difference, quantity to share; empty for the difference itself."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What turning one knob over its whole range does to one domain or guardrail."""

    knob: str
    measured: str
    nats: float | None
    """Change of the mean log-prob of the highest level less that of the lowest, nats per token."""
    ratio: float | None
    """The same, relative to the change in the knob's own domain (paper, table 4: over-generalization)."""


def read_vectors(outline: Outline, artifacts: Artifacts) -> tuple[Vector, ...]:
    """Return the vectors in the order of the domains."""
    return tuple(
        _vector(domain, artifacts, artifacts.vectors.get(domain, {}), artifacts.training.get(domain, {}))
        for domain in outline.domains
    )


def read_movements(outline: Outline, sweep: Json) -> tuple[tuple[Movement, ...], ...]:
    """Return one row of movements for each knob, over all domains and guardrails."""
    measured = (*outline.domains, *outline.guardrails)
    rows = []
    for knob in outline.domains:
        curve = (sweep.get("curves") or {}).get(knob) or []
        nats = {name: moved(curve, name, outline.levels[name]) for name in measured}
        ratios = relative(curve, knob, {name: outline.levels[name] for name in measured})
        rows.append(tuple(Movement(knob, name, nats[name], ratios[name]) for name in measured))
    return tuple(rows)


def _vector(domain: str, artifacts: Artifacts, vector: Json, training: Json) -> Vector:
    return Vector(
        domain=domain,
        norm=vector.get("norm"),
        sha256=str(vector.get("sha256") or ""),
        seconds=artifacts.seconds.get(f"train[{domain}]", training.get("seconds")),
        rows=int(training.get("rows") or 0),
        anchors=int(training.get("anchors") or 0),
        loss=_points(training.get("steps") or ()),
        validation=_points(training.get("validation") or ()),
        kept=vector.get("kept") or {},
    )


def _points(curve: Sequence[Json]) -> tuple[tuple[float, float], ...]:
    return tuple(
        (float(point["step"]), float(point["loss"]))
        for point in curve
        if point.get("step") is not None and point.get("loss") is not None
    )
