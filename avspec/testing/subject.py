"""A subject for evaluators, held in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from avspec.api import Answer, LogProbs, Request, Row


@dataclass(frozen=True)
class ExampleSubject:
    """A subject held in memory: two domains of three rows, with fixed log-probs and answers."""

    coefficients: Mapping[str, float] = field(default_factory=lambda: {"medical": -0.5, "legal": 0.5})
    wanted: Mapping[str, str] = field(default_factory=lambda: {"medical": "avoidance"})
    levels: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {d: ("avoidance", "generic", "expert") for d in ("medical", "legal")}
    )

    answer: Callable[[str], str] = lambda prompt: ""
    """What the language model that is asked says to a prompt."""

    def rows(self, domain: str) -> Sequence[Row]:
        """Return three rows."""
        responses = {level: f"This is the {level} answer." for level in self.levels[domain]}
        return [Row(f"{domain}-{i}", domain, f"Question {i}?", responses) for i in range(3)]

    def log_probs(self, domain: str) -> LogProbs:
        """Return log-probs of which the dominant level is avoidance, generic and avoidance."""
        shift = 0.0 if domain == "medical" else 0.5
        return np.array([[-2.0, -3.0, -4.0], [-3.0, -2.5, -4.0], [-1.5, -3.0, -3.5]]) - shift

    def generate(
        self, domain: str, rows: int, max_new_tokens: int, *, temperature: float = 0.0, seed: int = 0
    ) -> Sequence[str]:
        """Return up to three answers, the first of which repeats itself; they are the same at any temperature."""
        answers = ["see a vet see a vet see a vet", "rest the leg and call tomorrow morning", ""]
        return [" ".join(answer.split()[:max_new_tokens]) for answer in answers[:rows]]

    def training_rows(self, domain: str) -> Sequence[Row]:
        """Return the same three rows: there are no others."""
        return self.rows(domain)

    def ask(self, provider: str, options: Mapping[str, Any], requests: Sequence[Request]) -> Sequence[Answer]:
        """Return what `answer` says."""
        return [Answer(self.answer(request.prompt)) for request in requests]
