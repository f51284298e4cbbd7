"""What stands in the way of a behavior, read off the sweep: which knobs pull its weakest domain the wrong way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avspec.knobs import whole
from avspec.report.behaviors import Behavior
from avspec.report.inputs import Json, Outline
from avspec.report.text import coefficient, listing, nats, percent

FELT = 0.05
"""Nats per token; a smaller pull is not told."""


@dataclass(frozen=True, slots=True)
class Pull:
    """What one knob does to the wanted level of another domain (over-generalization; paper, table 4)."""

    knob: str
    coefficient: float
    nats: float
    """Change of the wanted level's mean log-prob less the rival's, against the base; negative is the wrong way."""


@dataclass(frozen=True, slots=True)
class Obstruction:
    """The domain of a nearest miss that falls shortest on the search split, and why as far as the sweep tells."""

    domain: str
    wanted: str
    rival: str
    """The level that is dominant instead, or next to it where only a least share is missing."""
    own: float | None
    """What the domain's own knob does for the wanted level at its coefficient, nats per token."""
    pulls: tuple[Pull, ...]
    """Other domains' knobs that pull the wrong way, the strongest first."""
    peak: tuple[float, float] | None
    """Coefficient and share where the wanted level is largest along the domain's own knob, when it is dominant
    nowhere along it; else None."""

    @property
    def sentence(self) -> str:
        """Say it; empty when the sweep explains nothing."""
        said = []
        if self.pulls:
            knobs = listing([f"{p.knob} at {coefficient(p.coefficient)} ({nats(-p.nats)} nats)" for p in self.pulls])
            said.append(f"{self.domain} is pulled from {self.wanted} towards {self.rival} by {knobs}")
        if self.peak:
            at, share = self.peak
            most = f"at most {percent(share)}, at {coefficient(at)}"
            said.append(f"{self.wanted} is dominant nowhere along the {self.domain} knob ({most})")
        return "; ".join(said)


def read_obstruction(behavior: Behavior, outline: Outline, sweep: Mapping[str, Sequence[Json]]) -> Obstruction | None:
    """Return what stands in the way on the search split, or None when no domain's share does."""
    short = []
    for result in behavior.domains:
        if result.wanted is not None and result.search is not None:
            missing = result.search.margin(result.wanted), result.search.beyond(result.wanted, result.least_share)
            short.append((min(missing), result))
    if not short or min(margin for margin, _ in short) > 0:
        return None
    weakest = min(short, key=lambda pair: pair[0])[1]
    assert weakest.wanted is not None and weakest.search is not None
    rival, _ = weakest.search.rival(weakest.wanted)
    # of a vector whose blocks have coefficients of their own the sweep says nothing
    turned = {knob: whole(behavior.coefficients, knob) for knob in outline.domains}
    moved = {
        knob: None if c is None else _moved(sweep.get(knob) or (), weakest.domain, weakest.wanted, rival, c)
        for knob, c in turned.items()
    }
    pulls = [
        Pull(knob, turned[knob] or 0.0, change)
        for knob, change in moved.items()
        if knob != weakest.domain and change is not None and change < -FELT
    ]
    return Obstruction(
        domain=weakest.domain,
        wanted=weakest.wanted,
        rival=rival,
        own=moved[weakest.domain],
        pulls=tuple(sorted(pulls, key=lambda pull: pull.nats)),
        peak=_peak(sweep.get(weakest.domain) or (), weakest.domain, weakest.wanted),
    )


def _moved(curve: Sequence[Json], domain: str, wanted: str, rival: str, coefficient: float) -> float | None:
    """Return how far one knob alone moves the wanted level ahead of its rival, between the points of its sweep."""
    known = [(float(p["coefficient"]), gap) for p in curve if (gap := _gap(p, domain, wanted, rival)) is not None]
    if len(known) < 2 or not known[0][0] <= 0 <= known[-1][0]:
        return None  # without the base beside it, a curve says nothing about a change
    x, y = zip(*known, strict=True)
    return float(np.interp(coefficient, x, y) - np.interp(0.0, x, y))


def _gap(point: Json, domain: str, wanted: str, rival: str) -> float | None:
    means = (point["domains"].get(domain) or {}).get("mean_log_prob") or {}
    ahead, behind = means.get(wanted), means.get(rival)
    return None if ahead is None or behind is None else ahead - behind


def _peak(curve: Sequence[Json], domain: str, wanted: str) -> tuple[float, float] | None:
    """Return where the wanted level is largest along a knob, None when it is dominant somewhere or nothing is known."""
    seen = [(float(p["coefficient"]), (p["domains"].get(domain) or {}).get("shares") or {}) for p in curve]
    seen = [(at, shares) for at, shares in seen if shares.get(wanted) is not None]
    if not seen or any(shares[wanted] > max(s for level, s in shares.items() if level != wanted) for _, shares in seen):
        return None
    at, shares = max(seen, key=lambda point: point[1][wanted])
    return at, shares[wanted]
