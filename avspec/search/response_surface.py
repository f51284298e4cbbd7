"""A sampler that learns the surface of all log-probs and evaluates where unsettled behaviors gain most."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from avspec.api import LogProbs, SearchSpace
from avspec.search.acquisition import Acquisition, Outlook, distances, opening, spread, survey
from avspec.search.beliefs import FIRM, Beliefs, coefficients, inputs, learn
from avspec.search.blocks import Pruned, scored
from avspec.search.coefficient_sampler import CoefficientSampler
from avspec.search.gp import Array
from avspec.search.proposals import FOCUS, note, pending, proposal_of, running, seed_of
from avspec.search.reading import LogProbReading
from avspec.search.stopping import expected, helps
from avspec.search.trials import counted

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

LATER = 0.3
"""What a better margin of a behavior that holds already is worth beside one of a behavior that does not."""
PATIENCE = 0.25
"""How fast a behavior's gains lose worth with the trials spent on it."""
SLIGHT = 0.01
"""Expected gain in margin below which a behavior that holds is as good as it gets."""
APART, NEAR = 0.25, 0.02
"""Distance from a known point that an opening and a later point keep, for inputs in -1..1."""
HOPELESS = 0.02
"""Probability to hold, at the best point known, below which a behavior is unreachable: its margin's mean and two
standard deviations are below zero everywhere."""
MOST = 96
"""Behaviors looked after at once, the most promising ones: an atlas may have thousands."""
OVER = {"settled", "unreachable"}
"""Standings that need no further evaluation."""


@dataclass(frozen=True)
class Assessment:
    """Where a search stands, and how far its surface can be trusted."""

    standings: dict[str, str]
    """Behavior to `settled`, `held` (with a margin the rows' noise may hide), `open` or `unreachable`."""
    left_out_error: float
    """Exact leave-one-out error of the surface: mean difference of a predicted share to the real one."""
    length_scales: dict[str, float]
    """Domain to how far its coefficient must move until the log-probs' deviations are news."""
    noise: float
    """Standard deviation of the noise, as a part of the surface's."""

    @property
    def over(self) -> bool:
        """Return whether nothing is left to search for."""
        return set(self.standings.values()) <= OVER


@dataclass(frozen=True)
class _View:
    """One look at the study: what is believed, and the outlook for the behaviors that are looked after."""

    beliefs: Beliefs
    settled: Array
    active: Array
    weights: Array
    outlook: Outlook


