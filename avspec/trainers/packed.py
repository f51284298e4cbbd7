"""TRL's DPOTrainer on packed rows.

Each adjacent pair of levels is a preference, the higher level chosen (paper, section 5.3: expert over generic,
generic over avoidance). TRL runs the loop, the optimizer, checkpoints, reports and several GPUs; here are the batch,
one forward per row instead of two per pair, and the loss.
"""

from collections.abc import Sequence
from types import MethodType
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl import DPOTrainer

from avspec.model.encoding import EncodedRow
from avspec.model.scorer import PackedRows, pack, packed_log_probs, score

EXTRA = ("wanted", "anchor", "reference")
"""What a batch holds beside packed rows: target margins, anchor marks, the base's own log-probs."""


def ipo_loss(change: Tensor, wanted: Tensor, anchor: Tensor, lengths: Tensor) -> Tensor:
    """Return the mean IPO loss over rows and adjacent pairs (Azar et al., 2024, eq. 17, averaged over tokens).

    An anchor asks for no margin and for no common drift either, so its pairs add the squared mean change of their
    two log-probs.

    Args:
        change: `[rows, levels]`, mean token log-prob less the reference's, nats per token.
        wanted: `[rows]`, target margin: 1/(2 beta), or 0 for an anchor.
        anchor: `[rows]`, 1 for an anchor, else 0.
        lengths: `[rows, levels]`, tokens of each response; 0 where a row's domain has fewer levels.
    """
    lower, higher = change[:, :-1], change[:, 1:]
    margin = (higher - lower - wanted[:, None]) ** 2
    drift = anchor[:, None] * ((higher + lower) / 2) ** 2
    return (margin + drift)[lengths[:, 1:] > 0].mean()


Scored = tuple[EncodedRow, Sequence[float] | None]
"""A row, and the base's mean token log-prob of each level where it is known."""


def dataset(rows: Sequence[Scored], anchors: Sequence[Scored], beta: float) -> Dataset:
    """Return rows and anchors as a dataset: token ids, target margin, anchor mark, reference log-probs if known."""
    marked = [(*row, False) for row in rows] + [(*row, True) for row in anchors]
    examples = Dataset.from_list(
        [
            {
                "prompt": list(row.prompt),
                "responses": [list(response) for response in row.responses],
                "wanted": 0.0 if anchor else 1 / (2 * beta),
                "anchor": float(anchor),
            }
            for row, _, anchor in marked
        ]
    )
    known = [reference for _, reference, _ in marked if reference is not None]
    return examples.add_column("reference", _even(known)) if len(known) == len(marked) else examples


class PackedDPOTrainer(DPOTrainer):
    """DPOTrainer whose examples are rows with all their levels, already tokenized by `dataset`."""

    def __init__(self, model: Any, **options: Any) -> None:
        _accept_packed_rows(model)
        super().__init__(model=model, data_collator=collate, **options)

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset

    def _precompute_ref_logps(self, dataset: Dataset, name: str, batch_size: int) -> Dataset:
        """Add the base's own log-probs where the job did not bring them, before the first step has changed it."""
        if "reference" in dataset.column_names:
            return dataset
        self.model.eval()
        reference = _scores(self.model.to(self.accelerator.device), [_encoded(example) for example in dataset])
        self.model.train()
        return dataset.add_column("reference", reference)

    def _compute_loss(self, model: Any, inputs: dict[str, Tensor], return_outputs: bool) -> Any:
        inputs = dict(inputs)
        wanted, anchor, reference = (inputs.pop(name) for name in EXTRA)
        rows = PackedRows(**inputs)
        change = model(packed=rows) / rows.lengths.clamp(min=1) - reference
        loss = ipo_loss(change, wanted, anchor, rows.lengths)
        self._record(change.detach(), anchor > 0, rows.lengths[:, 1:] > 0)
        return (loss, {}) if return_outputs else loss

    def _record(self, change: Tensor, anchor: Tensor, pairs: Tensor) -> None:
        metrics = self._metrics["train" if self.model.training else "eval"]
        margins = ((change[:, 1:] - change[:, :-1]) * pairs).sum(1) / pairs.sum(1)
        for name, chosen in (("margin/domain", ~anchor), ("margin/anchors", anchor)):
            if chosen.any():
                metrics[name].append(margins[chosen].mean().item())


def collate(examples: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """Return a batch as the tensors of `PackedRows` and those named in `EXTRA`."""
    rows = pack([_encoded(example) for example in examples])
    extra = {name: torch.tensor([e[name] for e in examples]) for name in EXTRA}
    # the dataset's references are as long as its most levels, which rows of this batch may not have
    extra["reference"] = extra["reference"][:, : rows.lengths.shape[1]]
    return {**vars(rows), **extra}


def _encoded(example: dict[str, Any]) -> EncodedRow:
    return EncodedRow(tuple(example["prompt"]), tuple(map(tuple, example["responses"])))


def _scores(model: Any, rows: Sequence[EncodedRow]) -> list[list[float]]:
    scores: list[list[float]] = score(model, rows).tolist()
    return scores


def _even(references: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return references of equal length: a level that a row's domain does not have scores 0, as in `score`."""
    levels = max(map(len, references))
    return [[*reference, *[0.0] * (levels - len(reference))] for reference in references]


def _accept_packed_rows(model: Any) -> None:
    """Let `model(packed=rows)` give log-probs, so that a wrapper such as DDP sees the forward it must follow."""
    original = model.forward

    def forward(self: Any, *args: Any, packed: PackedRows | None = None, **options: Any) -> Any:
        return original(*args, **options) if packed is None else packed_log_probs(self, packed)

    model.forward = MethodType(forward, model)
