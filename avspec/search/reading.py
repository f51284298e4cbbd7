"""From outputs of a surface model to behaviors: margins and limits, for one point or thousands of guesses."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from avspec.api import LogProbs
from avspec.search.demands import demands

Array = NDArray[Any]

SMALLEST = 1e-3
"""Log-probs are taken as at least this far below zero, in nats: the logarithm needs a distance from zero."""
RESAMPLINGS = 200
"""Bootstrap samples of the rows."""
SOFT, SAFE = 0.1, 0.1
"""Of leanings: width of the soft step (0.1 is 0.4 nats at -4), and how far ahead is far enough."""


class Reading(Protocol):
    """What the outputs of the surface mean for the behaviors."""

    grain: float
    """The smallest step of a margin: one row; 0 where margins are not made of rows."""

    def margins(self, outputs: Array) -> Array:
        """Return each behavior's margin, `[..., behaviors]`, of outputs `[..., outputs]`."""
        ...

    def leanings(self, outputs: Array) -> Array:
        """Return a smooth stand-in for the margins that also tells bad points apart, `[points, behaviors]`."""
        ...

    def excess(self, mean: Array, deviation: Array, directions: Array) -> Array:
        """Return by how much limits are exceeded, `[points, draws, behaviors]`; positive is infeasible.

        Args:
            mean: `[points, outputs]`.
            deviation: Relative standard deviation, `[points]`.
            directions: Deviations of the outputs, `[draws, outputs]`.
        """
        ...

    def figures(self, outputs: Array) -> Array:
        """Return what the user reads of outputs, `[..., figures]`: shares."""
        ...

    def survival(self, outputs: Array, random: np.random.Generator) -> Array:
        """Return in what share of resamplings of the rows each behavior holds, `[behaviors]`."""
        ...

    def only(self, behaviors: Array) -> Reading:
        """Return the reading of these behaviors, named by their indices."""
        ...


class LogProbReading:
    """Outputs are log-probs of rows and levels, as -log(-log-prob), which keeps their order.

    Log-probs fall steeply where a model is pushed far: from -4 to -16 on the recorded surface. The logarithm
    of their size is far smoother, and dominant levels stay what they are.
    """

    def __init__(self, objective: Mapping[str, Any], rows: Mapping[str, int]) -> None:
        """Take an objective's description (`Objective.describe`) and the rows of each domain and guardrail."""
        self._names = [name for name in objective["levels"] if name in rows]
        self._shapes = {name: (len(objective["levels"][name]), rows[name]) for name in self._names}
        offsets = np.cumsum([0] + [levels * count for levels, count in self._shapes.values()]).tolist()
        self._slices = {n: slice(a, b) for n, a, b in zip(self._names, offsets, offsets[1:], strict=False)}
        columns = np.cumsum([0] + [levels for levels, _ in self._shapes.values()]).tolist()
        self._columns = dict(zip(self._names, columns, strict=False))
        self._table, self._short, self._weights = self._tabulate(objective, columns[-1])
        self.grain = 1 / max(rows.values())
        self._limit = float(objective["max_fluency_drop"])
        self._base = np.concatenate([objective["base"][name] for name in self._names])
        self._guards = [(n, objective["base_shares"][n][-1] - d) for n, d in objective["guardrails"].items()]

    def encode(self, log_probs: Mapping[str, LogProbs]) -> Array:
        """Return an evaluation's outputs, `[outputs]`: of each domain all rows of a level after another."""
        flat = np.concatenate([np.asarray(log_probs[name], float).T.ravel() for name in self._names])
        return -np.log(np.maximum(-flat, SMALLEST))

    def decode(self, outputs: Array) -> dict[str, LogProbs]:
        """Return the evaluation that has these outputs, `[outputs]`."""
        return {name: -np.exp(-self._block(outputs, name)).T for name in self._names}

    def margins(self, outputs: Array) -> Array:
        """Return the smallest margin over the domains that a behavior names, as `Objective` judges it."""
        return self._margins([_shares(self._block(outputs, name)) for name in self._names])

    def leanings(self, outputs: Array) -> Array:
        """Return what is missing in the named domains together, 0 where each has some margin, less excess.

        Rows count by a soft step of how far the wanted level is ahead, so that every step towards a behavior
        shows, in any domain, long before a share or the smallest margin moves. A share of s is 2 s - 1 ahead.
        """
        ahead = [_ahead(self._block(outputs, name)) for name in self._names]
        free = np.ones((*outputs.shape[:-1], 1))
        enough = np.maximum(2 * self._short - 1, SAFE)
        missing = np.minimum(np.concatenate([*ahead, free], axis=-1)[..., self._table] - enough, 0)
        missing = (self._weights * missing).sum(axis=-1)
        still = np.zeros((1, outputs.shape[-1]))
        return np.asarray(missing - np.maximum(self.excess(outputs, np.zeros(len(outputs)), still)[:, 0], 0))

    def excess(self, mean: Array, deviation: Array, directions: Array) -> Array:
        """Return the worst of the fluency drops of the wanted levels and of the guardrails' falls.

        Mean log-probs are taken as linear in the outputs near the mean, which saves an exponential a draw.
        """
        if np.isposinf(self._limit) and not self._guards:
            return np.full((len(mean), len(directions), 1), -np.inf)
        level = np.concatenate([-np.exp(-self._block(mean, n)).mean(axis=-1) for n in self._names], axis=-1)
        moves = np.concatenate([self._block(directions, n).mean(axis=-1) for n in self._names], axis=-1)
        now = level[:, None] * (1 - deviation[:, None, None] * moves)
        drop = np.concatenate([self._base - now, np.full((*now.shape[:-1], 1), -np.inf)], axis=-1)
        worst = drop[..., self._table].max(axis=-1) - self._limit
        for name, least in self._guards:
            guesses = deviation[:, None, None, None] * self._block(directions, name)
            kept = _shares(self._block(mean, name)[:, None] + guesses)[..., -1]
            worst = np.maximum(worst, (least - kept)[..., None])
        return np.asarray(worst)

    def figures(self, outputs: Array) -> Array:
        """Return the share of rows each level dominates, all domains' after one another."""
        return np.concatenate([_shares(self._block(outputs, name)) for name in self._names], axis=-1)

    def survival(self, outputs: Array, random: np.random.Generator) -> Array:
        """Return in what share of bootstrap samples of the rows each behavior has a positive margin."""
        shares = []
        for name in self._names:
            values = self._block(outputs, name)
            rows = values.shape[-1]
            weights = random.multinomial(rows, np.full(rows, 1 / rows), RESAMPLINGS) / rows
            shares.append(weights @ (values == values.max(axis=-2)).T)
        return np.asarray((self._margins(shares) > 1e-9).mean(axis=0))

    def only(self, behaviors: Array) -> LogProbReading:
        """Return the reading of some behaviors."""
        some = copy.copy(self)
        some._table, some._short, some._weights = (
            each[behaviors] for each in (self._table, self._short, self._weights)
        )
        return some

    def _margins(self, shares: list[Array]) -> Array:
        free = np.full((*shares[0].shape[:-1], 1), np.inf, shares[0].dtype)
        margins = np.concatenate([*map(_level_margins, shares), free], axis=-1)[..., self._table]
        if (self._short >= 0).any():
            wanted = np.concatenate([*shares, free], axis=-1)[..., self._table]
            margins = np.minimum(margins, wanted - self._short.astype(wanted.dtype))
        if (self._weights != 1).any():
            weights = self._weights.astype(margins.dtype)
            margins = np.where(margins > 0, margins / weights, margins * weights)
        return np.asarray(margins.min(axis=-1))

    def _block(self, outputs: Array, name: str) -> Array:
        return outputs[..., self._slices[name]].reshape(*outputs.shape[:-1], *self._shapes[name])

    def _tabulate(self, objective: Mapping[str, Any], free: int) -> tuple[Array, Array, Array]:
        """Return of each behavior's demands, `[behaviors, domains]`, the columns, shares that fall short, weights.

        A domain that is free stands last, in the column behind all levels.
        """
        shape = len(objective["behaviors"]), len(objective["domains"])
        table, short, weights = np.full(shape, free), np.full(shape, -1.0), np.ones(shape)
        for row, behavior in enumerate(objective["behaviors"].values()):
            for column, (domain, demand) in enumerate(demands(behavior).items()):
                rows = self._shapes[domain][1]
                table[row, column] = self._columns[domain] + objective["levels"][domain].index(demand.level)
                short[row, column] = demand.short(rows) / rows
                weights[row, column] = demand.weight
        return table, short, weights


