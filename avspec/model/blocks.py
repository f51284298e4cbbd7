"""Blocks of layers, for coefficients that are not one for the whole model."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from avspec.errors import ModelError
from avspec.model.vectors import AlignmentVector

_LAYER = re.compile(r"\.(\d+)\.")
"""The first number in a parameter's name is that of its layer: `model.layers.12.mlp.experts.3.weight`."""


def blocks_by_parameter(names: Sequence[str], blocks: int) -> dict[str, int]:
    """Return each parameter's block, from 0: layers in as equal parts as they can be.

    Parameters before the layers (embeddings) belong to the first block, those behind them (the last norm, the head)
    to the last.

    Args:
        names: Names of the parameters, in the model's order.
        blocks: How many blocks.

    Raises:
        ModelError: The model has no numbered layers, or fewer than blocks.
    """
    if blocks == 1:
        return dict.fromkeys(names, 0)
    layers = [int(found.group(1)) if (found := _LAYER.search(name)) else None for name in names]
    numbered = [layer for layer in layers if layer is not None]
    count = max(numbered, default=-1) + 1
    if count < blocks:
        said = f"has {count} numbered layers" if count else "has no numbered layers"
        hint = f"write `granularity: blocks(N)` with N up to {count}" if count > 1 else "write `granularity: model`"
        raise ModelError(f"the model {said}, too few for {blocks} blocks", where="search.granularity", hint=hint)
    first = next(place for place, layer in enumerate(layers) if layer is not None)
    return {
        name: (0 if place < first else blocks - 1) if layer is None else layer * blocks // count
        for place, (name, layer) in enumerate(zip(names, layers, strict=True))
    }


def block_norms(path: Path, blocks: int) -> list[float]:
    """Return the Euclidean norm of each block of a vector.

    Args:
        path: The vector's file.
        blocks: How many blocks.
    """
    vector = AlignmentVector(path)
    places = blocks_by_parameter(_model_order(vector.names), blocks)
    squares = [0.0] * blocks
    for name, delta in vector.items():
        squares[places[name]] += float((delta.double() ** 2).sum())
    return [math.sqrt(square) for square in squares]


def _model_order(names: Sequence[str]) -> list[str]:
    """Return names about as a model has them, which a file does not keep: embeddings, layers, what is behind them."""

    def place(name: str) -> tuple[int, int]:
        layer = _LAYER.search(name)
        return (1, int(layer.group(1))) if layer else (0 if "embed" in name or "wte" in name else 2, 0)

    return sorted(names, key=place)
