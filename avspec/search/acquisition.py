"""Where the next evaluation would help most, for all unsettled behaviors together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from avspec.search.gp import Array, SharedGP
from avspec.search.reading import Reading

CANDIDATES = 1024
"""Points spread over the whole range, whatever the number of domains."""
PARENTS, CHILDREN = 4, 12
"""Best points that are refined, for each behavior and in all, and perturbations of each."""
STEPS = (0.2, 0.06, 0.02)
"""Standard deviations of the perturbations, round by round, for inputs in -1..1."""
CLIMB = (0.4, 0.4, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0.05)
"""Steps of the climb towards each behavior, which sees predicted means only."""
FIRST = 3.0
"""What holding a behavior for the first time is worth beside a gain in margin of 1."""
CLOSER = 0.2
"""What a gain in margin of 1 is worth where a behavior does not hold yet."""
NUMBERS = 2_000_000
"""Numbers drawn at once, which bounds the memory."""
BETWEEN = 2
"""Points of the opening that lie between the axes."""
AXIS = 0.7
"""How far along each coefficient's axis the first evaluations go, as a part of the way to the range's end."""


@dataclass(frozen=True)
class Acquisition:
    """The expected gain of an evaluation, from draws of the surface's posterior.

    A draw says for each row which level dominates, and so gives shares and margins as an evaluation would. A
    behavior gains where it may hold for the first time, and by how far its margin exceeds the best one so far:
    an expectation over shares with their uncertainty, not a score of smoothed shares.
    """

    surface: SharedGP
    reading: Reading
    directions: Array
    """Deviations of the outputs, `[draws, outputs]`."""
    best: Array
    """Largest feasible margin evaluated so far, `[behaviors]`."""
    weights: Array
    """What a gain is worth, `[behaviors]`; 0 for a behavior that needs nothing more."""

    def __call__(self, points: Array) -> Outlook:
        """Return what can be expected at each point."""
        size = max(1, NUMBERS // max(self.directions.size, len(self.directions) * len(self.best)))
        parts = [self._expect(points[at : at + size]) for at in range(0, len(points), size)]
        gains, chances = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Outlook(points, gains, chances)

    def weighing(self, weights: Array) -> Acquisition:
        """Return the acquisition with other weights."""
        return replace(self, weights=weights)

    def _expect(self, points: Array) -> tuple[Array, Array]:
        mean, deviation = (values.astype(np.float32) for values in self.surface.predict(points))
        outputs = mean[:, None] + deviation[:, None, None] * self.directions
        margins = self.reading.margins(outputs)
        feasible = self.reading.excess(mean, deviation, self.directions) <= 0
        more = (feasible * np.maximum(margins - self.best, 0)).mean(axis=1)
        chances = feasible.mean(axis=1) * above(margins, self.reading.grain / 2)
        gains = self.weights * np.where(self.best > 0, more, CLOSER * more + FIRST * chances)
        return gains, chances


@dataclass(frozen=True)
class Outlook:
    """Candidates and what is expected of them."""

    points: Array
    """`[points, coefficients]`, in -1..1."""
    gains: Array
    """Expected gain of each behavior, `[points, behaviors]`."""
    chances: Array
    """Probability that each behavior holds, `[points, behaviors]`."""

    def join(self, other: Outlook) -> Outlook:
        """Return the candidates of both."""
        return Outlook(
            np.vstack([self.points, other.points]),
            np.vstack([self.gains, other.gains]),
            np.vstack([self.chances, other.chances]),
        )

    def parents(self) -> Array:
        """Return the best candidates in all, and those of the behaviors that have the most to gain."""
        behaviors = np.argsort(-self.gains.max(axis=0), kind="stable")[: 2 * PARENTS]
        own = np.argsort(-self.gains[:, behaviors], axis=0, kind="stable")[:PARENTS].ravel()
        together = np.argsort(-self.gains.sum(axis=1), kind="stable")[:PARENTS]
        return self.points[np.unique(np.concatenate([own, together]))]


def survey(acquisition: Acquisition, known: Array, random: np.random.Generator) -> Outlook:
    """Look for the best candidates: spread over the range, climbed to for each behavior, and then refined.

    Behaviors may hold in a ten-thousandth of the range only: the climb brings each behavior near its place,
    refinement follows the best candidates with ever smaller steps, and neither grows with the power of the
    domains.

    Args:
        acquisition: Expected gains.
        known: Points worth looking around, `[points, coefficients]`.
        random: Source of the draws.
    """
    first = np.vstack([spread(known.shape[1], CANDIDATES, random), _around(known, STEPS[0], random)])
    outlook = acquisition(np.vstack([first, climb(acquisition, first, random)]))
    for step in STEPS:
        outlook = outlook.join(acquisition(_around(outlook.parents(), step, random)))
    return outlook


def climb(acquisition: Acquisition, points: Array, random: np.random.Generator) -> Array:
    """Return, for each behavior, the point its predicted mean leans most towards it, `[behaviors, ...]`.

    An evolution of one parent and some children for each behavior, all in one prediction a round: where no
    draw holds a behavior at any point, expected gains do not tell in which direction to go, and leanings do.
    """
    surface, reading = acquisition.surface, acquisition.reading
    leanings = reading.leanings(surface.predict(points)[0])
    parents, heights = points[leanings.argmax(axis=0)], leanings.max(axis=0)
    behaviors = np.arange(len(parents))
    for step in CLIMB:
        children = _around(parents, step, random)
        leanings = reading.leanings(surface.predict(children)[0])
        own = leanings.reshape(len(parents), CHILDREN, -1)[behaviors, :, behaviors]
        better, best = own.max(axis=1) > heights, own.argmax(axis=1)
        parents = np.where(better[:, None], children.reshape(len(parents), CHILDREN, -1)[behaviors, best], parents)
        heights = np.maximum(heights, own.max(axis=1))
    return parents


def opening(origin: Array, random: np.random.Generator) -> Iterator[Array]:
    """Yield the first points to evaluate: the origin, both ways along each axis, and some between the axes."""
    yield origin
    for axis in range(len(origin)):
        for end in (1.0, -1.0):
            point = origin.copy()
            point[axis] += AXIS * (end - origin[axis])
            yield point
    yield from spread(len(origin), BETWEEN, random)


def spread(dimensions: int, count: int, random: np.random.Generator) -> Array:
    """Return points of a scrambled Sobol sequence, `[count, dimensions]` in -1..1."""
    from scipy.stats import qmc

    power = int(np.ceil(np.log2(count)))
    return 2 * qmc.Sobol(dimensions, rng=random).random_base2(power)[:count] - 1


def distances(points: Array, known: Array) -> Array:
    """Return each point's distance to the nearest known one, the largest difference of a coefficient."""
    if not len(known):
        return np.full(len(points), np.inf)
    return np.abs(points[:, None] - known[None]).max(axis=2).min(axis=1)


def _around(points: Array, step: float, random: np.random.Generator) -> Array:
    noise = step * random.standard_normal((len(points), CHILDREN, points.shape[1]))
    return np.clip(points[:, None] + noise, -1, 1).reshape(-1, points.shape[1])


def above(margins: Array, threshold: float | Array) -> Array:
    """Return how likely each margin exceeds its threshold, `[points, draws, behaviors]` to `[points, behaviors]`.

    From the draws' mean and spread, as if margins were normal: counting draws would give 0 for all that is
    rarer than one draw, and so no hint where a behavior that holds in a small region only is least unlikely.
    """
    from scipy.special import ndtr

    mean = margins.mean(axis=1)
    variance = np.maximum((margins**2).mean(axis=1) - mean**2, 1e-6)
    return np.asarray(ndtr((mean - threshold) / np.sqrt(variance)))
