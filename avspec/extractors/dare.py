"""Drop and rescale: a random share of the entries goes, the others grow to make up for it.

Yu et al., 2024, "Language Models are Super Mario: Absorbing Abilities from Homologous Models as a Free Lunch", arXiv
2311.03099: m ~ Bernoulli(p), delta' = (1 - m) * delta / (1 - p).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api
from avspec.extractors.delta import Reducing

if TYPE_CHECKING:
    import torch


class DareOptions(api.Options):
    """How much is dropped, and which."""

    drop: float = Field(default=0.9, ge=0, lt=1)
    """Probability of each entry to be set to zero, the paper's p; the others are divided by 1 - drop."""
    seed: int = 0
    """Seed of the draw."""


class Dare(Reducing):
    """Drop entries at random and rescale the others, so that every entry stays what it was in expectation."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[DareOptions]] = DareOptions

    def __init__(self, options: DareOptions) -> None:
        super().__init__()
        self.options = options
        self.factor = 1 / (1 - options.drop)

    def part(self, name: str, delta: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        """Return the entries that are not dropped."""
        import torch

        draw = torch.Generator().manual_seed(_seed(self.options.seed, name, delta))
        return delta.masked_fill(torch.rand(delta.shape, generator=draw) < self.options.drop, 0)


def _seed(seed: int, name: str, delta: torch.Tensor) -> int:
    """Return the seed of one parameter; its bytes count, so that two domains do not drop the same entries."""
    hashed = hashlib.blake2b(f"{seed} {name} ".encode(), digest_size=7)
    hashed.update(delta.contiguous().numpy().data)
    return int.from_bytes(hashed.digest())
