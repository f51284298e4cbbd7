"""How long the responses of each level are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_BINS = 12


def lengths(texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the distribution of lengths of each level, in words, in bins that all levels share.

    Args:
        texts: Level to its responses.

    Returns:
        `edges`, `[bins + 1]` words, and `levels`, each with `mean`, `quartiles` (least and most too) and `counts`,
        `[bins]`.
    """
    words = {level: np.array([len(text.split()) for text in each]) for level, each in texts.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(words.values())), bins=_BINS)
    return {
        "edges": edges.tolist(),
        "levels": {
            level: {
                "mean": float(counts.mean()),
                "quartiles": np.quantile(counts, (0, 0.25, 0.5, 0.75, 1)).tolist(),
                "counts": np.histogram(counts, bins=edges)[0].tolist(),
            }
            for level, counts in words.items()
        },
    }
