"""base: fetch the base model, digest it, settle the compute dtype."""

from collections.abc import Mapping
from pathlib import Path

from avspec.model.loading import fetch
from avspec.plan.params import BaseParams
from avspec.stages.context import Context


def run(params: BaseParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `base.json`, and the model's files where they had to be made."""
    ctx.progress(0, 1, "loading the base")
    info = fetch(
        params.base,
        out,
        revision=params.revision,
        dtype=params.dtype,
        device=ctx.device,
        remote_code=params.trust_remote_code,
    )
    ctx.progress(1, 1, f"{info.parameters / 1e6:,.0f}M parameters, computing in {info.dtype}")
