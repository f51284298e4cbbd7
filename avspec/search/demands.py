"""What a behavior demands of a domain: a dominant level, and perhaps a least share and a weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

Written = str | Mapping[str, Any]
"""A level, or `{level, share, weight}` with what is not the default: what a spec and its artifacts say."""
ROUNDING = 1e-9
"""A share of rows is a fraction that floats do not hit exactly."""


@dataclass(frozen=True)
class Demand:
    """What a behavior wants of one domain it names."""

    level: str
    """The level that must have the largest share."""
    share: float | None = None
    """Least share it must have besides."""
    weight: float = 1.0
    """How much the domain's margin counts beside the others'; `demands` makes the heaviest of a behavior 1."""

    @classmethod
    def of(cls, written: Written) -> Demand:
        """Read a demand as a spec says it."""
        return cls(written) if isinstance(written, str) else cls(**written)

    def short(self, rows: int) -> int:
        """Return the largest number of rows that is too few for the least share; -1 where any number will do.

        A margin is how far a share is above the largest one that would not do: the largest other level's
        share, and this number over the rows. Either way the smallest positive margin is one row.
        """
        return -1 if self.share is None else math.ceil(self.share * rows - ROUNDING) - 1

    def weigh(self, margin: float) -> float:
        """Return a margin as the weight makes it count; its sign, and so what holds, stays.

        What a search maximizes is the smallest weighed margin over the domains, which is largest where all are
        equal: a domain of half the weight then gets half the margin, or is left twice as far short.
        """
        return margin / self.weight if margin > 0 else margin * self.weight


def demands(behavior: Mapping[str, Written]) -> dict[str, Demand]:
    """Return what a behavior demands of each domain it names.

    Weights count by their ratios alone. They are divided by the heaviest, whose margins are then what they are,
    and no margin is below -1.
    """
    found = {domain: Demand.of(written) for domain, written in behavior.items()}
    heaviest = max((demand.weight for demand in found.values()), default=1.0)
    return {domain: replace(demand, weight=demand.weight / heaviest) for domain, demand in found.items()}


def levels_of(behavior: Mapping[str, Written]) -> dict[str, str]:
    """Return the level that a behavior wants of each domain it names."""
    return {domain: demand.level for domain, demand in demands(behavior).items()}


def least_shares(behavior: Mapping[str, Written]) -> dict[str, float]:
    """Return the least shares that a behavior demands; a domain without one is not there."""
    return {domain: demand.share for domain, demand in demands(behavior).items() if demand.share is not None}
