"""Preference accuracy: how often each level's response is the most likely one (paper, section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from avspec import api


class PreferenceAccuracy:
    """Share of rows per level whose response has the highest mean token log-prob, with 95 % intervals."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[api.Options]] = api.Options

    def __init__(self, options: api.Options) -> None:
        self.options = options

    def evaluate(self, subject: api.Subject) -> Mapping[str, Mapping[str, Any]]:
        """Return rows, shares, Wilson intervals and mean log-probs (nats per token) of every domain."""
        return {domain: self._measure(subject, domain) for domain in subject.levels}

    def _measure(self, subject: api.Subject, domain: str) -> dict[str, Any]:
        from avspec.stats import shares, wilson

        levels, log_probs = subject.levels[domain], subject.log_probs(domain)
        rows = len(log_probs)
        share = [float(x) for x in shares(log_probs)]
        intervals = [[float(end) for end in wilson(round(x * rows), rows)] for x in share]
        means = [float(x) for x in log_probs.mean(axis=0)]
        return {
            "rows": rows,
            "shares": dict(zip(levels, share, strict=True)),
            "interval": dict(zip(levels, intervals, strict=True)),
            "mean_log_prob": dict(zip(levels, means, strict=True)),
        }
