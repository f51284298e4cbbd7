"""Floating-point operations that scoring cannot avoid, counted from the model's shapes and the rows' lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import Linear

from avspec.model.encoding import EncodedRow


def counted_flops(model: Any, rows: Sequence[EncodedRow]) -> int:
    """Return the operations of scoring rows with each prompt computed once; a multiply and an add are two.

        linear      2 * (parameters of all linear layers but the vocabulary projection) * tokens
        attention   4 * layers * heads * head width * pairs of positions that see each other
        vocabulary  2 * hidden width * vocabulary * response tokens

    Counted are matrix products alone: no norms, no softmax, no padding.

    Args:
        model: A causal language model of transformers.
        rows: Encoded rows.
    """
    config = model.config.get_text_config()
    head: Tensor = model.get_output_embeddings().weight
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    tokens = sum(row.packed_length for row in rows)
    responses = sum(len(response) for row in rows for response in row.responses)
    attention: int = 4 * config.num_hidden_layers * config.num_attention_heads * width * sum(map(_visible, rows))
    return 2 * _linear_parameters(model, head) * tokens + attention + 2 * head.numel() * responses


def _linear_parameters(model: Any, head: Tensor) -> int:
    """Return the weights of all linear layers, without the vocabulary projection."""
    weights = [module.weight for module in model.modules() if isinstance(module, Linear)]
    return sum(weight.numel() for weight in weights if weight is not head)


def _visible(row: EncodedRow) -> int:
    """Return the pairs (query, key) of a packed row: the prompt is causal, a response sees the prompt and itself."""
    prompt = len(row.prompt)
    own = sum(len(response) * (len(response) + 1) // 2 for response in row.responses)
    return prompt * (prompt + 1) // 2 + own + prompt * sum(map(len, row.responses))
