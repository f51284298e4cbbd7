"""Behaviors as measured: shares with intervals, held or not and why, guardrails, examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from avspec.knobs import in_order
from avspec.report.inputs import Artifacts, Json, Outline
from avspec.report.text import nats, percent, points
from avspec.search.demands import Demand


@dataclass(frozen=True, slots=True)
class Measure:
    """Preference accuracy of one domain on one split."""

    rows: int
    shares: Mapping[str, float | None]
    interval: Mapping[str, tuple[float, float]]
    """95 % Wilson interval of each share."""
    mean_log_prob: Mapping[str, float | None]
    """Nats per token."""
    fluency_drop: float | None
    """Nats per token that the wanted level's responses lost against the base."""

    def rival(self, wanted: str) -> tuple[str, float]:
        """Return the largest level beside the wanted one, and its share."""
        others = {level: share or 0.0 for level, share in self.shares.items() if level != wanted}
        best = max(others, key=lambda level: others[level])
        return best, others[best]

    def margin(self, wanted: str) -> float:
        """Return how far the wanted level's share is above the largest other."""
        return (self.shares.get(wanted) or 0.0) - self.rival(wanted)[1]

    def beyond(self, wanted: str, least: float | None) -> float:
        """Return how far the wanted level's share is above the largest that falls short of the least one."""
        return (self.shares.get(wanted) or 0.0) - Demand(wanted, least).short(self.rows) / max(self.rows, 1)


@dataclass(frozen=True, slots=True)
class DomainResult:
    """One domain under one behavior, beside the base."""

    domain: str
    wanted: str | None
    """None: the behavior leaves the domain free."""
    least_share: float | None
    """Share that the wanted level must have besides being the largest; None: any."""
    base: Measure | None
    search: Measure | None
    test: Measure | None
    repeated: float | None
    """Share of repeated 4-grams in greedy generations."""
    repeated_base: float | None


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """One guardrail under one behavior, on the test split."""

    guardrail: str
    level: str
    base: Measure | None
    search: Measure | None
    test: Measure | None
    drop: float
    """How much the highest level's share fell on the test split; negative is a rise."""
    drop_search: float
    max_drop: float | None
    ok: bool

    def breaks(self, split: str) -> bool:
        """Say whether the drop on a split is over the limit."""
        if split == "test":
            return not self.ok
        return self.max_drop is not None and self.drop_search > self.max_drop


@dataclass(frozen=True, slots=True)
class Example:
    """One greedy answer beside the base's."""

    domain: str
    wanted: str | None
    query: str
    base: str
    steered: str


@dataclass(frozen=True, slots=True)
class Behavior:
    """A behavior, the coefficients found for it, and what they do."""

    name: str
    wanted: Mapping[str, str]
    coefficients: Mapping[str, float]
    held_search: bool
    held_test: bool | None
    """None: it was not measured on the test split."""
    fluency_search: float | None
    fluency_test: float | None
    domains: tuple[DomainResult, ...]
    guardrails: tuple[GuardrailResult, ...]
    examples: tuple[Example, ...]
    metrics: Mapping[str, Any]
    standing: str
    """Where the search left it: `settled`, `held`, `open` or `unreachable`; empty when the search does not say."""
    obstacles: tuple[str, ...]
    """What stands in the way on the test split, in words; empty when it holds."""


def measure(value: Json | None) -> Measure | None:
    """Read one measurement of evaluate.json."""
    if not value:
        return None
    intervals = value.get("interval") or {}
    return Measure(
        rows=int(value.get("rows") or 0),
        shares=dict(value.get("shares") or {}),
        interval={level: (low, high) for level, (low, high) in intervals.items()},
        mean_log_prob=dict(value.get("mean_log_prob") or {}),
        fluency_drop=value.get("fluency_drop"),
    )


def read_behaviors(outline: Outline, artifacts: Artifacts) -> dict[str, Behavior]:
    """Return every behavior that was searched, the spec's first and then the atlas's."""
    found: Json = artifacts.search.get("behaviors") or {}
    measured: Json = artifacts.evaluate.get("behaviors") or {}
    names = list(dict.fromkeys([*outline.behaviors, *found, *measured]))
    return {name: _behavior(name, outline, artifacts) for name in names}


def base_measure(artifacts: Artifacts, domain: str, split: str) -> Measure | None:
    """Return what the base does in a domain or guardrail."""
    base = artifacts.evaluate.get("base") or {}
    both = {**(base.get("domains") or {}), **(base.get("guardrails") or {})}
    return measure((both.get(domain) or {}).get(split))


