"""The queries that are most alike: rows that say the same, and test rows that training has nearly seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from avspec.api import Row

_SHOWN = 3
_LENGTH = 160


def nearest_pairs(rows: Sequence[Row], splits: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the most similar pairs of queries, the most similar first, by the cosine of their TF-IDF word vectors.

    Args:
        rows: Rows of one domain, 2 or more.
        splits: Row id to its split.

    Returns:
        Each with `similarity`, `ids`, `splits` and the shortened `queries`.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    try:
        vectors = TfidfVectorizer(sublinear_tf=True).fit_transform([row.query for row in rows])
    except ValueError:  # no words at all
        return []
    distances, others = NearestNeighbors(n_neighbors=2, metric="cosine").fit(vectors).kneighbors(vectors)
    pairs = {
        (min(here, int(other)), max(here, int(other))): 1 - float(distance)
        for here, (places, near) in enumerate(zip(others, distances, strict=True))
        for other, distance in zip(places, near, strict=True)
        if int(other) != here
    }
    best = sorted(pairs.items(), key=lambda pair: -pair[1])[:_SHOWN]
    return [_told([rows[place] for place in places], similarity, splits) for places, similarity in best]


def _told(pair: Sequence[Row], similarity: float, splits: Mapping[str, str]) -> dict[str, Any]:
    return {
        "similarity": similarity,
        "ids": [row.id for row in pair],
        "splits": [splits[row.id] for row in pair],
        "queries": [shortened(row.query, _LENGTH) for row in pair],
    }


def shortened(text: str, length: int) -> str:
    """Return a text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"
