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
        from avspec.stats import described

        return {domain: described(subject.log_probs(domain), levels) for domain, levels in subject.levels.items()}
