"""Repetition: the sign of a broken model that log-probs alone do not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from avspec.api import Options, Subject


class RepetitionOptions(Options):
    """How much to generate."""

    rows: int = Field(3, ge=1)
    """Test queries answered in each domain."""
    max_new_tokens: int = Field(64, ge=8)
    """Length of each answer, in tokens."""


class Repetition:
    """Share of the words' 4-grams in greedy answers that have been said before in the same answer."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[RepetitionOptions]] = RepetitionOptions

    def __init__(self, options: RepetitionOptions) -> None:
        self.options = options

    def evaluate(self, subject: Subject) -> Mapping[str, Mapping[str, Any]]:
        """Return, for each domain that has a knob, the share over all answers and how many there were."""
        return {domain: self._measure(subject, domain) for domain in subject.coefficients}

    def _measure(self, subject: Subject, domain: str) -> dict[str, Any]:
        texts = subject.generate(domain, self.options.rows, self.options.max_new_tokens)
        return {"repeated_4grams": repeated_share(texts), "texts": len(texts)}


def repeated_share(texts: Sequence[str], n: int = 4) -> float:
    """Return the share of n-grams (words, case ignored) that repeat an earlier one of their own text.

    0 is text that never repeats itself; a loop comes close to 1. Texts shorter than n words have no n-gram,
    and without any n-gram the share is 0.
    """
    counts = [Counter(_ngrams(text.lower().split(), n)) for text in texts]
    total = sum(count.total() for count in counts)
    different = sum(len(count) for count in counts)
    return (total - different) / total if total else 0.0


def _ngrams(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
