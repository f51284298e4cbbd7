"""Low rank: of each matrix's delta only the directions with the largest singular values stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api
from avspec.extractors.delta import Reducing, share

if TYPE_CHECKING:
    import torch

_ROWS = 4096
"""Rows that are in float64 at once."""


class LowRankOptions(api.Options):
    """How many directions of each matrix stay: a number, or enough for a share of the energy."""

    rank: int | None = Field(default=None, ge=1)
    """Directions of each matrix that are kept; without it `energy` decides."""
    energy: float = Field(default=0.9, gt=0, le=1)
    """Share of each matrix's sum of squares that is kept at least, when there is no `rank`."""


class LowRank(Reducing):
    """Truncate the singular value decomposition of each matrix: the closest matrix of that rank (Eckart and Young).

    Parameters that are no matrices, such as norms, are kept whole.
    """

    version: ClassVar[str] = "1"
    Options: ClassVar[type[LowRankOptions]] = LowRankOptions

    def __init__(self, options: LowRankOptions) -> None:
        super().__init__()
        self.options = options
        self._ranks, self._directions = 0, 0

    def part(self, name: str, delta: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        """Return the strongest directions of a matrix, and anything else whole."""
        return self._truncated(delta) if delta.ndim == 2 and delta.count_nonzero() else delta

    def kept(self) -> Mapping[str, float]:
        """Return the share of energy, and of the directions of the matrices that are not zero, that was kept."""
        return {"directions": share(self._ranks, self._directions), "energy": self.tally.shares()["energy"]}

    def _truncated(self, delta: torch.Tensor) -> torch.Tensor:
        if delta.shape[0] < delta.shape[1]:
            return self._truncated(delta.T).T
        energies, directions = principal_directions(delta)
        rank = min(self.options.rank or _rank_of(energies, self.options.energy), len(energies))
        self._ranks += rank
        self._directions += len(energies)
        leading = directions[:, :rank].float()
        return (delta @ leading) @ leading.T


def principal_directions(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the squared singular values `[columns]`, largest first, and right singular vectors `[columns, columns]`.

    They are the eigenvectors of the float64 Gram matrix: for a tall matrix much faster than its decomposition, and
    float64 makes good for the squaring.

    Args:
        matrix: `[rows, columns]`, at least as many rows as columns.
    """
    import torch

    gram = torch.zeros(matrix.shape[1], matrix.shape[1], dtype=torch.float64)
    for rows in torch.split(matrix, _ROWS):
        gram += rows.double().T @ rows.double()
    energies, directions = torch.linalg.eigh(gram)
    return energies.flip(0).clamp(min=0), directions.flip(1)


def _rank_of(energies: torch.Tensor, share_wanted: float) -> int:
    """Return the smallest rank whose energy is at least that share of all."""
    reached = energies.cumsum(0) >= share_wanted * energies.sum() * (1 - 1e-12)
    return int(reached.int().argmax()) + 1
