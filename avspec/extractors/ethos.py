"""Ethos: read each matrix's delta in the base's principal components, and leave the small readings out.

Gao et al., 2024, "Ethos: Rectifying Language Models in Orthogonal Parameter Space", arXiv 2403.08994:

    W_base = U diag(s) V^T,   S = U^T delta V,   entries of S below a share of the largest are general knowledge,
    not the task's, and are kept apart

The paper first fine-tunes the base on general text of the task, and takes U and V from that; here they are the
base's own. What lies outside U of a matrix that is not square belongs to no component of the base and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api
from avspec.extractors.delta import Reducing, share

if TYPE_CHECKING:
    import torch


class EthosOptions(api.Options):
    """What counts as small."""

    threshold: float = Field(default=0.03, ge=0, le=1)
    """Share of the largest entry of a matrix's projection below which an entry is left out."""


class Ethos(Reducing):
    """Keep the large entries of each matrix's projection; parameters that are no matrices are kept whole."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[EthosOptions]] = EthosOptions

    def __init__(self, options: EthosOptions) -> None:
        super().__init__()
        self.options = options
        self._large, self._components = 0, 0

    def part(self, name: str, delta: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        """Return the large readings of a matrix, and anything else whole."""
        return self._filtered(base.float(), delta) if delta.ndim == 2 and delta.count_nonzero() else delta

    def kept(self) -> Mapping[str, float]:
        """Return the share of components, entries of the projections that are not zero, and of energy that was kept."""
        return {"components": share(self._large, self._components), "energy": self.tally.shares()["energy"]}

    def _filtered(self, base: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """Return the delta less its small components: U S~ V^T, and what is outside the span of U and V."""
        import torch

        left, _, right = torch.linalg.svd(base, full_matrices=False)
        projection = left.T @ delta @ right.T
        sizes = projection.abs()
        small = sizes < self.options.threshold * sizes.max()
        self._components += int(projection.count_nonzero())
        self._large += int((~small & (projection != 0)).sum())
        return delta.sub(left @ projection.masked_fill(~small, 0) @ right)
