"""train: align the base to the highest level of one domain."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from avspec import registry
from avspec.api import Row, TrainingJob
from avspec.model.release import release_memory
from avspec.plan.params import TrainParams
from avspec.stages.context import Context
from avspec.stages.data import read_split
from avspec.stages.reference import Reference


def run(params: TrainParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write the aligned weights, `model.safetensors`, and `training.json` with the losses."""
    trainer = registry.create("trainers", params.plugin, params.options)
    options = trainer.options
    rows = read_split(inputs[f"data[{params.domain}]"], "train")
    lent = [read_split(inputs[f"data[{lender}]"], "train") for lender in params.lenders]
    random.Random(options.seed).shuffle(rows)
    held_back = max(1, round(options.validation * len(rows))) if len(rows) > 1 else 0
    training = rows[held_back:]
    accelerate = ctx.settings.get("training.accelerate")
    report = trainer.train(
        TrainingJob(
            domain=params.domain,
            base=inputs["base"],
            levels=params.levels,
            rows=training,
            anchors=choose_anchors(lent, len(training), options.anchors, options.seed),
            validation=rows[:held_back] or training,
            reference=_reference(params, inputs, ctx) if getattr(trainer, "reference", False) else {},
            out=out,
            work=ctx.scratch,
            logs=ctx.run_dir / "tensorboard" / params.domain,
            device=ctx.device,
            accelerate=Path(accelerate) if accelerate else None,
            checkpoint_steps=ctx.settings.get("training.checkpoint_steps", 0),
            progress=ctx.progress,
        )
    )
    (out / "training.json").write_text(json.dumps({**report, "options": params.options}, indent=1))


def _reference(
    params: TrainParams, inputs: Mapping[str, Path], ctx: Context
) -> dict[str, Mapping[str, Sequence[float]]]:
    """Return the base's log-probs of the domain's rows and of those that may be anchors."""
    ctx.progress(0, 1, "log-probs of the base")
    reference = Reference(inputs["base"], ctx.evaluations, ctx.device)
    known: dict[str, Mapping[str, Sequence[float]]] = {
        name: reference.of(name, inputs[f"data[{name}]"], levels) for name, levels in params.levels.items()
    }
    del reference
    release_memory()  # the training, perhaps in other processes, needs the room
    return known


def choose_anchors(lent: Sequence[Sequence[Row]], rows: int, share: float, seed: int) -> list[Row]:
    """Return rows of the other domains, evenly from each, as many as make `share` of all training rows.

    Args:
        lent: Training rows of each other domain.
        rows: Training rows of the domain itself.
        share: Share of anchors among all training rows, below 1.
        seed: Seed of the choice.
    """
    wanted = round(rows * share / (1 - share))
    shuffled = [random.Random(seed).sample(list(part), len(part)) for part in lent]
    turns = [part[turn] for turn in range(max(map(len, shuffled), default=0)) for part in shuffled if turn < len(part)]
    return turns[:wanted]
