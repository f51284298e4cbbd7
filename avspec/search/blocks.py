"""Evaluations in blocks of rows, which can be stopped between two of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from avspec.api import LogProbs

BLOCKS = 3
"""Parts that the rows of every domain are scored in."""

Watch = Callable[[Mapping[str, LogProbs]], None]
"""Told the log-probs so far, with NaN for rows that are not scored; raises `Pruned` to stop the evaluation."""


class Pruned(Exception):
    """An evaluation was stopped before all rows were scored."""

    def __init__(self, log_probs: Mapping[str, LogProbs], part: float, unsure: float) -> None:
        super().__init__(f"stopped after {part:.0%} of the rows")
        self.log_probs = log_probs
        """Of all rows, as an observation with the variance `unsure` (`stopping.Guess`): no measurement."""
        self.part = part
        """Part of the rows that was scored."""
        self.unsure = unsure
        """As a part of the surface's own variance."""


def scored(log_probs: Mapping[str, LogProbs]) -> float:
    """Return the part of the rows that have no NaN."""
    return float(np.concatenate([~np.isnan(values).any(axis=1) for values in log_probs.values()]).mean())


def in_blocks(
    score: Callable[[slice], Mapping[str, LogProbs]], shapes: Mapping[str, tuple[int, int]], watch: Watch | None
) -> dict[str, LogProbs]:
    """Return the log-probs of all rows, scored block by block; `watch` looks at them between two blocks.

    Blocks are the same for every evaluation, watched or not: so are the log-probs, to the last bit.

    Args:
        score: Gives the log-probs of some of each domain's rows.
        shapes: Domain or guardrail to its numbers of rows and levels.
        watch: Stops the evaluation by raising `Pruned`.

    Raises:
        Pruned: `watch` did.
    """
    so_far = {name: np.full(shape, np.nan) for name, shape in shapes.items()}
    for block in range(min(BLOCKS, max(rows for rows, _ in shapes.values()))):
        rows = slice(block, None, BLOCKS)
        for name, values in score(rows).items():
            so_far[name][rows] = values
        if watch and scored(so_far) < 1:
            watch(so_far)
    return so_far
