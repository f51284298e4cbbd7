"""report.json: the results for machines; keys may be added, those here stay."""

from __future__ import annotations

import json
from typing import Any

from avspec.report.atlas import AtlasRow
from avspec.report.behaviors import Behavior, DomainResult, GuardrailResult, Measure
from avspec.report.cost import Cost
from avspec.report.progress import Progress
from avspec.report.search import Search
from avspec.report.summary import Summary
from avspec.report.vectors import Vector

FORMAT_VERSION = 1


def report_json(summary: Summary) -> str:
    """Return the text of report.json: sorted nowhere, NaN nowhere, one trailing newline."""
    return json.dumps(results(summary), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def results(summary: Summary) -> dict[str, Any]:
    """Return report.json as values."""
    outline = summary.outline
    return {
        "format_version": FORMAT_VERSION,
        "name": outline.name,
        "model": outline.model,
        "parameters": summary.parameters or None,
        "headline": summary.headline,
        "domains": {domain: {"levels": list(outline.levels[domain])} for domain in outline.domains},
        "rows": {name: dict(counts) for name, counts in summary.counts.items()},
        "data": {card.domain: dict(card.json) for card in summary.cards},
        **({"agreement": dict(summary.agreement.json)} if summary.agreement else {}),
        **(dict(summary.baselines.json) if summary.baselines else {}),
        **({"transfer": {each.name: dict(each.json) for each in summary.transfers}} if summary.transfers else {}),
        **({"variants": {row.name: dict(row.json) for row in summary.variants.rows}} if summary.variants else {}),
        "vectors": {v.domain: _vector(v) for v in summary.vectors},
        "cosines": {domain: dict(row) for domain, row in summary.cosines.items()},
        "movements": {
            row[0].knob: {cell.measured: {"nats": cell.nats, "ratio": cell.ratio} for cell in row}
            for row in summary.movements
        },
        "evaluations": summary.cost.evaluations,
        "search": _search(summary.search, summary.progress),
        "seconds": dict(summary.cost.stages),
        "behaviors": {behavior.name: _behavior(behavior) for behavior in summary.behaviors},
        "guardrails": {
            name: {"level": outline.levels[name][-1], "max_drop": limit, "base": _measure(summary.base[name])}
            for name, limit in outline.guardrails.items()
        },
        "atlas": [_atlas(row) for row in summary.atlas],
        "cost": _cost(summary.cost),
        "notes": list(summary.notes),
    }


def _vector(vector: Vector) -> dict[str, Any]:
    kept = {"kept": dict(vector.kept)} if vector.kept else {}
    return {"norm": vector.norm, "sha256": vector.sha256, **kept}


def _behavior(behavior: Behavior) -> dict[str, Any]:
    return {
        "wanted": dict(behavior.wanted),
        "coefficients": dict(behavior.coefficients),
        "held": {"search": behavior.held_search, "test": behavior.held_test},
        "standing": behavior.standing or None,
        "fluency_drop": behavior.fluency_test,
        "fluency_drop_search": behavior.fluency_search,
        "obstacles": list(behavior.obstacles),
        "domains": {result.domain: _domain(result) for result in behavior.domains},
        "guardrails": {result.guardrail: _guardrail(result) for result in behavior.guardrails},
        "examples": {
            example.domain: {"query": example.query, "base": example.base, "steered": example.steered}
            for example in behavior.examples
        },
        "metrics": dict(behavior.metrics),
    }


def _search(search: Search, progress: Progress) -> dict[str, Any]:
    return {
        "sampler": search.sampler,
        "evaluations": search.evaluations,
        "stopped": search.stopped or None,
        "left_out_error": search.left_out_error,
        "standings": dict(search.standings),
        "pruned": search.pruned,
        "saved": search.saved,
        "held_by_sampler": {name: list(curve) for name, curve in progress.by_sampler.items()},
    }


def _domain(result: DomainResult) -> dict[str, Any]:
    return {
        "wanted": result.wanted,
        "least_share": result.least_share,
        "base": _measure(result.base),
        "search": _measure(result.search),
        "test": _measure(result.test),
        "repeated_4grams": {"base": result.repeated_base, "steered": result.repeated},
    }


def _guardrail(result: GuardrailResult) -> dict[str, Any]:
    return {
        "level": result.level,
        "search": _measure(result.search),
        "test": _measure(result.test),
        "drop": result.drop,
        "max_drop": result.max_drop,
        "ok": result.ok,
    }


def _measure(measure: Measure | None) -> dict[str, Any] | None:
    if measure is None:
        return None
    return {
        "shares": dict(measure.shares),
        "rows": measure.rows,
        "interval": {level: list(bounds) for level, bounds in measure.interval.items()},
        "mean_log_prob": dict(measure.mean_log_prob),
        "fluency_drop": measure.fluency_drop,
    }


def _atlas(row: AtlasRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "wanted": dict(row.wanted),
        "reached": row.reached,
        "held": {"search": row.reached, "test": row.held_test},
        "coefficients": dict(row.coefficients),
        "margin": row.margin,
        "obstacle": row.obstacle,
        "why": row.obstruction.sentence if row.obstruction else "",
    }


def atlas_json(summary: Summary) -> str:
    """Return the text of atlas.json: every combination as measured, or its nearest miss and what is in its way."""
    rows = [_combination(row) for row in summary.atlas]
    found = {
        "format_version": FORMAT_VERSION,
        "name": summary.outline.name,
        "domains": {domain: {"levels": list(summary.outline.levels[domain])} for domain in summary.outline.domains},
        "max_fluency_drop": summary.outline.max_fluency_drop,
        "reached": sum(row.reached for row in summary.atlas),
        "combinations": rows,
    }
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _combination(row: AtlasRow) -> dict[str, Any]:
    behavior = row.behavior
    results = behavior.domains if behavior else ()
    return {
        "name": row.name,
        "wanted": dict(row.wanted),
        "coefficients": dict(row.coefficients),
        "held": {"search": row.reached, "test": row.held_test},
        "standing": (behavior.standing if behavior else "") or None,
        "margin": row.margin,
        "fluency_drop": {
            "search": behavior.fluency_search if behavior else None,
            "test": behavior.fluency_test if behavior else None,
        },
        "domains": {r.domain: {"search": _measure(r.search), "test": _measure(r.test)} for r in results},
        "nearest_miss": None if row.reached else _miss(row),
    }


def _miss(row: AtlasRow) -> dict[str, Any]:
    why = row.obstruction
    return {
        "obstacle": row.obstacle,
        "domain": why.domain if why else None,
        "rival": why.rival if why else None,
        "own_nats": why.own if why else None,
        "pulls": [{"knob": p.knob, "coefficient": p.coefficient, "nats": p.nats} for p in why.pulls] if why else [],
        "peak": {"coefficient": why.peak[0], "share": why.peak[1]} if why and why.peak else None,
        "said": why.sentence if why else "",
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "seconds": cost.total,
        "evaluations": cost.evaluations,
        "seconds_per_evaluation": cost.seconds_per_evaluation,
        "training_seconds_per_domain": cost.training_seconds,
        "training_seconds": cost.training,
        "evaluation_seconds": cost.searched,
        "paper_grid": {"evaluations": cost.grid_evaluations, "seconds": cost.grid},
        "joint_training": {"runs": cost.joint_runs, "seconds": cost.joint},
    }
