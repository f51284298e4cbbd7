"""Repetitions: texts that are the same, or nearly, by the Jaccard similarity of their word 3-grams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from avspec.cleaning.words import shingles, words

_LENGTH = 3  # words of a shingle
_PERMUTATIONS = 128


def similarity(left: str, right: str) -> float:
    """Return the Jaccard similarity of two texts' word 3-grams, 0 to 1."""
    one, other = shingles(left, _LENGTH), shingles(right, _LENGTH)
    return len(one & other) / len(one | other)


class Seen:
    """Texts that came before, found again by MinHash, so that many thousands are compared in a few seconds.

    MinHash only proposes; what it proposes is confirmed by the exact similarity, so no text is a repetition by chance.
    """

    def __init__(self, threshold: float) -> None:
        from datasketch import MinHashLSH

        self.threshold = threshold
        # proposals below the threshold cost a comparison, those it overlooks would be lost: look a little lower
        self._index = MinHashLSH(threshold=max(0.05, threshold - 0.1), num_perm=_PERMUTATIONS)
        self._texts: dict[str, str] = {}
        self._same: dict[tuple[str, ...], str] = {}

    def like(self, text: str) -> tuple[str, float] | None:
        """Return the name of the most similar text so far and the similarity, if it reaches the threshold."""
        if (same := self._same.get(tuple(words(text)))) is not None:
            return same, 1.0
        proposed = ((name, similarity(text, self._texts[name])) for name in self._index.query(_hashed(text)))
        best = max(proposed, key=lambda found: found[1], default=None)
        return best if best is not None and best[1] >= self.threshold else None

    def add(self, name: str, text: str) -> None:
        """Remember a text."""
        self._texts[name] = text
        self._same.setdefault(tuple(words(text)), name)
        self._index.insert(name, _hashed(text))


def _hashed(text: str) -> object:
    from datasketch import MinHash

    found = MinHash(num_perm=_PERMUTATIONS, seed=1)
    found.update_batch(list(_bytes(shingles(text, _LENGTH))))
    return found


def _bytes(runs: Iterable[tuple[str, ...]]) -> Iterator[bytes]:
    return (" ".join(run).encode() for run in sorted(runs))
