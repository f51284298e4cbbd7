"""extract: one alignment vector, aligned less base weights."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspec import registry
from avspec.digest import file_digest
from avspec.model.loading import load_model, read_info
from avspec.model.vectors import write_vector
from avspec.plan.params import ExtractParams
from avspec.stages.context import Context

if TYPE_CHECKING:
    import torch

VECTOR = "vector.safetensors"
_ALIGNED = "model.safetensors"


def run(params: ExtractParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `vector.safetensors` and `vector.json` with its norm and, where the extractor says it, what it kept."""
    extractor = registry.create("extractors", params.plugin, params.options)
    info = read_info(inputs["base"])
    model, _ = load_model(inputs["base"], device="cpu")
    base = {name: parameter.detach() for name, parameter in model.named_parameters()}
    trained = _trained(inputs)
    aligned = trained.pop(params.domain)
    ctx.progress(0, 1, "subtracting the base")
    metadata = {"domain": params.domain, "extractor": params.plugin, "base": info.ref, **info.digests}
    others = (trained,) if getattr(extractor, "others", False) else ()
    measured = write_vector(out / VECTOR, extractor.extract(base, aligned, *others), metadata)
    measured["sha256"] = file_digest(out / VECTOR)
    if hasattr(extractor, "kept"):
        measured["kept"] = dict(extractor.kept())
    (out / "vector.json").write_text(json.dumps(measured, indent=1))
    ctx.progress(1, 1, f"norm {measured['norm']:.3f}")


def _trained(inputs: Mapping[str, Path]) -> dict[str, "StoredModel"]:
    """Return the aligned weights of each domain that was trained."""
    return {
        address.removeprefix("train[").removesuffix("]"): StoredModel(folder / _ALIGNED)
        for address, folder in inputs.items()
        if address.startswith("train[")
    }


class StoredModel(Mapping[str, "torch.Tensor"]):
    """The weights of one safetensors file, memory-mapped: one is read when it is used."""

    def __init__(self, path: Path) -> None:
        from safetensors import safe_open

        opened: Any = safe_open
        self._file = opened(path, framework="pt")
        self._names = tuple(self._file.keys())

    def __getitem__(self, name: str) -> "torch.Tensor":
        """Return one parameter."""
        if name not in self._names:
            raise KeyError(name)
        return self._file.get_tensor(name)  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