class ValueReading:
    """Outputs are the objectives' values themselves: for studies whose trials carry no log-probs."""

    grain = 0.0

    def __init__(self, behaviors: Array | None = None) -> None:
        self._behaviors: Any = slice(None) if behaviors is None else behaviors

    def margins(self, outputs: Array) -> Array:
        """Return the values: a behavior holds where its value is positive."""
        return outputs[..., self._behaviors]

    def leanings(self, outputs: Array) -> Array:
        """Return the values."""
        return self.margins(outputs)

    def excess(self, mean: Array, deviation: Array, directions: Array) -> Array:
        """Return that no limit is known."""
        return np.full((len(mean), len(directions), 1), -1.0)

    def figures(self, outputs: Array) -> Array:
        """Return the values."""
        return outputs

    def survival(self, outputs: Array, random: np.random.Generator) -> Array:
        """Return 1 for a positive value: there are no rows to resample."""
        return (self.margins(outputs) > 0).astype(float)

    def only(self, behaviors: Array) -> ValueReading:
        """Return the reading of some behaviors."""
        return ValueReading(behaviors)


def _shares(values: Array) -> Array:
    """Return the share of rows in which each level is the largest, `[..., levels, rows]` to `[..., levels]`.

    Written level by level because numpy is slow along short axes, and this is where a search spends its time.
    """
    levels = [values[..., level, :] for level in range(values.shape[-2])]
    top = reduce(np.maximum, levels)
    ones = np.ones(values.shape[-1], values.dtype)
    return np.stack([(level == top).astype(values.dtype) @ ones for level in levels], axis=-1) / len(ones)


def _ahead(values: Array) -> Array:
    """Return how far each level is ahead of the best other one, -1..1, `[..., levels, rows]` to `[..., levels]`."""
    levels = [values[..., level, :] for level in range(values.shape[-2])]
    gaps = [own - reduce(np.maximum, levels[:i] + levels[i + 1 :]) for i, own in enumerate(levels)]
    return np.stack([(gap / (SOFT + np.abs(gap))).mean(axis=-1) for gap in gaps], axis=-1)


def _level_margins(shares: Array) -> Array:
    """Return each level's share less the largest other one, `[..., levels]`."""
    levels = [shares[..., level] for level in range(shares.shape[-1])]
    others = [reduce(np.maximum, levels[:i] + levels[i + 1 :]) for i in range(len(levels))]
    return shares - np.stack(others, axis=-1)
