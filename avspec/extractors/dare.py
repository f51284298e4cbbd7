"""Drop and rescale: a random share of the entries goes, the others grow to make up for it.

Yu et al., 2024, "Language Models are Super Mario: Absorbing Abilities from Homologous Models as a Free Lunch", arXiv
2311.03099: m ~ Bernoulli(p), delta' = (1 - m) * delta / (1 - p).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api
from avspec.extractors.delta import Tally, deltas

if TYPE_CHECKING:
    import torch


class DareOptions(api.Options):
    """How much is dropped, and which."""

    drop: float = Field(default=0.9, ge=0, lt=1)
    """Probability of each entry to be set to zero, the paper's p; the others are divided by 1 - drop."""
    seed: int = 0
    """Seed of the draw."""


class Dare:
    """Drop entries at random and rescale the others, so that every entry stays what it was in expectation."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[DareOptions]] = DareOptions

    def __init__(self, options: DareOptions) -> None:
        self.options = options
        self._tally = Tally()

    def extract(
        self, base: Mapping[str, torch.Tensor], aligned: Mapping[str, torch.Tensor]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield each parameter's name and float32 delta, in the base's order.

        Raises:
            ModelError: The two models do not have the same parameters and shapes.
        """
        import torch

        for name, delta in deltas(base, aligned):
            draw = torch.Generator().manual_seed(_seed(self.options.seed, name, delta))
            dropped = torch.rand(delta.shape, generator=draw) < self.options.drop
            kept = delta.masked_fill(dropped, 0)
            self._tally.add(delta, kept)
            yield name, kept / (1 - self.options.drop)

    def kept(self) -> Mapping[str, float]:
        """Return the share of entries, and of energy before rescaling, that was kept."""
        return self._tally.shares()


def _seed(seed: int, name: str, delta: torch.Tensor) -> int:
    """Return the seed of one parameter; its bytes count, so that two domains do not drop the same entries."""
    hashed = hashlib.blake2b(f"{seed} {name} ".encode(), digest_size=7)
    hashed.update(delta.contiguous().numpy().data)
    return int.from_bytes(hashed.digest())
