"""joint: one training run for one behavior, the wanted level preferred in each domain (paper, section 6.2, table 5)."""

import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avspec import registry, stats
from avspec.api import LogProbs, Row, TrainingJob
from avspec.model.encoding import encode_rows
from avspec.model.loading import load_model, read_info
from avspec.model.release import release_memory
from avspec.model.scorer import score
from avspec.plan.comparisons import JointParams
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective
from avspec.stages.context import Context
from avspec.stages.data import read_split
from avspec.stages.reference import Reference
from avspec.stages.surface import write_json

SPLITS = ("search", "test")
Scores = dict[str, dict[str, LogProbs]]
"""Split to domain to log-probs `[rows, levels]`."""


def run(params: JointParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `joint.json`: shares on both splits, whether the behavior holds, what the training took.

    The weights are a baseline's and not kept. A training that is done is not repeated when scoring was interrupted.
    """
    weights = ctx.scratch / "weights"
    training = ctx.kept("training", lambda: _trained(params, inputs, weights, ctx))
    ctx.progress(0, 1, "scoring")
    base, trained = _scores(params, inputs, weights, ctx)
    write_json(
        out / "joint.json",
        {
            "format_version": 1,
            "behavior": params.behavior,
            "wanted": params.wanted,
            "held": {split: _held(params, base[split], trained[split]) for split in SPLITS},
            "domains": {
                domain: {split: _measured(params, domain, base[split], trained[split]) for split in SPLITS}
                for domain in params.levels
            },
            **training,
            "options": params.options,
        },
    )
    ctx.progress(1, 1, f"{params.behavior} trained jointly")


def preference(levels: Sequence[str], wanted: str) -> tuple[str, ...]:
    """Return levels as a training must see them, the wanted one last and the others by their distance from it.

    Args:
        levels: Least to most preferred.
        wanted: One of them. Of two that are equally far the lower one comes first.
    """
    place = levels.index(wanted)
    return tuple(sorted(levels, key=lambda level: -abs(levels.index(level) - place)))


def reordered(
    known: Mapping[str, Sequence[float]], levels: Sequence[str], order: Sequence[str]
) -> dict[str, list[float]]:
    """Return reference log-probs by row, scored in the order of `levels`, in another order."""
    places = [levels.index(level) for level in order]
    return {row: [values[place] for place in places] for row, values in known.items()}


def _trained(params: JointParams, inputs: Mapping[str, Path], weights: Path, ctx: Context) -> dict[str, Any]:
    """Train, and return what that took."""
    weights.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    report = _train(params, inputs, weights, ctx)
    seconds = time.perf_counter() - began
    release_memory()
    return {"seconds": seconds, "rows": report["rows"], "steps": report.get("steps") or []}


def _train(params: JointParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> Mapping[str, Any]:
    trainer = registry.create("trainers", params.plugin, params.options)
    options = trainer.options
    order = {domain: preference(params.levels[domain], level) for domain, level in params.wanted.items()}
    rows = [row for domain in params.wanted for row in read_split(inputs[f"data[{domain}]"], "train")]
    random.Random(options.seed).shuffle(rows)
    held_back = max(1, round(options.validation * len(rows))) if len(rows) > 1 else 0
    accelerate = ctx.settings.get("training.accelerate")
    report: Mapping[str, Any] = trainer.train(
        TrainingJob(
            domain=params.behavior,
            base=inputs["base"],
            levels=order,
            rows=rows[held_back:],
            anchors=[],
            validation=rows[:held_back] or rows,
            reference=_reference(params, order, inputs, ctx) if getattr(trainer, "reference", False) else {},
            out=out,
            work=ctx.scratch / "checkpoints",
            logs=ctx.run_dir / "tensorboard" / f"joint-{params.behavior}",
            device=ctx.device,
            accelerate=Path(accelerate) if accelerate else None,
            checkpoint_steps=ctx.settings.get("training.checkpoint_steps", 0),
            progress=ctx.progress,
        )
    )
    return report


def _reference(
    params: JointParams, order: Mapping[str, Sequence[str]], inputs: Mapping[str, Path], ctx: Context
) -> dict[str, dict[str, list[float]]]:
    ctx.progress(0, 1, "log-probs of the base")
    reference = Reference(inputs["base"], ctx.evaluations, ctx.device)
    known = {
        domain: reordered(
            reference.of(domain, inputs[f"data[{domain}]"], params.levels[domain]), params.levels[domain], levels
        )
        for domain, levels in order.items()
    }
    del reference
    release_memory()
    return known


def _scores(params: JointParams, inputs: Mapping[str, Path], weights: Path, ctx: Context) -> tuple[Scores, Scores]:
    """Return the log-probs of the base and of the trained model."""
    import torch
    from safetensors.torch import load_file

    dtype = getattr(torch, read_info(inputs["base"]).dtype)
    model, tokenizer = load_model(inputs["base"], dtype=dtype, device=ctx.device)
    rows = {s: {d: read_split(inputs[f"data[{d}]"], s) for d in params.levels} for s in SPLITS}

    def scored() -> Scores:
        return {
            split: {d: _log_probs(model, tokenizer, part, params.levels[d]) for d, part in parts.items()}
            for split, parts in rows.items()
        }

    base = scored()
    ctx.check_stop()
    trained = load_file(weights / "model.safetensors")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(trained[name])
    return base, scored()


def _log_probs(model: Any, tokenizer: Any, rows: Sequence[Row], levels: Sequence[str]) -> LogProbs:
    return score(model, encode_rows(tokenizer, rows, levels))


def _measured(
    params: JointParams, domain: str, base: Mapping[str, LogProbs], trained: Mapping[str, LogProbs]
) -> dict[str, Any]:
    levels, wanted = params.levels[domain], params.wanted.get(domain)
    drop = (base[domain] - trained[domain]).mean(axis=0)
    return {
        **stats.described(trained[domain], levels),
        "fluency_drop": float(drop[levels.index(wanted)]) if wanted else None,
    }


def _held(params: JointParams, base: Mapping[str, LogProbs], trained: Mapping[str, LogProbs]) -> bool:
    """Return whether the wanted level dominates in every domain; no limit of fluency is asked of a baseline."""
    objective = Objective(
        domains=tuple(params.levels),
        levels=params.levels,
        behaviors={params.behavior: params.wanted},
        base=Evaluation({}, base, 0.0),
        max_fluency_drop=float("inf"),
    )
    return objective.judge(Evaluation({}, trained, 0.0))[params.behavior].held
