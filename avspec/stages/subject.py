"""A steered model as evaluators see it (`avspec.api.Subject`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avspec.api import Answer, LogProbs, Request, Row
from avspec.model.generate import decode, generate_ids
from avspec.stages.calls import asker
from avspec.stages.context import Context
from avspec.stages.data import read_split
from avspec.stages.surface import Live

LONGEST = 96
"""Length of answers, in tokens, at least: the report's examples are as long, and shorter ones are cut from them."""


@dataclass(frozen=True)
class Ground:
    """What all subjects of a stage share."""

    live: Live
    inputs: Mapping[str, Path]
    """Stage address to the folder of its artifact."""
    rows: Mapping[str, Sequence[Row]]
    """Domain or guardrail to its test rows."""
    ctx: Context


@dataclass
class Steered:
    """One setting of the knobs; answers are kept, evaluators share them."""

    ground: Ground
    coefficients: Mapping[str, float]
    """Every domain that is looked at, to its coefficient, or to the mean of its blocks' coefficients."""
    levels: Mapping[str, tuple[str, ...]]
    """Every domain and guardrail that is looked at, to its levels."""
    measured: Mapping[str, LogProbs]
    """Each of them to its log-probs, `[rows, levels]`."""
    wanted: Mapping[str, str] = field(default_factory=dict)
    turned: Mapping[str, float] = field(default_factory=dict)
    """The knobs, where they are blocks."""
    asked: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    """Domain to its test rows as they are put to the model, where that is otherwise than they are."""
    answers: dict[str, list[list[int]]] = field(default_factory=dict)
    """Domain to token ids of the answers generated so far."""
    length: int = 0
    """How long those may be, in tokens."""
    samples: dict[tuple[str, int, int, float, int], list[list[int]]] = field(default_factory=dict)
    """Sampled answers, by all that `generate` was asked for."""

    def rows(self, domain: str) -> Sequence[Row]:
        """Return the domain's test rows."""
        return self.ground.rows[domain]

    def log_probs(self, domain: str) -> LogProbs:
        """Return mean token log-probs, `[rows, levels]`."""
        return self.measured[domain]

    def generate(
        self, domain: str, rows: int, max_new_tokens: int, *, temperature: float = 0.0, seed: int = 0
    ) -> Sequence[str]:
        """Return answers to the first test queries, greedy or sampled."""
        if temperature > 0:
            answers = self._sampled(domain, rows, max_new_tokens, temperature, seed)
            return [decode(self.ground.live.tokenizer, ids) for ids in answers]
        length = max(max_new_tokens, LONGEST)
        if length > self.length:
            self.answers, self.length = {}, length
        if self._lacks(domain, rows):
            # evaluators ask for one domain with a knob after the other: all of them in one batch
            self._answer([name for name in {domain: 0, **self.coefficients} if self._lacks(name, rows)], rows)
        answers = self.answers.get(domain, [])[:rows]
        return [decode(self.ground.live.tokenizer, ids[:max_new_tokens]) for ids in answers]

    def training_rows(self, domain: str) -> Sequence[Row]:
        """Return the domain's training rows."""
        return read_split(self.ground.inputs[f"data[{domain}]"], "train")

    def ask(self, provider: str, options: Mapping[str, Any], requests: Sequence[Request]) -> Sequence[Answer]:
        """Return a language model's answers; those on disk are not asked for again."""
        with asker(provider, options, self.ground.ctx) as ready:
            return ready.ask(requests, f"{provider} judges")

    def prompts(self, domain: str, rows: int) -> list[list[dict[str, str]]]:
        """Return the first queries as conversations, as they are put to the model."""
        return [[{"role": "user", "content": row.query}] for row in self._queries(domain)[:rows]]

    def turn(self) -> Any:
        """Set the knobs, and return the model."""
        self.ground.live.editor.set(self.turned or self.coefficients)
        return self.ground.live.editor.model

    def _queries(self, domain: str) -> Sequence[Row]:
        return self.asked.get(domain, self.ground.rows[domain])

    def _lacks(self, domain: str, rows: int) -> bool:
        return len(self.answers.get(domain, [])) < min(rows, len(self.rows(domain)))

    def _sampled(self, *asked: Any) -> list[list[int]]:
        if asked not in self.samples:
            domain, rows, length, temperature, seed = asked
            # a batch of its own: what is drawn must not depend on what other evaluators asked for before
            self.samples[asked] = generate_ids(
                self.turn(),
                self.ground.live.tokenizer,
                self.prompts(domain, rows),
                max_new_tokens=length,
                temperature=temperature,
                seed=seed,
            )
            self.ground.ctx.check_stop()
        return self.samples[asked]

    def _answer(self, domains: Sequence[str], rows: int) -> None:
        asked = {name: self.prompts(name, rows)[len(self.answers.get(name, [])) :] for name in domains}
        queries = [query for part in asked.values() for query in part]
        answers = iter(generate_ids(self.turn(), self.ground.live.tokenizer, queries, max_new_tokens=self.length))
        for name, part in asked.items():
            self.answers.setdefault(name, []).extend(next(answers) for _ in part)
        self.ground.ctx.check_stop()
