"""Behaviors and the atlas in report.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from avspec.report import text
from avspec.report.atlas import AtlasRow
from avspec.report.behaviors import Behavior, DomainResult, Measure
from avspec.report.markup import fence, table
from avspec.report.notes import fluency_sentence
from avspec.report.summary import Summary


def behaviors(summary: Summary) -> Iterable[str]:
    """Yield the section of the behaviors: a table of all, then each."""
    if not summary.behaviors:
        return
    yield "## Behaviors"
    domains = summary.outline.domains
    head = ["behavior", *domains, "coefficients", "fluency drop", "held on search", "held on test", "standing"]
    yield table(head, [_behavior_row(behavior, domains) for behavior in summary.behaviors])
    yield fluency_sentence(summary.outline.max_fluency_drop)
    for behavior in summary.behaviors:
        yield from _details(behavior)


def _behavior_row(behavior: Behavior, domains: Sequence[str]) -> list[str]:
    seen = {result.domain: result for result in behavior.domains}
    return [
        behavior.name,
        *(_wanted(behavior.wanted.get(domain), seen.get(domain)) for domain in domains),
        text.coefficients(behavior.coefficients),
        text.nats(behavior.fluency_test),
        _held(behavior.held_search),
        _held(behavior.held_test),
        behavior.standing or text.NOTHING,
    ]


def _wanted(level: str | None, result: DomainResult | None) -> str:
    if level is None:
        return "free"
    if result is None or result.test is None:
        return level
    bounds = text.interval(result.test.interval.get(level))
    least = f", at least {text.percent(result.least_share)} wanted" if result.least_share else ""
    return f"{level} {text.percent(result.test.shares.get(level))}" + (f" ({bounds})" if bounds else "") + least


def _held(held: bool | None) -> str:
    return "not measured" if held is None else "yes" if held else "no"


def _details(behavior: Behavior) -> Iterable[str]:
    if not behavior.domains:
        return
    yield f"### {behavior.name}"
    rows = [row for result in behavior.domains for row in _split_rows(result)]
    yield table(["domain", "wanted", "model, split", "rows", "shares", "fluency drop"], rows)
    yield table(
        ["domain", "repeated 4-grams", "the base's"],
        [
            [result.domain, text.percent(result.repeated), text.percent(result.repeated_base)]
            for result in behavior.domains
        ],
    )
    if behavior.guardrails:
        yield table(
            ["guardrail", "level", "base", "steered", "drop", "limit", "kept"],
            [
                [
                    g.guardrail,
                    g.level,
                    text.percent(g.base.shares.get(g.level) if g.base else None),
                    text.percent(g.test.shares.get(g.level) if g.test else None),
                    text.percent(g.drop),
                    text.percent(g.max_drop) if g.max_drop is not None else "none",
                    "yes" if g.ok else "no",
                ]
                for g in behavior.guardrails
            ],
        )
    for example in behavior.examples:
        yield f"Example, {example.domain}, wanted: {example.wanted or 'free'}. Query, base, {behavior.name}:"
        yield "\n\n".join(fence(part) for part in (example.query, example.base, example.steered))


def _split_rows(result: DomainResult) -> Iterable[list[str]]:
    wanted = result.wanted or "free"
    named = (("base, test", result.base), ("steered, search", result.search), ("steered, test", result.test))
    for name, measure in named:
        if measure is not None:
            yield [
                result.domain,
                wanted,
                name,
                str(measure.rows),
                _shares(measure),
                text.nats(measure.fluency_drop),
            ]


def _shares(measure: Measure) -> str:
    return text.shares(measure.shares, measure.interval)


def atlas(summary: Summary) -> Iterable[str]:
    """Yield the section of all combinations of levels."""
    if not summary.atlas:
        return
    yield "## Atlas"
    yield table(
        [
            *(f"{domain}, share on test" for domain in summary.outline.domains),
            "reached",
            "held on test",
            "fluency drop",
            "coefficients",
            "what stands in the way",
        ],
        [_atlas_row(row) for row in summary.atlas],
    )


def _atlas_row(row: AtlasRow) -> list[str]:
    seen = {result.domain: result for result in row.behavior.domains} if row.behavior else {}
    why = [row.obstacle, row.obstruction.sentence if row.obstruction else ""]
    return [
        *(_wanted(level, seen.get(domain)) for domain, level in row.wanted.items()),
        "yes" if row.reached else "not reached",
        _held(row.held_test),
        text.nats(row.behavior.fluency_test if row.behavior else None),
        text.coefficients(row.coefficients),
        "; ".join(filter(None, why)),
    ]
