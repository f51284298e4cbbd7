"""The weight files of a base, checked before anything long begins."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from avspec.errors import ModelError

_INDEX = "model.safetensors.index.json"


def weight_files(folder: Path, ref: str) -> list[Path]:
    """Return the safetensors files of a model, each whole, and as the shard index says.

    Args:
        folder: The model's folder.
        ref: How the spec names the model.

    Raises:
        ModelError: There are none, one is cut off or no safetensors file, or index and shards differ.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"{ref} has no safetensors weights",
            where=str(folder),
            hint="avspec never unpickles weights: convert them with save_pretrained(safe_serialization=True)",
        )
    names = {path.name: _names(path, ref) for path in files}
    index = folder / _INDEX
    if index.is_file():
        _check_index(index, names, ref)
    return files


class StoredWeights:
    """All tensors of a model's weight files, memory-mapped: one is read when it is used."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files: dict[str, Any] = {}
        for path in files:
            file = safe_open(path, framework="pt")
            self._files.update(dict.fromkeys(file.keys(), file))

    def get(self, name: str) -> Tensor | None:
        """Return a tensor as it is stored; None if the files have none of that name."""
        return self._files[name].get_tensor(name) if name in self._files else None


def _names(path: Path, ref: str) -> set[str]:
    """Return the names in a file's header; safetensors also compares the header with the file's size."""
    try:
        with safe_open(path, framework="pt") as file:
            return set(file.keys())
    except SafetensorError as error:
        raise ModelError(
            f"a weight file of {ref} is cut off or broken: {error}", where=str(path), hint="fetch this file again"
        ) from error


def _check_index(index: Path, names: Mapping[str, set[str]], ref: str) -> None:
    """Compare the index with the headers in both directions: a stale one would load old weights, or none."""
    said: dict[str, set[str]] = {}
    for name, file in json.loads(index.read_text("utf-8"))["weight_map"].items():
        said.setdefault(file, set()).add(name)
    differing = sorted(file for file in said.keys() | names.keys() if said.get(file) != names.get(file))
    if differing:
        raise ModelError(
            f"the shard index of {ref} and its weight files differ: {', '.join(differing)}",
            where=str(index),
            hint="remove shards that do not belong to the model, or fetch the missing ones",
        )
