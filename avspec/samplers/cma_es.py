"""CMA-ES, one evolution per behavior, each trial's evaluation shared by all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api

if TYPE_CHECKING:
    import numpy as np
    import optuna
    from numpy.typing import NDArray
    from optuna.trial import FrozenTrial

INFEASIBLE = 2.0
"""Taken off the value of a point that breaks fluency or a guardrail: values lie in about -1..1."""


class CMAESOptions(api.Options):
    """Options of `cma-es`."""

    population: int | None = Field(None, ge=4)
    """Points in a generation; 4 + 3 ln(domains) when not given."""
    sigma: float = Field(1 / 6, gt=0, le=1)
    """First standard deviation, as a part of the range."""
    settled: float = Field(0.2, ge=0, le=1)
    """Margin from which a behavior gets no more turns while others have less."""


class CMAES:
    """Adapts a normal distribution to the good points (Hansen, 2016), with the library Optuna uses.

    The state of an evolution is replayed from its trials, which costs microseconds; Optuna's own sampler
    keeps a pickle in the storage, and avspec unpickles nothing.
    """

    version: ClassVar[str] = "1"
    Options: ClassVar[type[CMAESOptions]] = CMAESOptions

    def __init__(self, options: CMAESOptions) -> None:
        self.options = options

    def create(self, space: api.SearchSpace) -> optuna.samplers.BaseSampler:
        """Return the sampler."""
        from avspec.samplers.shared import FocusSampler

        return FocusSampler(space, self._propose, settled=self.options.settled)

    def _propose(self, trials: Sequence[FrozenTrial], space: api.SearchSpace, seed: int) -> Mapping[str, float]:
        """Start at the best point known before the evolution's first trial, replay it, and draw."""
        import numpy as np
        from cmaes import CMA

        done = [t for t in trials if t.state.is_finished()]
        first = next((i for i, t in enumerate(done) if t.user_attrs.get("focus")), len(done))
        start = max(done[:first], key=_fitness, default=None)
        evolution = CMA(
            mean=_unit(start, space) if start else np.full(len(space.domains), 0.5),
            sigma=self.options.sigma,
            bounds=np.tile([0.0, 1.0], (len(space.domains), 1)),
            seed=seed,
            population_size=self.options.population,
        )
        own = [(_unit(t, space), -_fitness(t)) for t in done if t.user_attrs.get("focus")]
        size = evolution.population_size
        for generation in range(len(own) // size):
            evolution.tell(own[generation * size : (generation + 1) * size])
        point = space.low + (space.high - space.low) * evolution.ask()
        return {d: float(c) for d, c in zip(space.domains, point.clip(space.low, space.high), strict=True)}


def _fitness(trial: FrozenTrial) -> float:
    feasible = all(excess <= 0 for excess in trial.constraints.values())
    return float(trial.values[0]) - (0.0 if feasible else INFEASIBLE)


def _unit(trial: FrozenTrial, space: api.SearchSpace) -> NDArray[np.float64]:
    """Return a trial's coefficients with the range scaled to 0..1."""
    import numpy as np

    point = np.array([trial.params[d] for d in space.domains])
    return (point - space.low) / (space.high - space.low)