def _behavior(name: str, outline: Outline, artifacts: Artifacts) -> Behavior:
    found: Json = (artifacts.search.get("behaviors") or {}).get(name) or {}
    measured: Json = (artifacts.evaluate.get("behaviors") or {}).get(name) or {}
    wanted = dict(outline.behaviors.get(name) or found.get("wanted") or measured.get("wanted") or {})
    held, drops = measured.get("held") or {}, measured.get("fluency_drop") or {}
    chosen = measured.get("coefficients") or found.get("coefficients") or {}
    behavior = Behavior(
        name=name,
        wanted=wanted,
        coefficients=in_order(chosen, outline.domains) if chosen or measured else {},
        held_search=bool(held.get("search", found.get("held", False))),
        held_test=held.get("test"),
        fluency_search=drops.get("search", found.get("fluency_drop")),
        fluency_test=drops.get("test"),
        domains=tuple(_domain(domain, wanted, measured, artifacts) for domain in outline.domains if measured),
        guardrails=tuple(_guardrail(name, outline, measured, artifacts) for name in outline.guardrails if measured),
        examples=_examples(name, wanted, outline, artifacts),
        metrics=measured.get("metrics") or {},
        standing=((artifacts.search.get("assessment") or {}).get("standings") or {}).get(name, ""),
        obstacles=(),
    )
    return behavior if behavior.held_test else replace(behavior, obstacles=obstacles(behavior, "test", outline))


def _domain(domain: str, wanted: Mapping[str, str], measured: Json, artifacts: Artifacts) -> DomainResult:
    splits = (measured.get("domains") or {}).get(domain) or {}
    base_metrics = (artifacts.evaluate.get("base") or {}).get("metrics") or {}
    return DomainResult(
        domain=domain,
        wanted=wanted.get(domain),
        least_share=splits.get("least_share"),
        base=base_measure(artifacts, domain, "test"),
        search=measure(splits.get("search")),
        test=measure(splits.get("test")),
        repeated=_repeated(measured.get("metrics") or {}, domain),
        repeated_base=_repeated(base_metrics, domain),
    )


def _repeated(metrics: Json, domain: str) -> float | None:
    values = (metrics.get("repetition") or {}).get(domain) or {}
    repeated: float | None = values.get("repeated_4grams")
    return repeated


def _guardrail(name: str, outline: Outline, measured: Json, artifacts: Artifacts) -> GuardrailResult:
    value = (measured.get("guardrails") or {}).get(name) or {}
    level, search = outline.levels[name][-1], measure(value.get("search"))
    return GuardrailResult(
        guardrail=name,
        level=level,
        base=base_measure(artifacts, name, "test"),
        search=search,
        test=measure(value.get("test")),
        drop=float(value.get("drop") or 0.0),
        drop_search=_share(base_measure(artifacts, name, "search"), level) - _share(search, level),
        max_drop=outline.guardrails[name],
        ok=bool(value.get("ok", True)),
    )


def _share(measure: Measure | None, level: str) -> float:
    return (measure.shares.get(level) if measure else None) or 0.0


def _examples(name: str, wanted: Mapping[str, str], outline: Outline, artifacts: Artifacts) -> tuple[Example, ...]:
    by_domain = (artifacts.evaluate.get("examples") or {}).get(name) or {}
    return tuple(
        Example(domain, wanted.get(domain), *(clean(value.get(key)) for key in ("query", "base", "steered")))
        for domain in outline.domains
        if (value := by_domain.get(domain))
    )


def clean(text: object) -> str:
    """Return text that can be written as UTF-8: half a surrogate pair becomes a question mark."""
    return str(text or "").encode("utf-8", "replace").decode("utf-8")


def obstacles(behavior: Behavior, split: str, outline: Outline) -> tuple[str, ...]:
    """Say why a behavior does not hold on a split: domains in order of their margin, fluency, guardrails."""
    return (*_domains_in_the_way(behavior, split), *_limits_in_the_way(behavior, split, outline))


def _domains_in_the_way(behavior: Behavior, split: str) -> list[str]:
    said = []
    for result in behavior.domains:
        seen = result.test if split == "test" else result.search
        if result.wanted is None or seen is None:
            continue
        missing = [seen.margin(result.wanted), seen.beyond(result.wanted, result.least_share)]
        if min(missing) <= 0:
            said.append((min(missing), f"{result.domain}: {falls_short(seen, result.wanted, result.least_share)}"))
    return [text for _, text in sorted(said, key=lambda pair: pair[0])]


def falls_short(seen: Measure, wanted: str, least: float | None) -> str:
    """Say what keeps the wanted level from being dominant, or from its least share."""
    text = f"{wanted} has {percent(seen.shares.get(wanted))}"
    if (margin := seen.margin(wanted)) <= 0:
        rival, share = seen.rival(wanted)
        text += f", {rival} {'is as large' if margin == 0 else 'is larger'} with {percent(share)}"
    return text + (f", at least {percent(least)} is wanted" if seen.beyond(wanted, least) <= 0 else "")


def _limits_in_the_way(behavior: Behavior, split: str, outline: Outline) -> list[str]:
    drop = behavior.fluency_test if split == "test" else behavior.fluency_search
    limit, said = outline.max_fluency_drop, []
    if drop is not None and limit is not None and drop > limit:
        said.append(f"fluency: the wanted responses lost {nats(drop)} nats per token, the limit is {nats(limit)}")
    for result in behavior.guardrails:
        if result.breaks(split):
            fell = result.drop if split == "test" else result.drop_search
            said.append(
                f"guardrail {result.guardrail}: {result.level} fell by {points(fell)}, the limit is "
                f"{points(result.max_drop)}"
            )
    return said
