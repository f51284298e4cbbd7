"""The matrix products of scoring alone: the rate of this machine on the very shapes that scoring needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from avspec.model.encoding import EncodedRow

TOKENS, RESPONSES = 2048, 512
"""Rows of one product: in a layer, and in the vocabulary projection."""


class MatrixProducts:
    """Every linear layer once over all packed tokens and the vocabulary projection over all response tokens.

    Nothing else: no attention, no norms, no softmax, no padding, and the inputs are always the same.
    """

    def __init__(self, model: Any, rows: Sequence[EncodedRow]) -> None:
        head: Tensor = model.get_output_embeddings().weight
        weights = [module.weight for module in model.modules() if isinstance(module, torch.nn.Linear)]
        tokens = sum(row.packed_length for row in rows)
        responses = sum(len(response) for row in rows for response in row.responses)
        self._pairs = [pair for weight in weights if weight is not head for pair in _chunks(weight, tokens, TOKENS)]
        self._pairs += _chunks(head, responses, RESPONSES)
        self.flops = sum(2 * len(values) * weight.numel() for values, weight in self._pairs)

    def __call__(self) -> None:
        """Compute them all."""
        with torch.inference_mode():
            for values, weight in self._pairs:
                linear(values, weight)


def _chunks(weight: Tensor, total: int, longest: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs for a weight `[out, in]`, `total` rows of them in chunks, each with the weight."""
    values = torch.ones(min(total, longest), weight.shape[1], dtype=weight.dtype)
    for start in range(0, total, longest):
        yield values[: total - start], weight
