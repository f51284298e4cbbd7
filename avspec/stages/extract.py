"""extract: one alignment vector, aligned less base weights."""

import json
from collections.abc import Mapping
from pathlib import Path

from avspec import registry
from avspec.digest import file_digest
from avspec.model.loading import load_model, read_info
from avspec.model.vectors import write_vector
from avspec.plan.params import ExtractParams
from avspec.stages.context import Context

VECTOR = "vector.safetensors"


def run(params: ExtractParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `vector.safetensors` and `vector.json` with its norm."""
    from safetensors.torch import load_file

    extractor = registry.create("extractors", params.plugin, params.options)
    info = read_info(inputs["base"])
    model, _ = load_model(inputs["base"], device="cpu")
    base = {name: parameter.detach() for name, parameter in model.named_parameters()}
    aligned = load_file(inputs[f"train[{params.domain}]"] / "model.safetensors")
    ctx.progress(0, 1, "subtracting the base")
    metadata = {"domain": params.domain, "extractor": params.plugin, "base": info.ref, **info.digests}
    measured = write_vector(out / VECTOR, extractor.extract(base, aligned), metadata)
    measured["sha256"] = file_digest(out / VECTOR)
    (out / "vector.json").write_text(json.dumps(measured, indent=1))
    ctx.progress(1, 1, f"norm {measured['norm']:.3f}")
