"""Optuna's tree-structured Parzen estimator, one behavior at a time on shared evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api

if TYPE_CHECKING:
    import optuna


class TPEOptions(api.Options):
    """Options of `tpe`."""

    startup: int = Field(10, ge=1)
    """Evaluations before the estimator is used, the sweep's included."""
    candidates: int = Field(24, ge=1)
    """Points drawn from the good density, of which the best is evaluated."""
    settled: float = Field(0.2, ge=0, le=1)
    """Margin from which a behavior gets no more turns while others have less."""


class TPE:
    """Models the density of good and of other points (Bergstra et al., 2011)."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[TPEOptions]] = TPEOptions

    def __init__(self, options: TPEOptions) -> None:
        self.options = options

    def create(self, space: api.SearchSpace) -> optuna.samplers.BaseSampler:
        """Return the sampler."""
        from optuna.samplers import TPESampler

        from avspec.samplers.shared import FocusSampler, with_optuna

        options = self.options

        def inner(seed: int) -> optuna.samplers.BaseSampler:
            return TPESampler(seed=seed, n_startup_trials=options.startup, n_ei_candidates=options.candidates)

        return FocusSampler(space, with_optuna(inner), settled=options.settled)
