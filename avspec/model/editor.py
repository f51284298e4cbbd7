"""New coefficients into a live model: theta(c) = theta_base + sum_d c_d AV_d (paper, section 4.3)."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avspec.errors import ModelError, UsageError
from avspec.model.loading import load_model, read_info
from avspec.model.vectors import AlignmentVector

_LARGEST = torch.finfo(torch.float32).max


class Editor:
    """Keeps the base and sets knobs, always computed from the base, never added and subtracted in place.

    Memory beside the live model: one copy of the base in the dtype it is stored in. Vectors are memory-mapped. Each
    parameter is computed in float32 and cast once to the dtype of the live model.
    """

    def __init__(
        self,
        model: Any,
        vectors: Mapping[str, AlignmentVector],
        digests: Mapping[str, str],
        dtype: torch.dtype,
    ) -> None:
        """Take over a freshly loaded base.

        Args:
            model: The base in the dtype its weights are stored in; it becomes the live model.
            vectors: Domain to its vector.
            digests: Digests of the base, as in its `base.json`.
            dtype: Compute dtype of the live model.

        Raises:
            ModelError: A vector belongs to another base or does not cover its parameters.
        """
        for vector in vectors.values():
            vector.check_fits(digests)
        self.base = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        for domain, vector in vectors.items():
            if differing := set(vector.names) ^ self.base.keys():
                raise ModelError(
                    f"the vector of {domain} and the base differ in parameters: {', '.join(sorted(differing)[:3])}",
                    where=str(vector.path),
                )
        self.model = model.to(dtype)
        self.vectors = dict(vectors)
        self.coefficients = dict.fromkeys(vectors, 0.0)

    def set(self, coefficients: Mapping[str, float]) -> None:
        """Set every knob; a domain that is not named is set to 0.

        Raises:
            UsageError: There is no vector of a domain named here.
        """
        if unknown := coefficients.keys() - self.vectors.keys():
            raise UsageError(
                f"no knob is named {', '.join(sorted(unknown))}",
                hint=f"the knobs are {', '.join(self.vectors)}",
            )
        wanted = {domain: float(coefficients.get(domain, 0.0)) for domain in self.vectors}
        if wanted == self.coefficients:
            return
        # A vector with coefficient 0 is left out, not multiplied: the base must come back bit for bit
        active = [(self.vectors[domain], c) for domain, c in wanted.items() if c != 0.0]
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(_edited(self.base[name], name, active))
        self.coefficients = wanted


def open_editor(base: Path, vectors: Mapping[str, Path], device: str = "auto") -> tuple[Editor, Any]:
    """Load a base artifact with its vectors; return the editor, all knobs at 0, and the tokenizer.

    Args:
        base: Folder of the base artifact.
        vectors: Domain to the file of its vector.
        device: `auto`, `cpu`, `cuda` or another device name of torch.

    Raises:
        ModelError: The base cannot be loaded, or a vector belongs to another one.
        Corrupted: A vector's file is not readable.
    """
    info = read_info(base)
    model, tokenizer = load_model(base, device=device)
    opened = {domain: AlignmentVector(path) for domain, path in vectors.items()}
    return Editor(model, opened, info.digests, getattr(torch, info.dtype)), tokenizer


def _edited(base: Tensor, name: str, active: list[tuple[AlignmentVector, float]]) -> Tensor:
    """Return one parameter of theta(c), float32, or the stored base where nothing is active."""
    if not active:
        return base
    edited = base.to(torch.float32, copy=True)
    for vector, coefficient in active:
        # Beyond float32 is infinity: scoring then says that the edit is too large, where torch would only raise
        alpha = coefficient if abs(coefficient) <= _LARGEST else math.copysign(math.inf, coefficient)
        edited.add_(vector[name].to(edited.device), alpha=alpha)
    return edited
