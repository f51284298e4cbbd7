"""Responses that repeat the instruction they were written by: they would teach the instruction, not the level."""

from __future__ import annotations

from avspec.cleaning.words import shingles, words


def leaked(text: str, instruction: str, length: int) -> str | None:
    """Return a run of so many words that a text shares with its instruction, or None.

    Args:
        text: The response.
        instruction: The level's instruction as it was sent.
        length: Words in a row; 0 finds nothing.
    """
    if not length or len(words(instruction)) < length:
        return None
    common = shingles(text, length) & shingles(instruction, length)
    return " ".join(min(common)) if common else None