class ResponseSurfaceSampler(CoefficientSampler):
    """Grey-box Bayesian optimization of all behaviors at once (composite functions; Astudillo & Frazier, 2019).

    One evaluation tells the log-probs of all rows and levels, which are smooth in the coefficients; shares and
    margins are not. So a Gaussian process learns the log-probs, and each evaluation is made where, by its
    posterior, unsettled behaviors are expected to gain most. Everything is read from the study's storage (the
    log-probs are in the trials' user attributes, the objective in the study's), and random draws depend on
    the seed and the number of trials only, so a resumed study goes on as if nothing had happened. Trials that
    other workers are evaluating count as what the surface predicts for them.
    """

    def __init__(self, space: SearchSpace, *, draws: int = 32, pruning: bool = True) -> None:
        """Make the sampler.

        Args:
            space: What is searched.
            draws: Posterior draws that an expected gain is the mean of.
            pruning: Whether an evaluation is stopped when the rows scored so far leave it no hope.
        """
        super().__init__(space)
        self.draws, self.pruning = draws, pruning
        self._seen: tuple[str, _View | None] | None = None

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a point of the opening, or the one with the largest expected gain."""
        others, choosing = running(study, trial)
        waiting = [proposal_of(other) for other in others]
        for _ in range(choosing):
            waiting.append(self._choose(study, waiting)[0])
        proposal, focus = self._choose(study, waiting)
        meanwhile = pending(study, trial)  # others may have chosen otherwise than was guessed
        if distances(inputs([proposal], self.space), inputs(meanwhile, self.space))[0] <= NEAR:
            proposal, focus = self._choose(study, meanwhile)
        note(study, trial, proposal, focus)
        return proposal

    def prune(self, study: optuna.Study, trial: FrozenTrial, log_probs: Mapping[str, LogProbs]) -> Pruned | None:
        """Return the evaluation's end, with what is expected of its other rows, where nothing will come of it.

        Args:
            study: The study.
            trial: The running trial, whose parameters are all drawn.
            log_probs: Domain or guardrail to log-probs `[rows, levels]`, NaN for rows that are not scored.
        """
        waiting = pending(study, trial)
        if not self.pruning or self._opening(study, waiting) is not None:
            return None
        view = self._look(study, waiting)
        if view is None or not isinstance(view.beliefs.reading, LogProbReading):
            return None
        beliefs, reading = view.beliefs, view.beliefs.reading
        random = np.random.default_rng(seed_of(self.space.seed, -2 - len(counted(study))))
        guess = expected(beliefs, inputs([trial.params], self.space), reading.encode(log_probs), random)
        if helps(beliefs, view.settled, guess):
            return None
        return Pruned(reading.decode(guess.mean), scored(log_probs), guess.unsure)

    def finished(self, study: optuna.Study) -> str | None:
        """Return why there is nothing left to search for, or None."""
        assessment = self.assess(study)
        if assessment is None or not assessment.over:
            return None
        settled = sum(standing == "settled" for standing in assessment.standings.values())
        return f"{settled} behaviors settled, {len(assessment.standings) - settled} out of reach"

    def assess(self, study: optuna.Study) -> Assessment | None:
        """Return where each behavior stands, or None while the first points are evaluated."""
        waiting = pending(study)
        if self._opening(study, waiting) is not None:
            return None
        view = self._look(study, waiting)
        if view is None:
            return None
        surface, half = view.beliefs.surface, (self.space.high - self.space.low) / 2
        return Assessment(
            standings=dict(zip(self.space.behaviors, _standings(view), strict=True)),
            left_out_error=view.beliefs.left_out_error,
            length_scales=dict(zip(self.space.domains, (surface.scales * half).tolist(), strict=True)),
            noise=surface.noise,
        )

    def _choose(self, study: optuna.Study, waiting: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], str]:
        """Return the coefficients to evaluate next, and the behavior they are for; none in the opening."""
        point, focus = self._opening(study, waiting), ""
        if point is None:
            point, focus = self._best(study, waiting)
        return coefficients(point, self.space), focus

    def _opening(self, study: optuna.Study, waiting: Sequence[Mapping[str, float]]) -> Array | None:
        """Return the first point of the opening that has no trial nearby, or None when all have."""
        taken = self._taken(study, waiting)
        zero = inputs([dict.fromkeys(self.space.domains, 0.0)], self.space)[0].clip(-1, 1)
        random = np.random.default_rng(seed_of(self.space.seed, -1))
        return next((p for p in opening(zero, random) if distances(p[None], taken)[0] > APART), None)

    def _best(self, study: optuna.Study, waiting: Sequence[Mapping[str, float]]) -> tuple[Array, str]:
        """Return the candidate with the largest expected gain, and the behavior that gains most there."""
        view = self._look(study, waiting)
        if view is None:
            return self._elsewhere(study, waiting), ""
        if set(_standings(view)) <= OVER:
            with contextlib.suppress(RuntimeError):  # in ask-and-tell there is no loop to stop
                study.stop()
        points, gains = view.outlook.points, view.outlook.gains
        free = distances(points, self._taken(study, waiting)) > NEAR
        worth = np.where(free, gains.sum(axis=1), -1.0)
        if worth.max() <= 0:  # nothing to gain anywhere: learn where least is known
            worth = np.where(free, view.beliefs.surface.predict(points)[1], -1.0)
        chosen = int(worth.argmax())
        return points[chosen], self.space.behaviors[view.active[gains[chosen].argmax()]]

    def _elsewhere(self, study: optuna.Study, waiting: Sequence[Mapping[str, float]]) -> Array:
        """Return the point farthest from all others, of some that are spread over the range."""
        taken = self._taken(study, waiting)
        points = spread(len(self.space.domains), 64, np.random.default_rng(seed_of(self.space.seed, len(taken))))
        return np.asarray(points[distances(points, taken).argmax()])

    def _taken(self, study: optuna.Study, waiting: Sequence[Mapping[str, float]]) -> Array:
        done = [t.params for t in counted(study) if set(self.space.domains) <= t.params.keys()]
        return inputs([*done, *waiting], self.space)

    def _look(self, study: optuna.Study, waiting: Sequence[Mapping[str, float]]) -> _View | None:
        """Return the view of the study as it is, kept until that changes; None when it tells too little."""
        done = counted(study)
        key = json.dumps([study.study_name, len(done), list(waiting)])
        if self._seen is None or self._seen[0] != key:
            random = np.random.default_rng(seed_of(self.space.seed, len(done) + len(waiting)))
            self._seen = key, self._survey(study, done, inputs(waiting, self.space), random)
        return self._seen[1]

    def _survey(
        self,
        study: optuna.Study,
        trials: Sequence[FrozenTrial],
        waiting: Array,
        random: np.random.Generator,
    ) -> _View | None:
        beliefs = learn(study.user_attrs.get("objective"), self.space, trials)
        # other workers' evaluations may still run, or have failed: a surface needs more points than a plane
        if beliefs is None or beliefs.whole.sum() < len(self.space.domains) + 2:
            return None
        settled = beliefs.firm >= FIRM
        surface = beliefs.surface.believing(waiting)
        guess = surface.predict(spread(len(self.space.domains), 512, random))[0]
        hopes = np.where(settled, -np.inf, beliefs.reading.margins(guess).max(axis=0))
        active = np.sort(np.argsort(-hopes, kind="stable")[:MOST])
        spent = np.array([sum(t.system_attrs.get(FOCUS) == b for t in trials) for b in self.space.behaviors])
        worth = np.where(settled, 0.0, np.where(beliefs.best > 0, LATER, 1.0)) / (1 + PATIENCE * spent)
        directions = (beliefs.doubt * surface.directions(self.draws, random)).astype(np.float32)
        acquisition = Acquisition(
            surface, beliefs.reading.only(active), directions, beliefs.best[active], worth[active]
        )
        if len(waiting):  # what a pending trial is likely to hold is not to be won again
            left = (1 - acquisition(waiting).chances).prod(axis=0)
            acquisition = acquisition.weighing(worth[active] * left)
        promising = beliefs.inputs[np.unique(beliefs.margins[:, active].argmax(axis=0))]
        return _View(beliefs, settled, active, worth, survey(acquisition, promising, random))


def _standings(view: _View) -> list[str]:
    """Return where each behavior stands; one that is not looked after now can only be settled, held or open."""
    best = view.beliefs.best
    standings = np.where(view.settled, "settled", np.where(best > 0, "held", "open")).astype(object)
    gain, chance = view.outlook.gains.max(axis=0), view.outlook.chances.max(axis=0)
    for position, behavior in enumerate(view.active):
        more = gain[position] / max(view.weights[behavior], 1e-12)
        if standings[behavior] == "held" and more < SLIGHT:
            standings[behavior] = "settled"
        elif standings[behavior] == "open" and chance[position] < HOPELESS:
            standings[behavior] = "unreachable"
    return [str(standing) for standing in standings]
