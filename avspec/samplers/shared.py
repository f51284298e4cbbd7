"""One study, many behaviors: each trial serves one of them, and every evaluation counts for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState, create_trial

from avspec.api import SearchSpace
from avspec.search.coefficient_sampler import CoefficientSampler
from avspec.search.proposals import FOCUS, note, proposal_of, running, seed_of
from avspec.search.quiet import quiet
from avspec.search.trials import BEHAVIORS, LIMITS, counted, distributions

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

Propose = Callable[[Sequence["FrozenTrial"], SearchSpace, int], Mapping[str, float]]
"""Trials valued on one behavior (higher is better), the space, a seed: to coefficients.

A trial with the user attribute `focus` was proposed for this behavior.
"""


class FocusSampler(CoefficientSampler):
    """Shows a single-objective method all evaluations, valued on one unsettled behavior at a time.

    Behaviors take turns: the next is the one that fewest trials were spent on, and a behavior that holds with
    a good margin is settled and waits until all are. Everything is read from the study's storage and the
    random draws depend on the seed and the number of trials only: a resumed study goes on as if nothing had
    happened, and several workers may share it.
    """

    def __init__(self, space: SearchSpace, propose: Propose, *, settled: float = 0.2) -> None:
        """Make the sampler.

        Args:
            space: What is searched.
            propose: The method.
            settled: Margin from which a behavior is settled.
        """
        super().__init__(space)
        self.propose, self.settled = propose, settled

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Choose the behavior whose turn it is and ask the method for coefficients."""
        others, choosing = running(study, trial)
        done = counted(study)
        finished = [t for t in done if t.state == TrialState.COMPLETE]
        behavior = self._turn(finished + others)
        view = [self._finished_view(t, behavior) for t in finished]
        view += [_running_view(t, search_space) for t in others]
        step = len(done) + len(others) + choosing
        proposal = dict(self.propose(view, self.space, seed_of(self.space.seed, step)))
        note(study, trial, proposal, self.space.behaviors[behavior])
        return proposal

    def _turn(self, trials: Sequence[FrozenTrial]) -> int:
        """Return the index of the unsettled behavior with the fewest trials."""
        names = self.space.behaviors
        spent = [sum(t.system_attrs.get(FOCUS) == name for t in trials) for name in names]
        settled = [any(self._settles(t, i) for t in trials) for i in range(len(names))]
        return min(range(len(names)), key=lambda i: (settled[i], spent[i], i))

    def _settles(self, trial: FrozenTrial, behavior: int) -> bool:
        values = trial.values if trial.state == TrialState.COMPLETE else None
        feasible = all(excess <= 0 for excess in self._constraints(trial, behavior).values())
        return values is not None and feasible and values[behavior] >= self.settled

    def _constraints(self, trial: FrozenTrial, behavior: int) -> dict[str, float]:
        """Return the limits of one behavior; those of the whole trial where nothing else is known."""
        judgement = trial.user_attrs.get(BEHAVIORS, {}).get(self.space.behaviors[behavior])
        if judgement is None:
            return trial.constraints
        return {LIMITS: judgement["excess"]} if math.isfinite(judgement["excess"]) else {}

    def _finished_view(self, trial: FrozenTrial, behavior: int) -> FrozenTrial:
        return create_trial(
            value=trial.values[behavior],
            params={d: trial.params[d] for d in self.space.domains},
            distributions=distributions(self.space),
            user_attrs=_focused(trial, self.space.behaviors[behavior]),
            constraints=self._constraints(trial, behavior) or None,
        )


def with_optuna(sampler: Callable[[int], optuna.samplers.BaseSampler]) -> Propose:
    """Return a method that asks one of Optuna's single-objective samplers, made anew from a seed each time."""

    def propose(trials: Sequence[FrozenTrial], space: SearchSpace, seed: int) -> Mapping[str, float]:
        import optuna

        with quiet():
            study = optuna.create_study(direction="maximize", sampler=sampler(seed))
            study.add_trials(trials)
            return study.ask(distributions(space)).params

    return propose


def _running_view(trial: FrozenTrial, space: dict[str, BaseDistribution]) -> FrozenTrial:
    return create_trial(state=TrialState.RUNNING, params=proposal_of(trial), distributions=space)


def _focused(trial: FrozenTrial, behavior: str) -> dict[str, bool]:
    return {"focus": True} if trial.system_attrs.get(FOCUS) == behavior else {}
