"""Hidden states to the log-probs of target tokens, without ever holding all logits at once.

The vocabulary projection is a fifth of the arithmetic of a small model but nearly all of its memory traffic: 49,152
float32 logits a token. Here a block of tokens is projected, reduced to one number each while it is still in the cache,
and forgotten; the backward pass projects it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import linear

BLOCK = {"cpu": 128}
"""Tokens projected at once, by device: as many as a matrix product needs, as few as the cache holds."""
BLOCK_ELSEWHERE = 2048
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
        size = BLOCK.get(hidden.device.type, BLOCK_ELSEWHERE)
        for at in range(0, len(target), size):
            block = slice(at, at + size)
            logits = _logits(hidden[block], weight, bias, scale, cap)
            chosen[block] = logits.gather(1, target[block, None]).squeeze(1)
            largest = logits.amax(1, keepdim=True)
            normalizers[block] = logits.sub_(largest).exp_().sum(1).log_().add_(largest.squeeze(1))
        ctx.save_for_backward(hidden, weight, bias, target, normalizers)
        ctx.scale, ctx.cap = scale, cap
        return chosen - normalizers

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None, None, None]:
        hidden, weight, bias, target, normalizers = ctx.saved_tensors
        (gradient,) = gradients
        towards_hidden, towards_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        towards_bias = None if bias is None else torch.zeros_like(bias)
        for at in range(0, len(target), GRADIENT_BLOCK):
            block = slice(at, at + GRADIENT_BLOCK)
            towards_logits = _logits_gradient(
                hidden[block], weight, bias, target[block], normalizers[block], gradient[block], ctx.scale, ctx.cap
            )
            towards_hidden[block] = towards_logits @ weight
            towards_weight.addmm_(towards_logits.t(), hidden[block])
            if towards_bias is not None:
                towards_bias += towards_logits.sum(0)
        return towards_hidden, towards_weight, towards_bias, None, None, None


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor | None, scale: float, cap: float | None) -> Tensor:
    """Return float32 logits of a block, a tensor of its own."""
    logits = linear(hidden, weight, bias).float()
    if scale != 1.0:
        logits.mul_(scale)
    return logits if cap is None else logits.div_(cap).tanh_().mul_(cap)


def _logits_gradient(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    normalizers: Tensor,
    gradient: Tensor,
    scale: float,
    cap: float | None,
) -> Tensor:
    """Return the gradient towards the raw logits, `[tokens, vocabulary]`, in the dtype of the hidden states."""
    result = torch.empty(len(target), len(weight), dtype=hidden.dtype, device=hidden.device)
    size = BLOCK.get(hidden.device.type, BLOCK_ELSEWHERE)
    for at in range(0, len(target), size):
        block = slice(at, at + size)
        logits = _logits(hidden[block], weight, bias, scale, cap)
        bent = None if cap is None else 1 - (logits / cap) ** 2
        towards = logits.sub_(normalizers[block, None]).exp_().mul_(-gradient[block, None])
        towards.scatter_add_(1, target[block, None], gradient[block, None])
        if bent is not None:
            towards.mul_(bent)
        result[block] = towards if scale == 1.0 else towards.mul_(scale)
    return result
