"""Text from a live model in batches, where no row's draws depend on the rows beside it."""

from collections.abc import Collection, Sequence
from threading import Event
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList, TopPLogitsWarper

from avspec.model.generate import left_padded, pad_id


def sample_ids(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    *,
    limits: Sequence[int],
    seeds: Sequence[int],
    temperature: float = 0.8,
    top_p: float | None = None,
    stop: Event | None = None,
) -> list[list[int]]:
    """Continue every prompt of one batch, each up to and with its end token or up to its limit.

    A row's answer is that of the row alone, as far as the model's logits are: those of another batch size or width
    differ in the last bits, which in bfloat16 turns a draw now and then.

    Args:
        model: The live model.
        tokenizer: Its tokenizer.
        prompts: Token ids, one sequence per row.
        limits: Longest answer of each row, tokens.
        seeds: Seed of each row's draws.
        temperature: 0 takes the most probable token each time.
        top_p: Draw only among the most probable tokens that together have this probability; None among all.
        stop: Set by another thread to end the generation at the next token.
    """
    if not prompts:
        return []
    inputs = left_padded(prompts, pad_id(tokenizer), model.device)
    width, ends = inputs["input_ids"].shape[1], end_ids(model, tokenizer)
    noise = [GumbelNoise(seeds, temperature, top_p)] if temperature > 0 else []
    with torch.inference_mode():
        output = model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=max(limits),
            pad_token_id=pad_id(tokenizer),
            eos_token_id=sorted(ends) or None,
            logits_processor=LogitsProcessorList(noise),
            stopping_criteria=StoppingCriteriaList([_Limits([width + limit for limit in limits], stop)]),
        )
    rows = output[:, width:].tolist()
    return [_until_end(row[:limit], ends) for row, limit in zip(rows, limits, strict=True)]


def end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end an answer: the model's own and the tokenizer's."""
    own = model.generation_config.eos_token_id
    several = own if isinstance(own, list) else [own]
    return frozenset(int(end) for end in (*several, tokenizer.eos_token_id) if end is not None)


class GumbelNoise(LogitsProcessor):
    """Add standard Gumbel noise to logits / temperature, each row's from a generator of its own.

    The index of the largest sum is an exact draw from softmax(logits / temperature): the Gumbel-max trick
    (Maddison, Tarlow and Minka, 2014, arXiv 1411.0030). So greedy generation samples, and a row's draws are its own.
    """

    def __init__(self, seeds: Sequence[int], temperature: float, top_p: float | None = None) -> None:
        self._draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._temperature = temperature
        self._top_p = TopPLogitsWarper(top_p) if top_p is not None and top_p < 1 else None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the noisy scores, `[rows, vocabulary]`."""
        scores = scores / self._temperature
        if self._top_p is not None:
            scores = self._top_p(input_ids, scores)
        # drawn on the CPU: a seed gives the same text on every device
        waits = torch.stack([torch.empty(scores.shape[1]).exponential_(generator=draw) for draw in self._draws])
        return scores - waits.log_().to(scores.device)  # minus the log of Exp(1) is a standard Gumbel


class _Limits(StoppingCriteria):
    """Ends each row at its own length, and all of them when told to stop."""

    def __init__(self, lengths: Sequence[int], stop: Event | None) -> None:
        self._lengths, self._stop = torch.tensor(lengths), stop

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        """Return which rows are done, `[rows]`."""
        if self._stop is not None and self._stop.is_set():
            return torch.ones(len(input_ids), dtype=torch.bool, device=input_ids.device)
        return (self._lengths <= input_ids.shape[1]).to(input_ids.device)


def _until_end(ids: Sequence[int], ends: Collection[int]) -> list[int]:
    """Return the tokens up to the first end token, with it."""
    length = next((index + 1 for index, token in enumerate(ids) if token in ends), len(ids))
    return list(ids[:length])
