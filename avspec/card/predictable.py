"""What gives a level away: how well a classifier that sees only length, or only words, finds it by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from avspec.api import Row
from avspec.stats import wilson

_FOLDS = 5
_MOST_ROWS = 2000
MARGIN = 0.1
"""How far above chance the accuracy of length alone may lie before a reader is warned."""
TOKENS = r"\w\w+|^(?:\W|\b\w\b)+$"
"""What counts as a word: two letters or more, as scikit-learn has it; a text without any is one word, so that a
response of one letter or of an emoji has something in it."""


def predictable(rows: Sequence[Row], levels: Sequence[str]) -> dict[str, Any]:
    """Return how often each classifier finds the level of a response of a row that it was not trained on.

    All responses of a row are in the same fold, so that the query gives nothing away. Of very many rows the first
    2,000 are used.

    Args:
        rows: Rows of one domain, 2 or more.
        levels: Its levels.

    Returns:
        `chance`, `responses`, and for `length` and `words` the `accuracy` with its 95 % Wilson `interval`; `warning`,
        whether length alone lies above chance by more than `MARGIN`, its interval too.
    """
    used = rows[:_MOST_ROWS]
    texts = [row.responses[level] for row in used for level in levels]
    wanted = np.tile(np.arange(len(levels)), len(used))
    groups = np.repeat(np.arange(len(used)), len(levels))
    chance = 1 / len(levels)
    found = {name: _accuracy(model, texts, wanted, groups) for name, model in _classifiers().items()}
    length = found["length"]
    warned = length["accuracy"] > chance + MARGIN and length["interval"][0] > chance
    return {"chance": chance, "responses": len(texts), **found, "warning": bool(warned)}


def _accuracy(model: Any, texts: Sequence[str], wanted: Any, groups: Any) -> dict[str, Any]:
    from sklearn.model_selection import GroupKFold, cross_val_predict

    folds = GroupKFold(n_splits=min(_FOLDS, len(set(groups.tolist()))))
    guessed = cross_val_predict(model, list(texts), wanted, groups=groups, cv=folds)
    right = int((guessed == wanted).sum())
    return {"accuracy": right / len(texts), "interval": list(wilson(right, len(texts)))}


def _classifiers() -> dict[str, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    # a small tree: a level in the middle of two others is found by length, too
    by_length = DecisionTreeClassifier(max_depth=3, min_samples_leaf=5, random_state=0)
    return {
        "length": make_pipeline(FunctionTransformer(_sizes), by_length),
        "words": make_pipeline(
            TfidfVectorizer(sublinear_tf=True, token_pattern=TOKENS), LogisticRegression(max_iter=1000)
        ),
    }


def _sizes(texts: Sequence[str]) -> Any:
    return np.array([[len(text.split()), len(text)] for text in texts])
