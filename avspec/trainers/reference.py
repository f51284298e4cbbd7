"""TRL's own DPOTrainer and loss, pair by pair, with anchors added from outside."""

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl import DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from avspec.api import Row


def dataset(rows: Sequence[Row], anchors: Sequence[Row], levels: dict[str, tuple[str, ...]]) -> Dataset:
    """Return every adjacent pair of levels of every row as a conversational preference."""
    marked = [(row, False) for row in rows] + [(row, True) for row in anchors]
    return Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": row.query}],
                "chosen": [{"role": "assistant", "content": row.responses[higher]}],
                "rejected": [{"role": "assistant", "content": row.responses[lower]}],
                "anchor": float(anchor),
            }
            for row, anchor in marked
            for lower, higher in zip(levels[row.domain], levels[row.domain][1:], strict=False)
        ]
    )


class ReferenceDPOTrainer(DPOTrainer):
    """DPOTrainer that also takes anchors; without any it is TRL's, unchanged.

    TRL's loss has one target margin, 1/(2 beta). Lowering an anchor's reference log-prob of the chosen response by that
    margin, times its tokens, makes its target 0. The rewards that TRL logs for anchors are shifted by as much.
    """

    def __init__(self, model: Any, processing_class: Any, **options: Any) -> None:
        collator = _AnchorCollator(pad_token_id=processing_class.pad_token_id or processing_class.eos_token_id)
        super().__init__(model=model, processing_class=processing_class, data_collator=collator, **options)

    def _compute_loss(self, model: Any, inputs: dict[str, Tensor], return_outputs: bool) -> Any:
        anchor = inputs["anchor"]
        pairs = {name: value for name, value in inputs.items() if name != "anchor"}
        chosen_tokens, rejected_tokens = inputs["completion_mask"].sum(1).chunk(2)
        pairs["ref_chosen_logps"] = inputs["ref_chosen_logps"] - anchor * chosen_tokens / (2 * self.beta)
        recorder = _Recorder(model)
        loss = super()._compute_loss(recorder, pairs, False)
        chosen, rejected = recorder.outputs.log_probs.sum(1).chunk(2)
        drift = (chosen - inputs["ref_chosen_logps"]) / chosen_tokens
        drift = drift + (rejected - inputs["ref_rejected_logps"]) / rejected_tokens
        loss = loss + (anchor * (drift / 2) ** 2).mean()
        return (loss, recorder.outputs) if return_outputs else loss


class _AnchorCollator(DataCollatorForPreference):
    """TRL's collator, which also stacks the anchor marks."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        return {**super().torch_call(examples), "anchor": torch.tensor([e["anchor"] for e in examples])}


class _Recorder:
    """Calls the model and keeps what it returned."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.outputs: Any = None

    def __call__(self, **inputs: Any) -> Any:
        self.outputs = self.model(**inputs)
        return self.outputs
