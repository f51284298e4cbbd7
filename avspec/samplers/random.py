"""Coefficients drawn uniformly: what every other sampler must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from avspec import api

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


class RandomOptions(api.Options):
    """`random` has no options."""


class Random:
    """Draws every coefficient uniformly from the range."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[RandomOptions]] = RandomOptions

    def __init__(self, options: RandomOptions) -> None:
        self.options = options

    def create(self, space: api.SearchSpace) -> optuna.samplers.BaseSampler:
        """Return the sampler."""
        from avspec.samplers.shared import FocusSampler

        return FocusSampler(space, propose)


def propose(trials: Sequence[FrozenTrial], space: api.SearchSpace, seed: int) -> Mapping[str, float]:
    """Return a uniform draw, whatever the trials say."""
    import numpy as np

    draw = np.random.default_rng(seed)
    return {domain: float(draw.uniform(space.low, space.high)) for domain in space.domains}
