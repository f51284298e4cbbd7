"""Trimming: of each parameter's delta only the largest entries stay (TIES-Merging's first step).

Yadav et al., 2023, "TIES-Merging: Resolving Interference When Merging Models", arXiv 2306.01708, section 4.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api
from avspec.extractors.delta import Reducing

if TYPE_CHECKING:
    import torch


class TrimOptions(api.Options):
    """How much stays."""

    keep: float = Field(default=0.2, gt=0, le=1)
    """Share of each parameter's entries that are kept, the largest by magnitude; the paper keeps 0.2."""


class Trim(Reducing):
    """Keep the largest entries of each parameter as they are, and set the others to zero."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[TrimOptions]] = TrimOptions

    def __init__(self, options: TrimOptions) -> None:
        super().__init__()
        self.options = options

    def part(self, name: str, delta: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        """Return the largest entries."""
        return trimmed(delta, self.options.keep)


def trimmed(delta: torch.Tensor, keep: float) -> torch.Tensor:
    """Return a delta with all but the largest share of its entries set to zero; entries as large as the last stay."""
    if keep == 1 or not delta.numel():
        return delta
    sizes = delta.abs()
    dropped = delta.numel() - math.ceil(keep * delta.numel())
    least = sizes.flatten().kthvalue(dropped + 1).values
    return delta.masked_fill(sizes < least, 0)
