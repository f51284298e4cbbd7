"""Measuring a model with its knobs set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from avspec.api.options import Options
from avspec.api.providers import Answer, Request
from avspec.api.rows import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    LogProbs = NDArray[np.float64]
    """Mean token log-probs of one domain, `[rows, levels]`, in nats per token."""


class Subject(Protocol):
    """A model with its knobs set, as an evaluator sees it; rows are those of the test split."""

    @property
    def coefficients(self) -> Mapping[str, float]:
        """Return the coefficient of every domain; all zero is the base."""
        ...

    @property
    def wanted(self) -> Mapping[str, str]:
        """Return the behavior being evaluated, domain to level; empty for the base."""
        ...

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Return each domain's and guardrail's levels."""
        ...

    def rows(self, domain: str) -> Sequence[Row]:
        """Return the domain's test rows."""
        ...

    def log_probs(self, domain: str) -> LogProbs:
        """Return mean token log-probs, `[rows, levels]`, nats per token."""
        ...

    def generate(
        self, domain: str, rows: int, max_new_tokens: int, *, temperature: float = 0.0, seed: int = 0
    ) -> Sequence[str]:
        """Return answers to the queries of the first `rows` test rows: greedy, or sampled at a temperature above 0.

        Equal arguments give equal answers.
        """
        ...

    def training_rows(self, domain: str) -> Sequence[Row]:
        """Return the domain's rows of the training split, for judges that have to learn."""
        ...

    def ask(self, provider: str, options: Mapping[str, Any], requests: Sequence[Request]) -> Sequence[Answer]:
        """Return a language model's answers in the order of the requests; each is asked for, and paid, once.

        Args:
            provider: Name of the provider plugin.
            options: Its options.
            requests: What to ask.
        """
        ...


class Evaluator(Protocol):
    """Measures a model with its knobs set."""

    version: ClassVar[str]
    Options: ClassVar[type[Options]]

    def evaluate(self, subject: Subject) -> Mapping[str, Mapping[str, Any]]:
        """Return, for each domain, what was measured, as JSON."""
        ...
