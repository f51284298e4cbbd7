"""A run's model with knobs: set coefficients or a behavior, generate, score."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

from avspec import stats
from avspec.api import LogProbs, Row
from avspec.errors import UsageError
from avspec.knobs import spelled
from avspec.model import generate as text
from avspec.model import scorer
from avspec.model.editor import Editor, open_editor
from avspec.model.encoding import chat_ids, encode_rows
from avspec.model.loading import read_info
from avspec.model.run_folder import Behavior, RunFolder

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class DomainScore:
    """What the model makes of one domain's rows."""

    rows: int
    shares: dict[str, float]
    """Level to preference accuracy: the share of rows whose most likely response is of that level."""
    mean_log_prob: dict[str, float]
    """Level to the mean token log-prob of its responses, nats per token."""


class SteeredModel:
    """The base of a run, and one knob per domain: theta(c) = theta_base + sum_d c_d AV_d (paper, section 4.3).

    All knobs are 0 at first, which is the base bit for bit. Not safe for use by several threads at once: the
    knobs are the weights.
    """

    def __init__(self, run: RunFolder, editor: Editor, tokenizer: Any, context: int) -> None:
        self.run = run
        self.editor = editor
        self.tokenizer = tokenizer
        self.context = context
        """Longest sequence, tokens."""

    @classmethod
    def open(cls, run_dir: Path | str, *, device: str = "auto", target: str | None = None) -> SteeredModel:
        """Load the base and the vectors of a run.

        Args:
            run_dir: A folder that `avspec apply` made, `runs/NAME`.
            device: `auto`, `cpu`, `cuda` or another device name of torch.
            target: A target of the run's transfer, in place of the base: `safety` of `align:safety`.

        Raises:
            NoInput: The folder, its base or one of its vectors is not there.
            NewerFormat: A newer avspec made the run.
            Corrupted: A file in it is not readable.
            ModelError: The base cannot be loaded, or a vector belongs to another one.
        """
        run = RunFolder.open(run_dir)
        base = run.target(target) if target else run.base
        editor, tokenizer = open_editor(base, run.vectors, device, transfer=target is not None, blocks=run.blocks)
        return cls(run, editor, tokenizer, read_info(base).context)

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Return the levels of every domain and guardrail, least to most preferred."""
        return self.run.levels

    @property
    def coefficients(self) -> dict[str, float]:
        """Return every knob's coefficient."""
        return dict(self.editor.coefficients)

    def set(self, coefficients: Mapping[str, float] | None = None, /, **named: float) -> None:
        """Turn the knobs that are named; the others stay as they are.

        Args:
            coefficients: For domains whose name is not a Python identifier.
            named: `medical=-0.4`.

        Raises:
            UsageError: There is no such domain, or the coefficient is not a finite number.
        """
        change = {**(coefficients or {}), **named}
        for domain, value in change.items():
            if not isinstance(value, (int, float)) or not math.isfinite(value):
                raise UsageError(f"the coefficient of {domain} must be a finite number, not {value!r}")
        self.editor.set({**self.editor.coefficients, **spelled(change, self.run.blocks)})

    def reset(self) -> None:
        """Turn every knob to 0: the base, bit for bit."""
        self.editor.set({})

    def behave(self, name: str) -> Behavior:
        """Set every knob as the search found it for a behavior, and return what it found.

        Args:
            name: A behavior of the spec or of the atlas; `medical=expert,legal=generic` in any order.

        Raises:
            UsageError: There is no such behavior.
            NoInput: The run has no search results.
        """
        behavior = self.run.behavior(name)
        self.editor.set(behavior.coefficients)
        return behavior

    @contextmanager
    def knobs(self, coefficients: Mapping[str, float] | None = None, /, **named: float) -> Iterator[SteeredModel]:
        """Turn the named knobs inside a `with` block; all knobs are as before when it ends.

        Raises:
            UsageError: As `set` does.
        """
        before = self.coefficients
        self.set(coefficients, **named)
        try:
            yield self
        finally:
            self.editor.set(before)

    @overload
    def generate(
        self,
        messages: str | Messages,
        *,
        max_new_tokens: int = ...,
        temperature: float = ...,
        stream: Literal[False] = ...,
    ) -> str: ...

    @overload
    def generate(
        self,
        messages: str | Messages,
        *,
        max_new_tokens: int = ...,
        temperature: float = ...,
        stream: Literal[True],
    ) -> Iterator[str]: ...

    def generate(
        self,
        messages: str | Messages,
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        stream: bool = False,
    ) -> str | Iterator[str]:
        """Answer a conversation with the knobs as they are.

        Args:
            messages: A question, or turns of `role` and `content` that end with the user's.
            max_new_tokens: Longest answer, tokens.
            temperature: 0 is greedy.
            stream: Return an iterator over pieces of the answer; leave the knobs alone until it has ended.

        Raises:
            UsageError: The conversation and the answer do not fit the model's context.
        """
        turns = [dict(turn) for turn in _turns(messages)]
        length = self.count_tokens(turns)
        if length + max_new_tokens > self.context:
            needed = f"{length} tokens, with an answer of {max_new_tokens}"
            hint = "shorten the conversation or max_new_tokens"
            raise UsageError(f"the conversation has {needed}: the model's context is {self.context}", hint=hint)
        if stream:
            return text.stream(
                self.editor.model, self.tokenizer, turns, max_new_tokens=max_new_tokens, temperature=temperature
            )
        (ids,) = text.generate_ids(
            self.editor.model, self.tokenizer, [turns], max_new_tokens=max_new_tokens, temperature=temperature
        )
        return text.decode(self.tokenizer, ids)

    def count_tokens(self, messages: str | Messages) -> int:
        """Return how many tokens a conversation is, the chat template's included."""
        return len(chat_ids(self.tokenizer, [dict(turn) for turn in _turns(messages)], prompt=True))

    def log_probs(self, domain: str, rows: Sequence[Row]) -> LogProbs:
        """Return mean token log-probs of one domain's rows, `[rows, levels]`, nats per token.

        Raises:
            UsageError: The run has no such domain or guardrail.
            DataError: A row does not fit the model's context.
            NonFinite: The model gave NaN or infinity.
        """
        if domain not in self.levels:
            raise UsageError(f"the run has no domain {domain}", hint=f"it has {', '.join(self.levels)}")
        encoded = encode_rows(self.tokenizer, rows, self.levels[domain], self.context)
        return scorer.score(self.editor.model, encoded)

    def score(self, rows: Iterable[Row]) -> dict[str, DomainScore]:
        """Return, for each domain the rows name, the share and the mean log-prob of every level.

        Raises:
            UsageError: A row names a domain that the run does not have.
            DataError: A row does not fit the model's context.
            NonFinite: The model gave NaN or infinity.
        """
        grouped: dict[str, list[Row]] = {}
        for row in rows:
            grouped.setdefault(row.domain, []).append(row)
        return {
            domain: domain_score(self.log_probs(domain, group), self.levels.get(domain, ()))
            for domain, group in grouped.items()
        }


def domain_score(log_probs: LogProbs, levels: Sequence[str]) -> DomainScore:
    """Return shares and means of log-probs `[rows, levels]`."""
    return DomainScore(
        rows=len(log_probs),
        shares={level: float(x) for level, x in zip(levels, stats.shares(log_probs), strict=True)},
        mean_log_prob={level: float(x) for level, x in zip(levels, log_probs.mean(axis=0), strict=True)},
    )


def _turns(messages: str | Messages) -> Messages:
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
