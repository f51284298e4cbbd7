"""TIES: trim each domain's delta, elect a sign for each entry across the domains, keep what agrees with it.

Yadav et al., 2023, "TIES-Merging: Resolving Interference When Merging Models", arXiv 2306.01708, section 4. Its third
step, the mean over the domains that agree, makes one vector for all of them; here each domain keeps its own entries,
because the coefficients that combine the vectors are what avspec searches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from avspec.extractors.delta import Tally, check_same_parameters, deltas
from avspec.extractors.trim import TrimOptions, trimmed

if TYPE_CHECKING:
    import torch


class Ties:
    """Keep the entries of the trimmed delta whose sign is that of the sum of all domains' trimmed deltas."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[TrimOptions]] = TrimOptions
    others: ClassVar[bool] = True

    def __init__(self, options: TrimOptions) -> None:
        self.options = options
        self._tally = Tally()

    def extract(
        self,
        base: Mapping[str, torch.Tensor],
        aligned: Mapping[str, torch.Tensor],
        others: Mapping[str, Mapping[str, torch.Tensor]],
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield each parameter's name and float32 delta, in the base's order; without others it is a trimmed one.

        Raises:
            ModelError: The models do not have the same parameters and shapes.
        """
        for other in others.values():
            check_same_parameters(base, other)
        for name, delta in deltas(base, aligned):
            own = trimmed(delta, self.options.keep)
            total = own.clone()
            for other in others.values():
                total += trimmed(other[name].float() - base[name].float(), self.options.keep)
            agreeing = own.masked_fill(own.sign() != total.sign(), 0)
            self._tally.add(delta, agreeing)
            yield name, agreeing

    def kept(self) -> Mapping[str, float]:
        """Return the share of entries and of energy that was kept."""
        return self._tally.shares()
