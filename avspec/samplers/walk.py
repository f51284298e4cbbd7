"""A sampler that visits given points in a given order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from avspec.api import SearchSpace
from avspec.search.coefficient_sampler import CoefficientSampler
from avspec.search.evaluations import rounded
from avspec.search.proposals import note, proposal_of, running
from avspec.search.trials import counted

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, TrialState

Point = dict[str, float]


class WalkSampler(CoefficientSampler):
    """Proposes the first point of a walk that no trial has visited, and stops the study at the walk's end."""

    def __init__(self, space: SearchSpace, walk: Callable[[], Iterator[Point]]) -> None:
        super().__init__(space)
        self.walk = walk

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the next point; after the last one nothing, so that parameters are drawn at random."""
        others, choosing = running(study, trial)
        # who began to choose before takes the points before
        point = next(islice(self._left(study, others), choosing, None), None)
        if point is None:
            return {}
        note(study, trial, point)
        return point

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Stop `study.optimize` at the walk's end."""
        if self.finished(study):
            with contextlib.suppress(RuntimeError):  # in ask-and-tell there is no loop to stop
                study.stop()

    def finished(self, study: optuna.Study) -> str | None:
        """Return why there is nothing left to propose, or None."""
        left = next(self._left(study, running(study)[0]), None)
        return "every point of the grid is evaluated" if left is None else None

    def _left(self, study: optuna.Study, others: Sequence[FrozenTrial]) -> Iterator[Point]:
        """Yield the walk's points that no trial has visited or is visiting."""
        points = [trial.params for trial in counted(study)] + [proposal_of(trial) for trial in others]
        visited = {self._key(point) for point in points if set(self.space.domains) <= point.keys()}
        return (point for point in self.walk() if self._key(point) not in visited)

    def _key(self, point: Mapping[str, float]) -> tuple[float, ...]:
        return tuple(rounded({domain: point[domain] for domain in self.space.domains}).values())
