"""target: another fine-tune of the base's architecture, made or fetched, and refused where vectors do not fit it."""

from collections.abc import Mapping
from pathlib import Path

from avspec.errors import StageFailed
from avspec.model.loading import fetch
from avspec.model.target import aligned_target, check_transfer
from avspec.plan.comparisons import TargetParams
from avspec.plan.params import BaseParams
from avspec.stages.context import Context


def run(params: TargetParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `base.json` as the base stage does, with the model's files where they had to be made.

    Raises:
        ModelError: It is no model, or not one that the base's vectors can be added to.
        StageFailed: The other run's training is gone.
    """
    ctx.progress(0, 1, params.target)
    if params.model:
        model = BaseParams.model_validate(params.model)
        fetch(
            model.base,
            out,
            revision=model.revision,
            dtype=model.dtype,
            device=ctx.device,
            remote_code=model.trust_remote_code,
        )
    elif params.trained:
        aligned_target(inputs["base"], inputs[params.trained], params.target, out)
    else:
        weights, base = Path(params.weights_path or ""), Path(params.base_path or "")
        if not weights.is_dir() or not base.is_dir():
            raise StageFailed(
                "the training of the other run is gone", where=params.target, hint="apply the spec of that run again"
            )
        aligned_target(base, weights, params.target, out)
    check_transfer(inputs["base"], out)
    ctx.progress(1, 1, f"{params.target} fits")
