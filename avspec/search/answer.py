"""Any behavior at once from the evaluations that are stored: the best of them, and what the surface predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avspec.api import SearchSpace
from avspec.search import beliefs
from avspec.search.acquisition import Acquisition, distances, survey
from avspec.search.beliefs import Beliefs
from avspec.search.evaluations import Evaluation
from avspec.search.gp import Array
from avspec.search.objective import Judgement, Objective
from avspec.search.reading import LogProbReading

DRAWS, MORE_DRAWS = 32, 256
"""Posterior draws that candidates are compared by, and that the prediction for the best one is read from."""
FINALISTS = 48
"""Candidates that are compared by their expected margin."""
DECIMALS = 2
"""Predicted coefficients are rounded to so many decimals, so that a user can type what was predicted."""
NEAR = 0.02
"""Closer to an evaluation, for inputs in -1..1, a prediction is no news."""
RANGE = (10.0, 90.0)
"""Percentiles between which a predicted share lies with 80 %."""


@dataclass(frozen=True)
class Prediction:
    """What the surface says about coefficients that were not evaluated."""

    coefficients: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float]]
    """Domain or guardrail to the expected share of each level."""
    ranges: Mapping[str, Mapping[str, tuple[float, float]]]
    """Where each share lies with 80 %, by the surface's own uncertainty as its leave-one-out errors correct it."""
    chance: float
    """Share of posterior draws in which the behavior holds; as that of the best of many candidates, optimistic."""
    margin: float
    """Expected margin; a draw beyond a limit counts as -1."""


@dataclass(frozen=True)
class Answer:
    """Everything the stored evaluations say about one behavior."""

    best: Evaluation
    judgement: Judgement
    prediction: Prediction | None
    """A point that is expected to be better; None when there is none, or too few evaluations for a surface."""
    left_out_error: float | None
    """Exact leave-one-out error: mean difference of a predicted share to the measured one."""
    evaluations: int


def answer(objective: Objective, space: SearchSpace, evaluations: Sequence[Evaluation]) -> Answer:
    """Answer one behavior; the same evaluations always give the same answer.

    Args:
        objective: Its one behavior is the question.
        space: The domains and the range of coefficients.
        evaluations: At least one, all within the range.
    """
    (name,) = objective.behaviors
    best, judgement = objective.best(evaluations)[name]
    if len(evaluations) < len(space.domains) + 2:  # fewer points than a plane through them has parameters
        return Answer(best, judgement, None, None, len(evaluations))
    known = _learn(objective, space, evaluations)
    prediction = _predict(known, objective, space)
    now = judgement.margin if judgement.feasible else -1.0
    if judgement.held:  # what holds is not given up for less than a row
        now += objective.row(name, now)
    better = prediction is not None and prediction.margin > now
    return Answer(best, judgement, prediction if better else None, known.left_out_error, len(evaluations))


def _learn(objective: Objective, space: SearchSpace, evaluations: Sequence[Evaluation]) -> Beliefs:
    rows = {name: len(values) for name, values in objective.base.log_probs.items()}
    reading = LogProbReading(objective.describe(), rows)
    outputs = np.array([reading.encode(evaluation.log_probs) for evaluation in evaluations])
    feasible = [[judged.feasible for judged in objective.judge(e).values()] for e in evaluations]
    margins = np.where(np.array(feasible), reading.margins(outputs), -1.0)
    points = beliefs.inputs([e.coefficients for e in evaluations], space)
    return Beliefs(reading, points, outputs, margins, np.zeros(len(points)))


def _predict(known: Beliefs, objective: Objective, space: SearchSpace) -> Prediction | None:
    """Return the candidate most likely to hold and, of those about as likely, with the largest expected margin."""
    random = np.random.default_rng(0)
    directions = known.doubt * known.surface.directions(MORE_DRAWS, random)
    acquisition = Acquisition(known.surface, known.reading, directions[:DRAWS], known.best, np.ones(1))
    promising = known.inputs[np.argsort(-known.margins[:, 0], kind="stable")[:4]]
    outlook = survey(acquisition, promising, random)
    points = outlook.points[np.argsort(-outlook.gains[:, 0], kind="stable")[:FINALISTS]]
    points = _typed(points, space)
    points = points[distances(points, known.inputs) > NEAR]
    if not len(points):
        return None
    margins, chances = _judge(known, points, directions)
    best = int(np.lexsort((margins, np.round(20 * chances)))[-1])
    return _read(known, points[best], directions, objective, space, float(chances[best]), float(margins[best]))


def _typed(points: Array, space: SearchSpace) -> Array:
    """Return points as their coefficients are when they are rounded."""
    typed = [{d: round(c, DECIMALS) for d, c in beliefs.coefficients(p, space).items()} for p in points]
    return np.unique(beliefs.inputs(typed, space), axis=0)


def _judge(known: Beliefs, points: Array, directions: Array) -> tuple[Array, Array]:
    """Return each point's expected margin and chance to hold, by draws."""
    mean, deviation = known.surface.predict(points)
    margins = np.array([known.reading.margins(m + d * directions)[:, 0] for m, d in zip(mean, deviation, strict=True)])
    feasible = known.reading.excess(mean, deviation, directions)[..., 0] <= 0
    margins = np.where(feasible, margins, -1.0)
    return margins.mean(axis=1), (margins > 0).mean(axis=1)


def _read(
    known: Beliefs,
    point: Array,
    directions: Array,
    objective: Objective,
    space: SearchSpace,
    chance: float,
    margin: float,
) -> Prediction:
    mean, deviation = known.surface.predict(point[None])
    figures = known.reading.figures(mean[0] + deviation[0] * directions)
    expected, low, high = figures.mean(axis=0), *np.percentile(figures, RANGE, axis=0)
    named = [(name, level) for name, levels in objective.levels.items() for level in levels]
    shares: dict[str, dict[str, float]] = {name: {} for name in objective.levels}
    ranges: dict[str, dict[str, tuple[float, float]]] = {name: {} for name in objective.levels}
    for column, (name, level) in enumerate(named):
        shares[name][level] = float(expected[column])
        ranges[name][level] = float(low[column]), float(high[column])
    typed = {d: round(c, DECIMALS) + 0.0 for d, c in beliefs.coefficients(point, space).items()}
    return Prediction(typed, shares, ranges, chance, margin)
