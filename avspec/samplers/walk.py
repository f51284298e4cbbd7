"""A sampler that visits given points in a given order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from avspec.api import SearchSpace
from avspec.search.coefficient_sampler import CoefficientSampler
from avspec.search.evaluations import rounded
from avspec.search.proposals import note, pending
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
        self._points = walk()
        self._ahead: Point | None = next(self._points, None)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the next point; after the last one nothing, so that parameters are drawn at random."""
        point = self._peek(study, trial)
        if point is None:
            return {}
        self._ahead = next(self._points, None)
        note(study, trial, point)
        return point

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Stop `study.optimize` at the walk's end."""
        if self._ahead is None:
            with contextlib.suppress(RuntimeError):  # in ask-and-tell there is no loop to stop
                study.stop()

    def finished(self, study: optuna.Study) -> str | None:
        """Return why there is nothing left to propose, or None."""
        return "every point of the grid is evaluated" if self._peek(study) is None else None

    def _peek(self, study: optuna.Study, trial: FrozenTrial | None = None) -> Point | None:
        """Return the next point that is not visited; it stays the next one until it is taken."""
        visited = {_key(t.params) for t in counted(study)}
        visited |= {_key(proposal) for proposal in pending(study, trial)}
        while self._ahead is not None and _key(self._ahead) in visited:
            self._ahead = next(self._points, None)
        return self._ahead


def _key(point: Point) -> tuple[float, ...]:
    return tuple(rounded(point).values())
