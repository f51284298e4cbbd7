"""The alignment vectors on other fine-tunes (paper, section 6.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from avspec.report import text
from avspec.report.inputs import Artifacts, Json, Outline

HEAD = ("Vector", "Measured in", "Base", "Target, knob at 0", "Knob lowest", "Knob highest", "Change")

NOT_COMPARED = (text.NOTHING, text.NOTHING)
"""The cells of the knob's ends where the sweep leaves nothing between -1 and 1."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One target."""

    name: str
    ref: str
    """As the spec names it."""
    headline: str
    rows: tuple[tuple[str, ...], ...]
    """As `HEAD` names their cells."""
    curves: Mapping[str, tuple[Json, ...]]
    """Vector to its curve on the target."""
    json: Json


def read_transfers(outline: Outline, artifacts: Artifacts) -> tuple[Transfer, ...]:
    """Return every target in the spec's order."""
    return tuple(_transfer(name, found, outline) for name, found in artifacts.transfer.items())


def _transfer(name: str, found: Json, outline: Outline) -> Transfer:
    return Transfer(
        name=name,
        ref=str(found["target"]),
        headline=_headline(found, outline),
        rows=tuple(_rows(found, outline)),
        curves={domain: tuple(curve) for domain, curve in found["curves"].items()},
        json=found,
    )


def _headline(found: Json, outline: Outline) -> str:
    """Say how far the vectors move their own domains on the target, and the guardrails, at most."""
    rises = {domain: said["rise"] for domain, said in found["summary"].items() if said["rise"] is not None}
    if not rises:
        return "The coefficients of the sweep leave nothing to compare between −1 and 1."
    told = text.listing([f"{domain} {text.points(rise)}" for domain, rise in rises.items()])
    ranges = {
        name: max(said["ranges"].get(name, 0.0) for said in found["summary"].values()) for name in outline.guardrails
    }
    watched = text.listing([f"{name} by {text.points(change)}" for name, change in ranges.items()])
    kept = f"; in the guardrails it changes at most: {watched}" if watched else ""
    return (
        f"From a knob’s lowest coefficient to its highest, the share of the highest level in its own domain rises by "
        f"{told}{kept}."
    )


def _rows(found: Json, outline: Outline) -> Iterator[tuple[str, ...]]:
    for domain, said in found["summary"].items():
        ends = said["coefficients"] or ()
        for name in (*outline.domains, *outline.guardrails):
            level, curve = outline.levels[name][-1], found["curves"][domain]
            yield (
                domain,
                f"{name}, {level}" + (" (its own)" if name == domain else ""),
                text.share(found["base"][name], level),
                text.share(_at(curve, 0, name), level),
                *([f"{text.coefficient(e)}: {text.share(_at(curve, e, name), level)}" for e in ends] or NOT_COMPARED),
                text.points(said["rise"] if name == domain else said["ranges"].get(name)),
            )


def _at(curve: list[Json], coefficient: float, name: str) -> Json | None:
    """Return what was measured in a domain or guardrail at a coefficient of the curve."""
    return next((point["domains"][name] for point in curve if point["coefficient"] == coefficient), None)
