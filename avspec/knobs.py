"""Names of knobs: one for each domain, or one for each domain and block of layers.

With `granularity: blocks(2)` the domain `medical` has the knobs `medical/1` and `medical/2`. A domain's own name means
all of its blocks at once, so that a coefficient of the whole vector is written as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

MODEL = "model"
"""The granularity of one coefficient for each domain."""


def blocks_of(granularity: str) -> int:
    """Return the number of blocks that `model` or `blocks(N)` means."""
    return 1 if granularity == MODEL else int(granularity.removeprefix("blocks(").removesuffix(")"))


def knobs(domains: Iterable[str], blocks: int) -> tuple[str, ...]:
    """Return the knobs of domains, in their order."""
    return tuple(knob for domain in domains for knob in own_knobs(domain, blocks))


def own_knobs(domain: str, blocks: int) -> tuple[str, ...]:
    """Return the knobs of one domain."""
    return (domain,) if blocks == 1 else tuple(f"{domain}/{block}" for block in range(1, blocks + 1))


def domain_of(knob: str) -> str:
    """Return the domain that a knob belongs to."""
    return knob.partition("/")[0]


def spelled(coefficients: Mapping[str, float], blocks: int) -> dict[str, float]:
    """Return coefficients by knob: that of a domain as those of all its blocks, which their own names override."""
    whole = {knob: value for name, value in coefficients.items() if "/" not in name for knob in own_knobs(name, blocks)}
    return whole | {name: value for name, value in coefficients.items() if "/" in name}


def joined(coefficients: Mapping[str, float]) -> dict[str, float]:
    """Return coefficients by domain where every domain's blocks are equal, else as they are."""
    by_domain = {domain_of(name): whole(coefficients, domain_of(name)) for name in coefficients}
    found = {domain: value for domain, value in by_domain.items() if value is not None}
    return found if len(found) == len(by_domain) else dict(coefficients)


def whole(coefficients: Mapping[str, float], domain: str) -> float | None:
    """Return the coefficient of a domain's whole vector; 0 if it has none, None where its blocks differ."""
    values = {value for name, value in coefficients.items() if domain_of(name) == domain}
    return values.pop() if len(values) == 1 else None if values else 0.0


def mean(coefficients: Mapping[str, float], domain: str) -> float:
    """Return the mean coefficient of a domain's knobs."""
    values = [value for name, value in coefficients.items() if domain_of(name) == domain]
    return sum(values) / len(values) if values else 0.0


def in_order(coefficients: Mapping[str, float], domains: Sequence[str]) -> dict[str, float]:
    """Return coefficients in the order of the domains, blocks ascending; a domain without any is at 0."""
    found: dict[str, float] = {}
    for domain in domains:
        own = [name for name in coefficients if domain_of(name) == domain] or [domain]
        found |= {name: coefficients.get(name, 0.0) for name in sorted(own, key=lambda name: (len(name), name))}
    return found
