"""Everything the report says, computed once: report.json, report.md and report.html only write it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avspec.report.agreement import Agreement, read_agreement
from avspec.report.atlas import AtlasRow, read_atlas
from avspec.report.baselines import Baselines, read_baselines
from avspec.report.behaviors import Behavior, Measure, base_measure, read_behaviors
from avspec.report.cards import Card, read_cards
from avspec.report.cost import Cost, read_cost
from avspec.report.inputs import Artifacts, Json, Outline
from avspec.report.notes import headline, notes, quantized, subline
from avspec.report.obstructions import Obstruction, read_obstruction
from avspec.report.progress import Progress, read_progress
from avspec.report.search import Search, read_search
from avspec.report.transfer import Transfer, read_transfers
from avspec.report.variants import Variants, read_variants
from avspec.report.vectors import Movement, Vector, read_movements, read_vectors


@dataclass(frozen=True, slots=True)
class Summary:
    """The report's content, without any form."""

    outline: Outline
    headline: str
    subline: str
    base_note: str
    """Said beside the figures when the base is not the published weights; else empty."""
    dtype: str
    parameters: int
    counts: Mapping[str, Mapping[str, int]]
    """Rows of each domain and guardrail on each split."""
    cards: tuple[Card, ...]
    """Data cards of domains and guardrails."""
    agreement: Agreement | None
    """How far annotators agree; None where nobody annotated."""
    baselines: Baselines | None
    """Prompting and joint training; None where the spec asks for neither."""
    transfers: tuple[Transfer, ...]
    """Other fine-tunes that the vectors were tried on."""
    variants: Variants | None
    """Variants of the spec beside it; None where it has none."""
    behaviors: tuple[Behavior, ...]
    """Those the spec names."""
    combinations: Mapping[str, Behavior]
    """All behaviors searched, the atlas's included."""
    obstructions: Mapping[str, Obstruction]
    """What stands in the way of those that do not hold on the search split."""
    base: Mapping[str, Measure | None]
    """The base on the test split, each domain and guardrail."""
    atlas: tuple[AtlasRow, ...]
    vectors: tuple[Vector, ...]
    cosines: Mapping[str, Mapping[str, float | None]]
    movements: tuple[tuple[Movement, ...], ...]
    sweep: Mapping[str, tuple[Json, ...]]
    """Domain to its curve, ascending coefficients."""
    progress: Progress
    search: Search
    cost: Cost
    base_metrics: Mapping[str, Any]
    notes: tuple[str, ...]


def summarize(outline: Outline, artifacts: Artifacts) -> Summary:
    """Compute the report's content from what the stages left."""
    combinations = read_behaviors(outline, artifacts)
    named = tuple(combinations[name] for name in outline.behaviors)
    curves = {d: tuple((artifacts.sweep.get("curves") or {}).get(d) or ()) for d in outline.domains}
    found = {name: read_obstruction(behavior, outline, curves) for name, behavior in combinations.items()}
    obstructions = {name: obstruction for name, obstruction in found.items() if obstruction}
    atlas = read_atlas(outline, artifacts, combinations, obstructions)
    cost = read_cost(outline, artifacts)
    measured = (*outline.domains, *outline.guardrails)
    return Summary(
        outline=outline,
        headline=headline(named, len(outline.domains)),
        subline=subline(named, atlas, cost.evaluations),
        base_note=quantized(str(artifacts.base.get("ref") or outline.model)),
        dtype=str(artifacts.base.get("dtype") or ""),
        parameters=int(artifacts.base.get("parameters") or 0),
        counts={name: artifacts.data.get(name, {}).get("counts") or {} for name in measured},
        cards=read_cards(outline, artifacts.cards),
        agreement=read_agreement(artifacts.agreement),
        baselines=read_baselines(outline, artifacts, combinations, cost),
        transfers=read_transfers(outline, artifacts),
        variants=read_variants(outline, artifacts),
        behaviors=named,
        combinations=combinations,
        base={name: base_measure(artifacts, name, "test") for name in measured},
        obstructions=obstructions,
        atlas=atlas,
        vectors=read_vectors(outline, artifacts),
        cosines=artifacts.cosines,
        movements=read_movements(outline, artifacts.sweep),
        sweep=curves,
        progress=read_progress(artifacts.search, artifacts.compare),
        search=read_search(artifacts.search),
        cost=cost,
        base_metrics=(artifacts.evaluate.get("base") or {}).get("metrics") or {},
        notes=notes(outline, artifacts, combinations),
    )
