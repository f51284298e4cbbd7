"""How many behaviors hold, and how well, in resamplings of the rows: so that two ways to them can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avspec.api import LogProbs
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective

Array = NDArray[Any]
DRAWS = 2000
"""Bootstrap samples of the rows."""
RANGE = (2.5, 97.5)
"""Percentiles of a 95 % interval."""


@dataclass(frozen=True)
class Outcomes:
    """What behaviors come to; the first entry of each array is the rows as they are, the others are resamplings.

    Two outcomes on the same rows have the same resamplings, so that their difference is a paired one.
    """

    held: Array
    """How many behaviors hold, `[1 + draws]`."""
    worst: Array
    """Share of the wanted level in the domain where it is smallest, mean over behaviors, `[1 + draws]`."""


def outcomes(objective: Objective, found: Mapping[str, Evaluation]) -> Outcomes:
    """Return the outcomes of behaviors; whether limits are kept is not resampled.

    Args:
        objective: The behaviors, judged against the base on the same rows.
        found: Behavior to its evaluation.

    Raises:
        NonFinite: A log-prob is NaN or infinite.
    """
    weights = _weights({name: len(values) for name, values in objective.base.log_probs.items()})
    held, worst = [], []
    for name, evaluation in found.items():
        feasible = objective.judge(evaluation)[name].feasible
        wanted, margins = [], []
        for domain, demand in objective.demands[name].items():
            shares = weights[domain] @ _dominant(evaluation.log_probs[domain])
            index, rows = objective.levels[domain].index(demand.level), len(evaluation.log_probs[domain])
            wanted.append(shares[:, index])
            others = np.delete(shares, index, axis=1).max(axis=1)
            margins.append(shares[:, index] - np.maximum(others, demand.short(rows) / rows))
        held.append((np.min(margins, axis=0) > 1e-9) & feasible)
        worst.append(np.min(wanted, axis=0))
    return Outcomes(np.sum(held, axis=0), np.mean(worst, axis=0))


def interval(values: Array) -> list[float]:
    """Return the 95 % bootstrap interval of an outcome, `[low, high]`."""
    low, high = np.percentile(values[1:], RANGE)
    return [float(low), float(high)]


def _weights(rows: Mapping[str, int]) -> dict[str, Array]:
    """Return each domain's weights of rows, `[1 + draws, rows]`, the same for the same numbers of rows."""
    random = np.random.default_rng(0)
    return {
        name: np.vstack([np.ones(count), random.multinomial(count, np.full(count, 1 / count), DRAWS)]) / count
        for name, count in sorted(rows.items())
    }


def _dominant(log_probs: LogProbs) -> Array:
    """Return 1 for each row's dominant level, `[rows, levels]`."""
    return np.eye(log_probs.shape[1])[log_probs.argmax(axis=1)]
