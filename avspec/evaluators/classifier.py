"""Judged accuracy without an API: a small text classifier trained on the training rows' responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from avspec.api import Subject
from avspec.evaluators.judged import JudgedOptions, judged


class Classifier:
    """The level of generated answers, as a classifier of words and word pairs sees it; it knows style, not truth."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[JudgedOptions]] = JudgedOptions

    def __init__(self, options: JudgedOptions) -> None:
        self.options = options
        self._models: dict[str, Any] = {}

    def evaluate(self, subject: Subject) -> Mapping[str, Mapping[str, Any]]:
        """Return what the classifier says of answers in each domain (see `judged`)."""

        def judge(domain: str, texts: Sequence[tuple[str, str]]) -> list[str]:
            return [str(level) for level in self._model(subject, domain).predict([response for _, response in texts])]

        return judged(subject, judge, self.options)

    def _model(self, subject: Subject, domain: str) -> Any:
        """Return the domain's classifier, trained once for all behaviors."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        if domain not in self._models:
            known = [
                (row.responses[level], level)
                for row in subject.training_rows(domain)
                for level in subject.levels[domain]
            ]
            words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
            model = make_pipeline(words, LogisticRegression(max_iter=1000, C=10))
            self._models[domain] = model.fit([text for text, _ in known], [level for _, level in known])
        return self._models[domain]
