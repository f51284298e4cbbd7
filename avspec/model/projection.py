"""Hidden states to the log-probs of target tokens, without ever holding all logits at once.

The vocabulary projection is a fifth of the arithmetic of a small model but most of its memory traffic: 49,152 float32
logits a token. Here a block of tokens is projected, and a few of them at a time are reduced to one number each while
they are in the cache; the backward pass projects them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

CPU_BLOCK, CPU_TILE = 256, 16
"""Tokens that are projected at once, and those of them that are reduced at once: as many as a matrix product needs, and
as few as the cache holds as float32, 3 MB at a vocabulary of 49,152."""
DEVICE_BLOCK = 512
"""Both, on an accelerator."""
GRADIENT_BLOCK = 1024
"""Tokens whose gradients of the logits exist at once: a partial sum of the weight's gradient is rounded each time."""


@dataclass(frozen=True)
class Head:
    """The vocabulary projection of a model, with what some families do to their logits afterwards."""

    weight: Tensor
    """`[vocabulary, width]`."""
    bias: Tensor | None
    scale: float
    """Logits are multiplied by this (Cohere's `logit_scale`, one over Granite's `logits_scaling`)."""
    cap: float | None
    """Logits are bent to stay within this (Gemma's `final_logit_softcapping`)."""

    @classmethod
    def of(cls, model: Any) -> Head:
        """Return the head of a causal language model of transformers."""
        config, output = model.config.get_text_config(), model.get_output_embeddings()
        scale = (getattr(config, "logit_scale", None) or 1.0) / (getattr(config, "logits_scaling", None) or 1.0)
        cap = getattr(config, "final_logit_softcapping", None)
        return cls(output.weight, getattr(output, "bias", None), float(scale), cap)


def target_log_probs(head: Head, hidden: Tensor, target: Tensor) -> Tensor:
    """Return the log-prob of each target token, `[T]`, nats, float32, with gradients if enabled.

    Args:
        head: The projection.
        hidden: Hidden states that predict the targets, `[T, width]`.
        target: Token ids, `[T]`.
    """
    weight, bias = head.weight, head.bias
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
        hidden, weight = hidden.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    with torch.autocast(hidden.device.type, enabled=False):
        result: Tensor = _TargetLogProbs.apply(hidden, weight, bias, target, head.scale, head.cap)
    return result


class _TargetLogProbs(Function):
    """log softmax(cap(scale * (hidden @ weight.T + bias)))[target], block by block, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, scale: float, cap: float | None
    ) -> Tensor:
        normalizers, chosen = torch.empty(2, len(target), dtype=torch.float32, device=hidden.device)
        block = CPU_BLOCK if hidden.device.type == "cpu" else DEVICE_BLOCK
        projected = hidden.new_empty(min(block, len(target)), len(weight))
        for at in range(0, len(target), block):
            part = _project(hidden[at : at + block], weight, bias, projected)
            for tile, logits in _tiles(part):
                span = slice(at + tile.start, at + tile.stop)
                _bend(logits, scale, cap)
                chosen[span] = logits.gather(1, target[span, None]).squeeze(1)
                largest = logits.amax(1, keepdim=True)
                normalizers[span] = logits.sub_(largest).exp_().sum(1).log_().add_(largest.squeeze(1))
        ctx.save_for_backward(hidden, weight, bias, target, normalizers)
        ctx.scale, ctx.cap = scale, cap
        return chosen - normalizers

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None, None, None]:
        hidden, weight, bias, target, normalizers = ctx.saved_tensors
        (gradient,) = gradients
        towards_hidden, towards_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        towards_bias = None if bias is None else torch.zeros_like(bias)
        projected = hidden.new_empty(min(GRADIENT_BLOCK, len(target)), len(weight))
        for at in range(0, len(target), GRADIENT_BLOCK):
            block = slice(at, at + GRADIENT_BLOCK)
            part = _project(hidden[block], weight, bias, projected)
            _turn(part, target[block], normalizers[block], gradient[block], ctx.scale, ctx.cap)
            torch.mm(part, weight, out=towards_hidden[block])
            towards_weight.addmm_(part.t(), hidden[block])
            if towards_bias is not None:
                towards_bias += part.sum(0)
        return towards_hidden, towards_weight, towards_bias, None, None, None


def _project(hidden: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor) -> Tensor:
    """Write raw logits into the first rows of `out` and return them: fresh memory for each would cost as much again."""
    part = out[: len(hidden)]
    return torch.mm(hidden, weight.t(), out=part) if bias is None else torch.addmm(bias, hidden, weight.t(), out=part)


def _tiles(projected: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield some tokens after the others, with their logits as float32 to be overwritten."""
    tile = CPU_TILE if projected.device.type == "cpu" else DEVICE_BLOCK
    scratch = projected.new_empty(min(tile, len(projected)), projected.shape[1], dtype=torch.float32)
    for at in range(0, len(projected), tile):
        span = slice(at, min(at + tile, len(projected)))
        yield span, scratch[: span.stop - at].copy_(projected[span])


def _bend(logits: Tensor, scale: float, cap: float | None) -> None:
    """Turn raw logits into the model's, in place."""
    if scale != 1.0:
        logits.mul_(scale)
    if cap is not None:
        logits.div_(cap).tanh_().mul_(cap)


def _turn(
    projected: Tensor, target: Tensor, normalizers: Tensor, gradient: Tensor, scale: float, cap: float | None
) -> None:
    """Turn raw logits into the gradient towards them, `[tokens, vocabulary]`, in place."""
    for span, logits in _tiles(projected):
        _bend(logits, scale, cap)
        slope = None if cap is None else 1 - (logits / cap) ** 2
        share = gradient[span, None]
        towards = logits.sub_(normalizers[span, None]).exp_().mul_(-share).scatter_add_(1, target[span, None], share)
        if slope is not None:
            towards.mul_(slope)
        projected[span] = towards if scale == 1.0 else towards.mul_(scale)
