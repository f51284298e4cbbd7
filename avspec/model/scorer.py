"""Log-probs of every response of every row, each prompt computed once.

A row is one sequence [prompt | response 1 | ... | response p]. A response sees the prompt and itself (block mask)
and its positions go on from the prompt's end, so the model computes what it would for each response alone. The
vocabulary projection runs only where a response's tokens are predicted. Rows of similar length share a batch.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avspec.api import LogProbs
from avspec.errors import NonFinite
from avspec.model.encoding import EncodedRow
from avspec.model.projection import Head, target_log_probs

TOKEN_BUDGET = 2048
"""Padded tokens of one forward; more only helps where a matrix product of this many rows is still too small."""


@dataclass(frozen=True)
class PackedRows:
    """Rows as one padded batch; `T` counts the response tokens of all its rows."""

    input_ids: Tensor
    """`[rows, length]`."""
    position_ids: Tensor
    """`[rows, length]`, going on from the prompt's end in every response."""
    mask: Tensor
    """`[rows, 1, length, length]`, True where a position may attend."""
    source: Tensor
    """`[T]`, flat position whose hidden state predicts each response token."""
    target: Tensor
    """`[T]`, the token predicted."""
    segment: Tensor
    """`[T]`, row * levels + level."""
    lengths: Tensor
    """`[rows, levels]`, tokens of each response."""

    def to(self, device: torch.device | str) -> "PackedRows":
        """Return the batch on another device."""
        return PackedRows(**{name: value.to(device) for name, value in vars(self).items()})


def pack(rows: Sequence[EncodedRow]) -> PackedRows:
    """Lay rows out as one padded batch; a row with fewer levels than the others gets lengths of 0."""
    length = max(row.packed_length for row in rows)
    levels = max(len(row.responses) for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    positions = torch.zeros(len(rows), length, dtype=torch.long)
    blocks = torch.full((len(rows), length), -1, dtype=torch.long)
    source: list[int] = []
    target: list[int] = []
    segment: list[int] = []
    for r, row in enumerate(rows):
        start = len(row.prompt)
        ids[r, :start] = torch.tensor(row.prompt)
        positions[r, :start] = torch.arange(start)
        blocks[r, :start] = 0
        for level, response in enumerate(row.responses):
            end = start + len(response)
            ids[r, start:end] = torch.tensor(response)
            positions[r, start:end] = len(row.prompt) + torch.arange(len(response))
            blocks[r, start:end] = level + 1
            predictors = [len(row.prompt) - 1, *range(start, end - 1)]
            source += [r * length + position for position in predictors]
            target += response
            segment += [r * levels + level] * len(response)
            start = end
    return PackedRows(
        input_ids=ids,
        position_ids=positions,
        mask=_block_mask(blocks),
        source=torch.tensor(source),
        target=torch.tensor(target),
        segment=torch.tensor(segment),
        lengths=torch.tensor([_padded(map(len, row.responses), levels) for row in rows]),
    )


def _padded(lengths: Iterable[int], levels: int) -> list[int]:
    known = list(lengths)
    return known + [0] * (levels - len(known))


def _block_mask(blocks: Tensor) -> Tensor:
    """Return who sees whom: the prompt (block 0) and one's own block, never ahead; padding sees itself."""
    query, key = blocks[:, :, None], blocks[:, None, :]
    causal = torch.ones(blocks.shape[1], blocks.shape[1], dtype=torch.bool).tril()
    return (causal & ((key == query) | (key == 0)))[:, None]


def packed_log_probs(model: Any, batch: PackedRows) -> Tensor:
    """Return summed token log-probs of each response, `[rows, levels]`, nats, float32, with gradients if enabled."""
    hidden = model.get_decoder()(
        input_ids=batch.input_ids,
        attention_mask=_added(batch.mask, model.dtype),
        position_ids=batch.position_ids,
        use_cache=False,
    ).last_hidden_state.flatten(0, 1)
    log_probs = target_log_probs(Head.of(model), hidden[batch.source], batch.target)
    sums = torch.zeros(batch.lengths.numel(), dtype=torch.float32, device=hidden.device)
    return sums.index_add(0, batch.segment, log_probs).view_as(batch.lengths)


def _added(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a mask as what is added to attention scores, on CPUs, where every layer would make that of it anew."""
    if mask.device.type != "cpu":
        return mask
    return torch.zeros(mask.shape, dtype=dtype).masked_fill_(~mask, float("-inf"))


def score(model: Any, rows: Sequence[EncodedRow], token_budget: int = TOKEN_BUDGET) -> LogProbs:
    """Return mean token log-probs, `[rows, levels]`, nats per token (paper, section 5.1).

    Args:
        model: A causal language model of transformers, in evaluation mode.
        rows: Encoded rows; where one has fewer levels than the others, its missing ones score 0.
        token_budget: Padded tokens of one forward.

    Raises:
        NonFinite: The model gave NaN or infinity.
    """
    result = np.zeros((len(rows), max(len(row.responses) for row in rows)))
    with torch.inference_mode():
        for indices in batches([row.packed_length for row in rows], token_budget):
            batch = pack([rows[i] for i in indices]).to(model.device)
            means = packed_log_probs(model, batch) / batch.lengths.clamp(min=1)
            result[indices, : means.shape[1]] = means.double().cpu().numpy()
    if not np.isfinite(result).all():
        raise NonFinite(
            "the model gives log-probs that are not finite",
            hint="the edit is too large for this model or its dtype: narrow search.low and search.high",
        )
    return result


def batches(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Yield indices of rows to run together: longest first, padded size within the budget, at least one row."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > token_budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
