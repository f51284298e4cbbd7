"""The paper's Alignment Vector: aligned minus base (section 4.1, AV_d = theta_aligned(d) - theta_base)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from avspec import api
from avspec.extractors.delta import deltas

if TYPE_CHECKING:
    import torch


class Difference:
    """Subtract in float32: a difference of bfloat16 weights loses the small updates of a low learning rate."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[api.Options]] = api.Options

    def __init__(self, options: api.Options) -> None:
        self.options = options

    def extract(
        self, base: Mapping[str, torch.Tensor], aligned: Mapping[str, torch.Tensor]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield each parameter's name and float32 delta, in the base's order.

        Raises:
            ModelError: The two models do not have the same parameters and shapes.
        """
        yield from deltas(base, aligned)
