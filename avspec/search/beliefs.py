"""What a study's finished trials say: the surface, how far it can be trusted, where each behavior stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from avspec.api import SearchSpace
from avspec.search import gp
from avspec.search.evaluations import unpack
from avspec.search.gp import Array, SharedGP
from avspec.search.reading import LogProbReading, Reading, ValueReading
from avspec.search.trials import BEHAVIORS, EVALUATION

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

FIRM = 0.9
"""A behavior is settled when it holds in this share of resamplings of the rows."""
DOUBT = (0.7, 2.0)
"""How far the leave-one-out errors may shrink and stretch the surface's own uncertainty."""


@dataclass(frozen=True)
class Beliefs:
    """The finished trials and the surface fitted to them."""

    reading: Reading
    inputs: Array
    """`[trials, coefficients]`, in -1..1."""
    outputs: Array
    """`[trials, outputs]`."""
    margins: Array
    """Each behavior's margin where it is feasible, else -1, `[trials, behaviors]`."""
    unsure: Array
    """Variance with which outputs are observed (`stopping.Guess`), `[trials]`; 0 where all rows were scored."""

    @cached_property
    def surface(self) -> SharedGP:
        """Return the fitted surface."""
        return gp.fit(self.inputs, self.outputs, self.unsure)

    @cached_property
    def doubt(self) -> float:
        """Return by what the surface's uncertainty must be multiplied to fit its leave-one-out errors."""
        means, deviations = self.surface.left_out
        amplitudes = np.maximum(self.surface.amplitudes, 1e-12)
        errors = (means - self.outputs) / (deviations[:, None] * amplitudes)
        return float(np.clip(np.sqrt((errors[self.whole] ** 2).mean()), *DOUBT))

    @cached_property
    def left_out_error(self) -> float:
        """Return the exact leave-one-out error: mean difference of a predicted share (or value) to the real."""
        predicted = self.reading.figures(self.surface.left_out[0][self.whole])
        return float(np.abs(predicted - self.reading.figures(self.outputs[self.whole])).mean())

    @property
    def whole(self) -> Array:
        """Return which trials were evaluated on all rows, `[trials]`; the others prove nothing."""
        return self.unsure == 0

    @property
    def best(self) -> Array:
        """Return each behavior's best feasible margin, `[behaviors]`."""
        return np.asarray(self.margins.max(axis=0))

    @cached_property
    def firm(self) -> Array:
        """Return in what share of resamplings of the rows each behavior holds at its best trial."""
        random, trials = np.random.default_rng(0), self.margins.argmax(axis=0)
        held = np.zeros(self.margins.shape[1])
        for trial in np.unique(trials[self.best > 0]):
            own = np.flatnonzero((trials == trial) & (self.best > 0))
            held[own] = self.reading.only(own).survival(self.outputs[trial], random)
        return held


def learn(objective: Mapping[str, Any] | None, space: SearchSpace, trials: Sequence[FrozenTrial]) -> Beliefs | None:
    """Return the beliefs that finished trials justify.

    Args:
        objective: `Objective.describe` as the study keeps it; None for a study that is not avspec's, whose
            values are then taken as margins.
        space: What is searched.
        trials: Finished trials; those without log-probs (or values) are left out.

    Returns:
        The beliefs; None when no trial tells anything.
    """
    if objective is None:
        from optuna.trial import TrialState

        valued = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if not valued:
            return None
        values = np.array([trial.values for trial in valued])
        return Beliefs(ValueReading(), inputs([t.params for t in valued], space), values, values, np.zeros(len(values)))
    carried = [trial for trial in trials if EVALUATION in trial.user_attrs]
    if not carried:
        return None
    log_probs = [unpack(trial.user_attrs[EVALUATION]["log_probs"]) for trial in carried]
    reading = LogProbReading(objective, {name: len(values) for name, values in log_probs[0].items()})
    outputs = np.array([reading.encode(each) for each in log_probs])
    judged = [trial.user_attrs.get(BEHAVIORS, {}) for trial in carried]  # nothing where rows are filled in
    feasible = [[b in of and of[b]["excess"] <= 0 for b in space.behaviors] for of in judged]
    margins = np.where(feasible, reading.margins(outputs), -1.0)
    unsure = np.array([trial.user_attrs[EVALUATION].get("unsure", 0.0) for trial in carried])
    return Beliefs(reading, inputs([t.params for t in carried], space), outputs, margins, unsure)


def inputs(points: Sequence[Mapping[str, float]], space: SearchSpace) -> Array:
    """Return coefficients with the range scaled to -1..1, `[points, domains]`."""
    values = np.array([[point[d] for d in space.domains] for point in points], float)
    return 2 * (values.reshape(-1, len(space.domains)) - space.low) / (space.high - space.low) - 1


def coefficients(point: Array, space: SearchSpace) -> dict[str, float]:
    """Return the coefficients that an input stands for."""
    values = np.clip(space.low + (point + 1) / 2 * (space.high - space.low), space.low, space.high)
    return dict(zip(space.domains, values.tolist(), strict=True))
