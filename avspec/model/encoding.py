"""Rows as token ids: a prompt, and one response per level that continues it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from avspec.api import Row
from avspec.errors import DataError, ModelError, Problem

SCORER_VERSION = 4
"""Raise it when encoding or scoring gives other numbers: cached evaluations are then made anew. It stands here
because what was evaluated is also found, and read, without torch."""


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """Token ids of a row: the prompt once, and each response in the order of the levels."""

    prompt: tuple[int, ...]
    responses: tuple[tuple[int, ...], ...]

    @property
    def packed_length(self) -> int:
        """Return the tokens of the packed row, prompt and all responses."""
        return len(self.prompt) + sum(map(len, self.responses))

    @property
    def longest(self) -> int:
        """Return the tokens of the prompt with its longest response: what the context must hold."""
        return len(self.prompt) + max(map(len, self.responses))


def chat_ids(tokenizer: Any, messages: Sequence[dict[str, str]], *, prompt: bool) -> list[int]:
    """Return a conversation's token ids through the chat template.

    Args:
        tokenizer: A transformers tokenizer.
        messages: `role` and `content` of each turn.
        prompt: Whether the template opens the assistant's next turn.

    Raises:
        ModelError: The tokenizer has no chat template.
    """
    if tokenizer.chat_template is None:
        raise ModelError(
            "the tokenizer has no chat template",
            where=str(tokenizer.name_or_path),
            hint="use an instruct model, or add a chat_template to the tokenizer's folder",
        )
    encoded = tokenizer.apply_chat_template(
        list(messages), tokenize=True, add_generation_prompt=prompt, return_dict=True
    )
    return list(encoded["input_ids"])


def encode_row(tokenizer: Any, row: Row, levels: Sequence[str]) -> EncodedRow:
    """Encode a row as TRL does: a response is what follows the prefix that prompt and conversation share."""
    user = {"role": "user", "content": row.query}
    prompt = chat_ids(tokenizer, [user], prompt=True)
    whole = [
        chat_ids(tokenizer, [user, {"role": "assistant", "content": row.responses[level]}], prompt=False)
        for level in levels
    ]
    length = min(_common_prefix(prompt, ids) for ids in whole)
    return EncodedRow(tuple(prompt[:length]), tuple(tuple(ids[length:]) for ids in whole))


def encode_rows(
    tokenizer: Any, rows: Sequence[Row], levels: Sequence[str], context: int | None = None
) -> list[EncodedRow]:
    """Encode rows and check that each fits the model.

    Args:
        tokenizer: A transformers tokenizer.
        rows: Rows with a response for every level.
        levels: Order of the responses.
        context: The model's context in tokens; None checks nothing.

    Raises:
        DataError: A row does not fit the context; every such row is named with its file and line.
    """
    encoded = [encode_row(tokenizer, row, levels) for row in rows]
    problems = [
        Problem(
            f"row {row.id!r} has {ids.longest} tokens (query and longest response), the model's context is {context}",
            file=row.source,
            hint="shorten the query or the response, or choose a model with a longer context",
        )
        for row, ids in zip(rows, encoded, strict=True)
        if context is not None and ids.longest > context
    ]
    if problems:
        raise DataError(problems)
    return encoded


def _common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))
