"""Optuna's Gaussian process on each behavior's value, one behavior at a time on shared evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api

if TYPE_CHECKING:
    import optuna


class GPOptions(api.Options):
    """Options of `gp`."""

    startup: int = Field(10, ge=1)
    """Evaluations before the process is used, the sweep's included."""
    settled: float = Field(0.2, ge=0, le=1)
    """Margin from which a behavior gets no more turns while others have less."""


class GP:
    """Models the value of one behavior and improves on the best, with fluency as constraint."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[GPOptions]] = GPOptions

    def __init__(self, options: GPOptions) -> None:
        self.options = options

    def create(self, space: api.SearchSpace) -> optuna.samplers.BaseSampler:
        """Return the sampler."""
        from optuna.samplers import GPSampler

        from avspec.samplers.shared import FocusSampler, with_optuna

        options = self.options

        def inner(seed: int) -> optuna.samplers.BaseSampler:
            return GPSampler(seed=seed, n_startup_trials=options.startup)

        return FocusSampler(space, with_optuna(inner), settled=options.settled)
