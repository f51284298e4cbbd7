"""Texts as words, as every check compares them."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Return the words of a text in small letters, without punctuation."""
    return _WORD.findall(text.lower())


def shingles(text: str, length: int) -> set[tuple[str, ...]]:
    """Return every run of so many words; a shorter text is one run of its own."""
    found = words(text)
    return {tuple(found[start : start + length]) for start in range(max(1, len(found) - length + 1))}
