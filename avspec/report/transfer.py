"""The alignment vectors on other fine-tunes (paper, section 6.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from avspec.report import text
from avspec.report.inputs import Artifacts, Json, Outline

HEAD = ("Vector", "Coefficients", "Own domain", "Measured in", "Base", "Target", "Change there")


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
    kept = f"; the share of the highest level changes at most in {watched}" if watched else ""
    return (
        f"Highest level’s share in a vector’s own domain, from its smallest coefficient to its largest: {told}{kept}."
    )


def _rows(found: Json, outline: Outline) -> Iterator[tuple[str, ...]]:
    for domain, said in found["summary"].items():
        ends = said["coefficients"]
        for name in (*outline.domains, *outline.guardrails):
            level, at_zero = outline.levels[name][-1], _at_zero(found["curves"][domain], name)
            change = said["rise"] if name == domain else said["ranges"].get(name)
            yield (
                domain,
                f"{text.coefficient(ends[0])} to {text.coefficient(ends[1])}" if ends else text.NOTHING,
                "yes" if name == domain else "",
                f"{name}, {level}",
                text.percent(found["base"][name]["shares"][level]),
                text.percent(at_zero["shares"][level] if at_zero else None),
                text.points(change),
            )


def _at_zero(curve: list[Json], name: str) -> Json | None:
    return next((point["domains"][name] for point in curve if point["coefficient"] == 0), None)
