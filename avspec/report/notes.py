"""The headline, and what a careful reader should know before trusting the numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from avspec.report.atlas import AtlasRow
from avspec.report.behaviors import Behavior
from avspec.report.inputs import Artifacts, Outline
from avspec.report.text import listing, nats, percent, plural

FEW_ROWS = 100
"""Below this many test rows a share of one half is uncertain by about ten points or more."""
MORE_REPEATED = 0.1
"""A share of repeated 4-grams this much above the base's is said."""


_MORE = {
    "unreachable": "The surface gives it no chance anywhere in the range: more evaluations will hardly find it.",
    "open": "The search did not rule it out: more evaluations (search.evaluations) may find it.",
}
"""What a larger search would do for a behavior, by its standing."""


def headline(behaviors: Sequence[Behavior], vectors: int) -> str:
    """Say in one sentence what came out, on the test split."""
    held, asked = sum(b.held_test is True for b in behaviors), len(behaviors)
    if not asked:
        return f"{plural(vectors, 'alignment vector')} made; the spec names no behavior"
    if asked == 1:
        verb = "holds" if held else "does not hold"
        return f"The behavior {behaviors[0].name} {verb} on the test split"
    if held == asked:
        return f"All {asked} behaviors hold on the test split"
    if not held:
        return f"None of the {asked} behaviors holds on the test split"
    return f"{held} of {asked} behaviors {'hold' if held > 1 else 'holds'} on the test split"


def subline(behaviors: Sequence[Behavior], atlas: Sequence[AtlasRow], evaluations: int) -> str:
    """Say what the headline rests on."""
    said = []
    if behaviors:
        held = sum(b.held_search for b in behaviors)
        hold = f"{held} of {len(behaviors)} {'holds' if held == 1 else 'hold'}"
        said.append(
            f"The coefficients were chosen on the search split, where {hold}, in {plural(evaluations, 'evaluation')}."
        )
    if atlas:
        reached = sum(row.reached for row in atlas)
        kept = sum(row.reached and row.held_test is True for row in atlas)
        said.append(
            f"Of all {len(atlas)} combinations of levels {reached} are reached on the search split, "
            f"{kept} of them on the test split too."
        )
    return " ".join(said)


def quantized(model: str) -> str:
    """Return a sentence about a base that was de-quantized from GGUF, empty for any other."""
    if not model.lower().endswith(".gguf"):
        return ""
    bits = re.search(r"[._-]I?Q(\d)", model, re.IGNORECASE)
    width = f"{bits.group(1)}-bit " if bits else ""
    return f"the base is de-quantized from a {width}GGUF file"


def notes(outline: Outline, artifacts: Artifacts, behaviors: Mapping[str, Behavior]) -> tuple[str, ...]:
    """Return the notes, the weightiest first."""
    named = [behaviors[name] for name in outline.behaviors]
    return (
        *(_not_held(behavior) for behavior in named if behavior.held_test is not True),
        *(note for behavior in named for note in _repetition(behavior)),
        *_quantized(outline, artifacts),
        *_few_rows(outline, artifacts),
        *_choice(named),
        *_failed(artifacts),
        *_precision(artifacts),
        *(str(note) for note in artifacts.base.get("notes") or ()),
    )


def _not_held(behavior: Behavior) -> str:
    if behavior.held_test is None:
        return f"{behavior.name} was not measured on the test split."
    where = "on the search split but not on the test split" if behavior.held_search else "on neither split"
    text = f"{behavior.name} holds {where}"
    why = f"{text}: {'; '.join(behavior.obstacles)}." if behavior.obstacles else f"{text}."
    return " ".join(filter(None, (why, _MORE.get(behavior.standing, ""))))


def _repetition(behavior: Behavior) -> list[str]:
    return [
        f"{behavior.name} repeats itself in {result.domain}: {percent(result.repeated)} of the 4-grams of its "
        f"answers occur more than once, {percent(result.repeated_base)} in the base's."
        for result in behavior.domains
        if result.repeated is not None
        and result.repeated_base is not None
        and result.repeated - result.repeated_base > MORE_REPEATED
    ]


def _quantized(outline: Outline, artifacts: Artifacts) -> list[str]:
    said = quantized(str(artifacts.base.get("ref") or outline.model))
    if not said or any("quantized" in str(note) for note in artifacts.base.get("notes") or ()):
        return []
    return [
        f"{said[0].upper()}{said[1:]}, not the published weights: figures taken on it do not stand for those weights."
    ]


def _few_rows(outline: Outline, artifacts: Artifacts) -> list[str]:
    from avspec.stats import wilson

    rows = {d: int((artifacts.data.get(d, {}).get("counts") or {}).get("test") or 0) for d in outline.domains}
    small = {domain: number for domain, number in rows.items() if 0 < number < FEW_ROWS}
    if not small:
        return []
    least = min(small.values())
    low, high = wilson(least // 2, least)
    named = listing([f"{domain} {number}" for domain, number in small.items()])
    return [
        f"The test split is small ({named} rows): with {least} rows a share of "
        f"{percent(least // 2 / least)} is known only to lie between {percent(low)} and {percent(high)} "
        "(95% Wilson interval). Whether a behavior holds is decided by the shares themselves, not by their "
        "intervals; data of your own narrows them."
    ]


def _choice(named: Sequence[Behavior]) -> list[str]:
    if not named:
        return []
    return [
        "Shares on the search split are optimistic, because the coefficients were chosen on it; quote those "
        "of the test split."
    ]


def _failed(artifacts: Artifacts) -> list[str]:
    said = []
    for stage, result in (("sweep", artifacts.sweep), ("search", artifacts.search)):
        if failed := result.get("failed") or []:
            reasons = sorted({str(item.get("reason")) for item in failed})
            said.append(f"{plural(len(failed), 'evaluation')} of the {stage} failed: {'; '.join(reasons)}.")
    return said


def _precision(artifacts: Artifacts) -> list[str]:
    dtype = str(artifacts.base.get("dtype") or "")
    if dtype in ("", "float32"):
        return []
    return [
        f"Log-probs were computed in {dtype}, which moves a mean log-prob by a few hundredths of a nat; the base "
        "and the vectors are float32."
    ]


def fluency_sentence(limit: float | None) -> str:
    """Say what the fluency drop is and which limit the search kept."""
    kept = f"; the search keeps it at or below {nats(limit)}" if limit is not None else ""
    return (
        "Fluency drop: how many nats per token the mean log-prob of the wanted level's responses fell against "
        f"the base, the largest over the domains (negative: it rose){kept}."
    )
