"""Alignment Vectors on disk: one safetensors file of float32 deltas, with what it belongs to in its metadata."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from avspec.errors import Corrupted, ModelError

IDENTITY = ("weights", "tokenizer", "template")
"""What must be equal for vectors to be combined: digests of the base, its tokenizer and its chat template."""


class AlignmentVector:
    """AV_d = theta_aligned(d) - theta_base (paper, section 4.1), memory-mapped: a tensor is read when it is used."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            Corrupted: The file is not a safetensors file that avspec wrote.
        """
        try:
            self._file = safe_open(path, framework="pt")
        except (SafetensorError, OSError) as error:
            hint = "run `avspec apply` on its spec again: it is made anew"
            raise Corrupted(f"not an alignment vector: {error}", where=str(path), hint=hint) from error
        self.path = path
        self.metadata: dict[str, str] = self._file.metadata() or {}
        self.names: tuple[str, ...] = tuple(self._file.keys())

    @property
    def domain(self) -> str:
        """Return the domain it aligns to."""
        return self.metadata["domain"]

    @property
    def norm(self) -> float:
        """Return its Euclidean norm over all parameters."""
        return float(self.metadata["norm"])

    def __getitem__(self, name: str) -> Tensor:
        """Return one parameter's float32 delta."""
        return self._file.get_tensor(name)

    def items(self) -> Iterator[tuple[str, Tensor]]:
        """Yield names and deltas, one tensor in memory at a time."""
        for name in self.names:
            yield name, self[name]

    def check_fits(self, digests: Mapping[str, str], parts: Sequence[str] = IDENTITY) -> None:
        """Check that the vector was taken from the base with these digests.

        Args:
            digests: Of the base.
            parts: Which of them must be equal; a transfer to another fine-tune leaves `weights` out.

        Raises:
            ModelError: It was not; the message says which of weights, tokenizer and template differ.
        """
        differing = [part for part in parts if self.metadata.get(part) != digests[part]]
        if differing:
            raise ModelError(
                f"the vector belongs to another base: its {', '.join(differing)} differ",
                where=str(self.path),
                hint="combine only vectors that were extracted from this very base",
            )


def write_vector(path: Path, deltas: Iterable[tuple[str, Tensor]], metadata: Mapping[str, str]) -> dict[str, Any]:
    """Write a vector and return its `norm` and number of `parameters`.

    Args:
        path: The file to write.
        deltas: Names and deltas; each is stored as float32.
        metadata: Domain, extractor, and the digests named in `IDENTITY`.
    """
    tensors = {name: delta.to(torch.float32).contiguous() for name, delta in deltas}
    norm = math.sqrt(sum(_dot(delta, delta) for delta in tensors.values()))
    save_file(tensors, path, {**metadata, "norm": repr(norm)})
    _sort_metadata(path)
    return {"norm": norm, "parameters": sum(delta.numel() for delta in tensors.values())}


def _sort_metadata(path: Path) -> None:
    """Sort the metadata of a header in place: safetensors writes it in random order, and equal vectors must be equal
    files, or what was evaluated with them is evaluated again.
    """
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        assert len(text) <= length, "the same JSON in another order"
        file.seek(8)
        file.write(text.ljust(length))


def cosine(left: AlignmentVector, right: AlignmentVector) -> float:
    """Return the cosine between two vectors over all parameters; 0 when one of them is zero."""
    dot = sum(_dot(delta, right[name]) for name, delta in left.items())
    scale = left.norm * right.norm
    return dot / scale if scale else 0.0


def _dot(left: Tensor, right: Tensor) -> float:
    return float(torch.dot(left.flatten().double(), right.flatten().double()))
