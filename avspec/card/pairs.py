"""The queries that are most alike: rows that say the same, and test rows that training has nearly seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from avspec.api import Row
from avspec.card.predictable import TOKENS

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
    from sklearn.neighbors import NearestNeighbors

    vectors = _vectors(rows)
    distances, others = NearestNeighbors(n_neighbors=2, metric="cosine").fit(vectors).kneighbors(vectors)
    pairs = {
        (min(here, int(other)), max(here, int(other))): 1 - float(distance)
        for here, (places, near) in enumerate(zip(others, distances, strict=True))
        for other, distance in zip(places, near, strict=True)
        if int(other) != here
    }
    return _best(pairs, rows, splits)


def nearest_across(rows: Sequence[Row], splits: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the test queries that training has most nearly seen, each with its most similar training query.

    Args:
        rows: Rows of one domain.
        splits: Row id to its split.

    Returns:
        As `nearest_pairs` does, the test query first; empty when a split has no rows.
    """
    from sklearn.neighbors import NearestNeighbors

    test, train = ([place for place, row in enumerate(rows) if splits[row.id] == name] for name in ("test", "train"))
    if not test or not train:
        return []
    vectors = _vectors(rows)
    found = NearestNeighbors(n_neighbors=1, metric="cosine").fit(vectors[train]).kneighbors(vectors[test])
    pairs = {
        (here, train[int(other[0])]): 1 - float(distance[0]) for here, distance, other in zip(test, *found, strict=True)
    }
    return _best(pairs, rows, splits)


def _vectors(rows: Sequence[Row]) -> Any:
    """Return the TF-IDF vectors of all queries."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, token_pattern=TOKENS).fit_transform([row.query for row in rows])


def _best(
    pairs: Mapping[tuple[int, int], float], rows: Sequence[Row], splits: Mapping[str, str]
) -> list[dict[str, Any]]:
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
