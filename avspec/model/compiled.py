"""Decoder layers compiled by torch, as soon as that pays back within the work that lies ahead.

Only layers are compiled: they all share one compiled function, so it takes as long for 80 layers as for 30, and
Inductor keeps it on disk between runs. Shapes are dynamic, as batches of rows have many.
"""

from __future__ import annotations

import shutil
from typing import Any

import torch

COST = 20.0
"""Seconds that compiling takes while nothing is on disk, rounded up: 15 on two cores (`make bench`)."""
GAIN = 0.1
"""Part of the time that compiled layers save: 0.08 to 0.24, median 0.13, of scoring in bfloat16 (`make bench`)."""


def pays_back(seconds: float) -> bool:
    """Return whether compiled layers save more than compiling costs, in work that takes these seconds without."""
    return seconds * GAIN > COST


def compile_layers(model: Any) -> bool:
    """Compile a transformers model's decoder layers in place, where the machine can; return whether it can.

    The compiling itself happens in the next forward pass. A layer that torch cannot compile runs as it is.
    """
    layers = getattr(model.get_decoder(), "layers", None)
    if layers is None or not _can_compile(model.device.type):
        return False
    torch._dynamo.config.suppress_errors = True
    for layer in layers:
        layer.compile(dynamic=True)
    return True


def _can_compile(device: str) -> bool:
    """Return whether there is what Inductor needs: a C++ compiler for CPUs, Triton for GPUs by NVIDIA and AMD."""
    if device == "cuda":
        from torch.utils._triton import has_triton

        return bool(has_triton())
    return device == "cpu" and any(map(shutil.which, ("g++", "clang++")))
