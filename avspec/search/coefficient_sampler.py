"""What every sampler of coefficients shares: one float parameter for each domain, and a draw for any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optuna.samplers import BaseSampler, RandomSampler

from avspec.api import SearchSpace
from avspec.search.proposals import seed_of
from avspec.search.trials import distributions

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


class CoefficientSampler(BaseSampler):
    """An Optuna sampler over a search space; a subclass proposes points in `sample_relative`."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self._independent = RandomSampler(seed=seed_of(space.seed, 0))

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return one float parameter for each domain."""
        return distributions(self.space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a parameter that was not proposed at random."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)
