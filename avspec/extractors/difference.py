"""The paper's Alignment Vector: aligned minus base (section 4.1, AV_d = theta_aligned(d) - theta_base)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from avspec import api

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
        _check_same_parameters(base, aligned)
        for name in base:
            yield name, aligned[name].float() - base[name].float()


def _check_same_parameters(base: Mapping[str, torch.Tensor], aligned: Mapping[str, torch.Tensor]) -> None:
    from avspec.errors import ModelError

    hint = "both must come from the same base: run the training again"
    strangers = sorted(set(base) ^ set(aligned))
    if strangers:
        raise ModelError(f"the aligned model and the base differ in the parameter {strangers[0]}", hint=hint)
    for name in base:
        if base[name].shape != aligned[name].shape:
            shapes = f"{tuple(aligned[name].shape)}, the base's {tuple(base[name].shape)}"
            raise ModelError(f"the aligned model's {name} has shape {shapes}", hint=hint)
