"""Variants of the spec beside the spec itself: what holds, how well, and how far each knob moves other domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avspec.report import text
from avspec.report.inputs import Artifacts, Json, Outline
from avspec.spec.model import MAIN

ABOUT = (
    "Each variant is the spec with one thing said otherwise, searched for the same behaviors and measured on the same "
    "test rows. Intervals are 95% bootstraps over the test rows; those of differences are paired."
)
HEAD = (
    "Variant",
    "What it says",
    "Hold on search",
    "Hold on test",
    "More than the spec",
    "Worst domain’s share",
    "Off-domain movement",
    "Fluency drop",
    "Repeated",
    "Evaluations",
)
LEGEND = (
    "Worst domain’s share: of the level asked for, in the domain where it is smallest, mean over all behaviors, test "
    "split. Off-domain movement: how far a knob moves the other domains, relative to its own (1: as far), mean over "
    "knobs and domains, search split. Fluency drop: mean over behaviors and, in parentheses, the largest, nats per "
    "token, test split. Repeated: 4-grams said before, answers of the behaviors that the spec names."
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant, or the spec itself."""

    name: str
    cells: tuple[str, ...]
    """As `HEAD` names them, but for the name."""
    kept: str
    """What its extractor kept of the difference, in words; empty for all of it."""
    json: Json


@dataclass(frozen=True, slots=True)
class Variants:
    """All of them."""

    headline: str
    rows: tuple[Variant, ...]


def read_variants(outline: Outline, artifacts: Artifacts) -> Variants | None:
    """Return the spec and its variants, or None where it has none."""
    found: Mapping[str, Json] = artifacts.variants.get("variants") or {}
    if not found:
        return None
    rows = tuple(_variant(name, outline.variants.get(name, {}), said) for name, said in found.items())
    return Variants(_headline(found, int(artifacts.variants["behaviors"])), rows)


def _variant(name: str, changes: Mapping[str, Any], said: Json) -> Variant:
    held, gain, worst = said["held"], said.get("gain"), said["worst_share"]
    drop = said["fluency_drop"]
    cells = (
        ", ".join(f"{leaf} {value}" for leaf, value in changes.items()) or "the spec itself",
        str(held["search"]),
        f"{held['test']}\u00a0{_between(held['interval'], 0)}",
        f"{gain['held']:+d}\u00a0{_between(gain['interval'], 0, sign=True)}".replace("-", "−")
        if gain
        else text.NOTHING,
        f"{text.percent(worst['mean'])}\u00a0{_between([100 * bound for bound in worst['interval']], 0)}",
        text.decimal(said["off_domain"], 2) if said["off_domain"] is not None else text.NOTHING,
        f"{text.nats(drop['mean'])}\u00a0({text.nats(drop['largest'])})" if drop else text.NOTHING,
        text.percent(said["repeated"]) if said["repeated"] is not None else text.NOTHING,
        str(said["evaluations"]),
    )
    return Variant(name, cells, _kept(said["vectors"]), said)


def _between(bounds: Sequence[float], decimals: int, *, sign: bool = False) -> str:
    low, high = (f"{bound:{'+' if sign else ''}.{decimals}f}" for bound in bounds)
    return f"[{low},\u00a0{high}]".replace("-", "−")


def _kept(vectors: Mapping[str, Json]) -> str:
    """Return what is kept of the vectors, each quantity as its mean over domains."""
    quantities = {key for vector in vectors.values() for key in vector.get("kept") or {}}
    means = {key: sum(vector["kept"][key] for vector in vectors.values()) / len(vectors) for key in sorted(quantities)}
    return ", ".join(f"{key} {text.percent(value)}" for key, value in means.items())


def _headline(found: Mapping[str, Json], behaviors: int) -> str:
    """Say whether any variant is better than the spec beyond what its interval allows."""
    main = found[MAIN]["held"]["test"]
    more = [name for name, said in found.items() if (gain := said.get("gain")) and gain["interval"][0] > 0]
    less = [name for name, said in found.items() if (gain := said.get("gain")) and gain["interval"][1] < 0]
    said = [f"The spec itself holds {main} of {text.plural(behaviors, 'behavior')} on the test split."]
    said.append(f"Surely more: {text.listing(more)}." if more else "No variant surely holds more.")
    if less:
        said.append(f"Surely fewer: {text.listing(less)}.")
    return " ".join(said)
