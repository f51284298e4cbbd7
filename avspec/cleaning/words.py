"""Texts as words, as every check compares them."""

from __future__ import annotations

import re

# scripts that put no spaces between words: Thai and Lao, Burmese, Khmer, kana, Chinese characters
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def words(text: str) -> list[str]:
    """Return the words of a text in small letters, without punctuation.

    In scripts that put no spaces between words each character counts as one.
    """
    return _WORD.findall(text.lower())


def shingles(text: str, length: int) -> set[tuple[str, ...]]:
    """Return every run of so many words; a shorter text is one run of its own."""
    found = words(text)
    return {tuple(found[start : start + length]) for start in range(max(1, len(found) - length + 1))}
