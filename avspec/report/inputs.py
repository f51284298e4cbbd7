"""What the report is made of: the outline of the spec and the JSON of every stage before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avspec.errors import Corrupted

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outline:
    """What the spec asked for, as far as the report talks about it."""

    name: str
    model: str
    domains: tuple[str, ...]
    guardrails: Mapping[str, float | None]
    """Guardrail to the largest drop it may show, None for a guardrail that is only watched."""
    levels: Mapping[str, tuple[str, ...]]
    """Levels of every domain and guardrail, least to most preferred."""
    behaviors: Mapping[str, Mapping[str, str]]
    """The behaviors the spec names, without the atlas."""
    atlas: bool = False
    max_fluency_drop: float | None = None
    variants: Mapping[str, Json] = field(default_factory=dict)
    """Variant to what it says, leaf by leaf."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The JSON that the stages left, keyed by domain where there is one stage a domain."""

    base: Json
    data: Mapping[str, Json]
    training: Mapping[str, Json]
    vectors: Mapping[str, Json]
    sweep: Json
    search: Json
    evaluate: Json
    compare: Json = field(default_factory=dict)
    """Empty where the spec compares no samplers."""
    cards: Mapping[str, Json] = field(default_factory=dict)
    """Domain or guardrail to its data card."""
    agreement: Json = field(default_factory=dict)
    """How far annotators and judges agree; empty where nobody annotated."""
    prompting: Json = field(default_factory=dict)
    """Levels asked for in words beside the knob; empty where the spec does not ask for it."""
    joint: Mapping[str, Json] = field(default_factory=dict)
    """Behavior to what its joint training gave."""
    transfer: Mapping[str, Json] = field(default_factory=dict)
    """Target to what the vectors do on it."""
    variants: Json = field(default_factory=dict)
    """What each variant comes to beside the spec; empty where there are none."""
    cosines: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Stage address to the seconds it took, when the run knows them."""


def read_artifacts(
    inputs: Mapping[str, Path],
    cosines: Mapping[str, Mapping[str, float | None]],
    seconds: Mapping[str, float],
) -> Artifacts:
    """Read the JSON of all input folders; a NaN or an infinity in them becomes None.

    Args:
        inputs: Stage address (`base`, `train[medical]`) to the folder of its artifact.
        cosines: Cosine of every pair of Alignment Vectors.
        seconds: Stage address to seconds.

    Raises:
        Corrupted: A file is missing or is not JSON.
    """
    return Artifacts(
        base=_read(inputs["base"] / "base.json"),
        data=_read_each(inputs, "data", "data.json"),
        training=_read_each(inputs, "train", "training.json"),
        vectors=_read_each(inputs, "extract", "vector.json"),
        sweep=_read(inputs["sweep"] / "sweep.json"),
        search=_read(inputs["search"] / "search.json"),
        evaluate=_read(inputs["evaluate"] / "evaluate.json"),
        compare=_read(inputs["compare"] / "compare.json") if "compare" in inputs else {},
        cards=_read_each(inputs, "card", "card.json"),
        agreement=_read(inputs["agreement"] / "agreement.json") if "agreement" in inputs else {},
        prompting=_read(inputs["prompting"] / "prompting.json") if "prompting" in inputs else {},
        joint=_read_each(inputs, "joint", "joint.json"),
        transfer=_read_each(inputs, "transfer", "transfer.json"),
        variants=_read(inputs["variants"] / "variants.json") if "variants" in inputs else {},
        cosines=cosines,
        seconds=dict(seconds),
    )


def _read_each(inputs: Mapping[str, Path], kind: str, file: str) -> dict[str, Json]:
    prefix = f"{kind}["
    return {
        address[len(prefix) : -1]: _read(folder / file)
        for address, folder in inputs.items()
        if address.startswith(prefix)
    }


def _read(path: Path) -> Json:
    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    except (OSError, ValueError) as error:
        hint = "run `avspec apply` again; the stage that wrote it is repeated if its artifact is incomplete"
        raise Corrupted(f"the report cannot read {path.name}: {error}", where=str(path), hint=hint) from error
    if not isinstance(value, dict):
        raise Corrupted(f"{path.name} does not hold a JSON object", where=str(path))
    return value
