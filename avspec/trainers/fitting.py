"""One training run: build TRL's trainer for a job, run it, write the aligned weights."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import TrainerCallback, set_seed
from transformers.trainer_utils import get_last_checkpoint
from trl import DPOConfig

from avspec.api import Row, TrainingJob
from avspec.errors import NonFinite
from avspec.model.compiled import compile_layers, pays_back
from avspec.model.encoding import encode_rows
from avspec.model.loading import choose_device, load_model, read_info
from avspec.trainers import packed, reference
from avspec.trainers.dpo import DPOOptions
from avspec.trainers.masters import MasterAdamW


def fit(options: DPOOptions, job: TrainingJob, *, packed: bool) -> Mapping[str, Any]:
    """Train every parameter and write `model.safetensors`, float32; return losses and counts as JSON.

    Weights are float32. Where the base computes in bfloat16, so does the forward: on a GPU through autocast, on a
    CPU (whose autocast casts the weights anew in every layer and step) on working copies of float32 masters.

    Raises:
        NonFinite: The loss became NaN or infinite.
    """
    device = choose_device(job.device)
    half = read_info(job.base).dtype == "bfloat16"
    model, tokenizer = load_model(job.base, dtype=torch.float32, device="cpu")
    masters = _masters(model, options) if half and device == "cpu" else None
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(job.logs)
    build = _packed_trainer if packed else _reference_trainer
    config = _config(options, job, device, half=half)
    trainer = build(model, tokenizer, job, config, optimizers=(masters, None))
    trainer.add_callback(_Watch(job, trainer.accelerator.is_main_process))
    if trainer.accelerator.num_processes == 1 and not options.gradient_checkpointing:
        trainer.add_callback(_Compile(model))
    if options.warmup * options.epochs * len(trainer.get_train_dataloader()) < 1:
        trainer.args.warmup_steps = 0  # rounded up to one step, it would leave a run of few steps untrained
    # Building the trainer computes reference log-probs; the order of the rows must not depend on that
    set_seed(options.seed)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(job.work)) if job.work.is_dir() else None)
    _save(trainer, job, masters)
    return _report(trainer.state.log_history, job)


def _masters(model: Any, options: DPOOptions) -> MasterAdamW | None:
    """Leave a model to compute in bfloat16 and return its optimizer; several processes keep to float32."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return None
    parameters = dict(model.named_parameters())
    return MasterAdamW(parameters, torch.bfloat16, lr=options.learning_rate, weight_decay=0.0)


def _config(options: DPOOptions, job: TrainingJob, device: str, *, half: bool) -> DPOConfig:
    return DPOConfig(
        output_dir=str(job.work),
        loss_type=[options.loss],
        beta=options.beta,
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup,
        lr_scheduler_type="linear",
        weight_decay=0.0,
        seed=options.seed,
        gradient_checkpointing=options.gradient_checkpointing,
        bf16=half and device != "cpu",
        use_cpu=device == "cpu",
        precompute_ref_log_probs=True,
        max_length=None,
        remove_unused_columns=False,
        eval_strategy="steps",
        eval_steps=0.25,
        eval_on_start=True,
        save_strategy="steps" if job.checkpoint_steps else "no",
        save_steps=job.checkpoint_steps or 500,
        save_total_limit=1,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to=["tensorboard"],
        disable_tqdm=True,
    )


def _packed_trainer(model: Any, tokenizer: Any, job: TrainingJob, config: DPOConfig, **options: Any) -> Any:
    context = read_info(job.base).context

    def encoded(rows: Sequence[Row]) -> list[packed.Scored]:
        ids = [each for row in rows for each in encode_rows(tokenizer, [row], job.levels[row.domain], context)]
        return [(each, job.reference.get(row.domain, {}).get(row.id)) for row, each in zip(rows, ids, strict=True)]

    return packed.PackedDPOTrainer(
        model,
        args=config,
        processing_class=tokenizer,
        train_dataset=packed.dataset(encoded(job.rows), encoded(job.anchors), config.beta),
        eval_dataset=packed.dataset(encoded(job.validation), [], config.beta),
        **options,
    )


def _reference_trainer(model: Any, tokenizer: Any, job: TrainingJob, config: DPOConfig, **options: Any) -> Any:
    levels = dict(job.levels)
    pairs = max(len(levels[row.domain]) for row in job.rows) - 1
    config.per_device_train_batch_size *= pairs
    return reference.ReferenceDPOTrainer(
        model,
        args=config,
        processing_class=tokenizer,
        train_dataset=reference.dataset(job.rows, job.anchors, levels),
        eval_dataset=reference.dataset(job.validation, [], levels),
        **options,
    )


class _Watch(TrainerCallback):
    """Reports each step and stops at the first loss that is not a number."""

    def __init__(self, job: TrainingJob, speaks: bool) -> None:
        self.job, self.speaks, self.loss = job, speaks, math.nan

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """Keep the newest loss; refuse one that is not finite."""
        for kind, name in (("training", "loss"), ("validation", "eval_loss")):
            loss = (logs or {}).get(name, 0.0)
            if not math.isfinite(loss):
                raise _diverged(self.job.domain, f"{kind} loss of {self.job.domain} became {loss}", state.global_step)
        self.loss = (logs or {}).get("loss", self.loss)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Report the step."""
        if self.speaks:
            note = f"loss {self.loss:.3f}" if math.isfinite(self.loss) else ""
            self.job.progress(state.global_step, state.max_steps, note)


class _Compile(TrainerCallback):
    """Compiles the model's layers after some steps, if the steps that are left are worth it."""

    def __init__(self, model: Any) -> None:
        self.model, self.steps, self.began = model, 0, 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Time the second and the third step of this process, and decide."""
        self.steps += 1
        if self.steps == 1:
            self.began = time.perf_counter()
        elif self.steps == 3:
            step = (time.perf_counter() - self.began) / 2
            if pays_back(step * (state.max_steps - state.global_step)):
                compile_layers(self.model)


def _diverged(domain: str, what: str, step: int) -> NonFinite:
    hint = "lower training.learning_rate, or raise training.beta (a smaller target margin)"
    return NonFinite(f"the {what} at step {step}", where=f"train[{domain}]", hint=hint)


def _save(trainer: Any, job: TrainingJob, masters: MasterAdamW | None) -> None:
    """Write every parameter once, float32; on several devices the main process writes.

    Raises:
        NonFinite: A weight is not finite; no loss was computed after the last step that could have shown it.
    """
    state = masters.masters if masters else trainer.accelerator.get_state_dict(trainer.model_wrapped)
    names = {name for name, _ in trainer.accelerator.unwrap_model(trainer.model_wrapped).named_parameters()}
    if trainer.accelerator.is_main_process:
        weights = {name: state[name].float().contiguous().cpu() for name in sorted(names)}
        if not all(bool(weight.isfinite().all()) for weight in weights.values()):
            raise _diverged(job.domain, f"weights of {job.domain} are not finite", trainer.state.global_step)
        save_file(weights, job.out / "model.safetensors")
    trainer.accelerator.wait_for_everyone()


def _report(history: list[dict[str, float]], job: TrainingJob) -> dict[str, Any]:
    margins = ("rewards/margins", "margin/domain", "margin/anchors")
    return {
        "steps": [
            {"step": log["step"], "loss": log["loss"], **{name: log[name] for name in margins if name in log}}
            for log in history
            if "loss" in log
        ],
        "validation": [{"step": log["step"], "loss": log["eval_loss"]} for log in history if "eval_loss" in log],
        "rows": len(job.rows),
        "anchors": len(job.anchors),
        "validation_rows": len(job.validation),
    }
