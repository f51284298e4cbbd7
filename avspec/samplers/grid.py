"""The paper's grid over all coefficients, in an order that is useful when it is cut short."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api

if TYPE_CHECKING:
    import numpy as np
    import optuna

_FEW = 100_000


class GridOptions(api.Options):
    """Options of `grid`."""

    points: int = Field(21, ge=2)
    """Values of each coefficient, the ends included; the paper has 21 (section 6.2)."""


class Grid:
    """Visits every combination of evenly spaced coefficients once (paper, section 6.2: 21^3 = 9,261).

    The order goes through full grids of growing resolution: the middle, then 3 values a domain, 5, 9, ...,
    each of them shuffled; a search that stops early has covered the whole range coarsely.
    """

    version: ClassVar[str] = "1"
    Options: ClassVar[type[GridOptions]] = GridOptions

    def __init__(self, options: GridOptions) -> None:
        self.options = options

    def create(self, space: api.SearchSpace) -> optuna.samplers.BaseSampler:
        """Return the sampler."""
        import numpy as np

        from avspec.samplers.walk import WalkSampler

        values = np.linspace(space.low, space.high, self.options.points)

        def walk() -> Iterator[dict[str, float]]:
            for indices in coarse_to_fine(self.options.points, len(space.domains), space.seed):
                yield {d: float(values[i]) for d, i in zip(space.domains, indices, strict=True)}

        return WalkSampler(space, walk)


def coarse_to_fine(points: int, dimensions: int, seed: int) -> Iterator[tuple[int, ...]]:
    """Yield every index tuple of a grid once: each resolution's new points shuffled before the next one's."""
    import numpy as np

    draw, before = np.random.default_rng(abs(seed)), set[int]()
    for axis in _resolutions(points):
        yield from _shuffled(axis, before, dimensions, draw)
        before.update(axis)


def _shuffled(
    axis: list[int], before: set[int], dimensions: int, draw: np.random.Generator
) -> Iterator[tuple[int, ...]]:
    """Yield the points of a grid that the coarser one before does not have, at random.

    They are listed only where they are few: 3 values of 15 knobs make 14 million points, of which a search visits
    hundreds.
    """
    count = len(axis) ** dimensions - len(before) ** dimensions
    if count <= _FEW:
        fresh = [point for point in itertools.product(axis, repeat=dimensions) if not before.issuperset(point)]
        yield from (fresh[index] for index in draw.permutation(len(fresh)))
        return
    drawn: set[tuple[int, ...]] = set()
    while len(drawn) < count:
        point = tuple(axis[index] for index in draw.integers(len(axis), size=dimensions))
        if point not in drawn and not before.issuperset(point):
            drawn.add(point)
            yield point


def _resolutions(points: int) -> Iterator[list[int]]:
    """Yield the indices of one axis: the middle, then 3, 5, 9, ... evenly spaced ones, at last all."""
    yield [(points - 1) // 2]
    count, before = 3, {(points - 1) // 2}
    while len(before) < points:
        before |= {round(i * (points - 1) / (min(count, points) - 1)) for i in range(min(count, points))}
        yield sorted(before)
        count = 2 * count - 1
