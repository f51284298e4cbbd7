"""evaluate: every behavior the search found, measured on the test split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avspec import registry, stats
from avspec.api import Answer, LogProbs, Request, Row
from avspec.model.generate import decode, generate_ids
from avspec.model.release import release_memory
from avspec.plan.params import EvaluateParams
from avspec.search.demands import least_shares
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective
from avspec.stages.calls import asker
from avspec.stages.context import Context
from avspec.stages.data import read_split
from avspec.stages.surface import Live, Surface, read_json, write_json

EXAMPLE_TOKENS = 96
"""Length of the example answers in the report, in tokens; shorter ones for evaluators are cut from as long ones."""


def run(params: EvaluateParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `evaluate.json`: shares on both splits with intervals, guardrails, metrics, examples."""
    _Evaluation(params, inputs, ctx).write(out / "evaluate.json")


class _Evaluation:
    """One run of the stage."""

    def __init__(self, params: EvaluateParams, inputs: Mapping[str, Path], ctx: Context) -> None:
        self.params, self.inputs, self.ctx = params, inputs, ctx
        self.live = Live(inputs, params.domains, ctx.device, ctx.log)
        self.surfaces = {
            split: Surface(self.live, inputs, params.levels, split, ctx.evaluations) for split in ("search", "test")
        }
        self.found = read_json(inputs["search"] / "search.json")["behaviors"]
        self.base = self._both({})
        limits = {name: drop for name, drop in params.guardrails.items() if drop is not None}
        self.objectives = {
            split: Objective(params.domains, params.levels, params.behaviors, base, params.max_fluency_drop, limits)
            for split, base in self.base.items()
        }
        self.evaluators = {e["name"]: registry.create("evaluators", e["name"], e["options"]) for e in params.evaluators}
        self.unsteered = _Subject(self, {}, {}, self.base["test"])

    def write(self, path: Path) -> None:
        """Measure the base and every behavior and write the artifact."""
        named, total = self.params.named, len(self.found) + 1
        self.ctx.progress(0, total, "base")
        base = {"domains": self._domains(self.base, {}), "metrics": self._metrics(self.unsteered)}
        behaviors, examples = {}, {}
        for done, (name, found) in enumerate(self.found.items(), start=1):
            self.ctx.progress(done, total, name)
            evaluations = self._both(found["coefficients"])
            subject = _Subject(self, found["coefficients"], found["wanted"], evaluations["test"])
            behaviors[name] = self._behavior(name, found, evaluations)
            if name in named:
                behaviors[name]["metrics"] = self._metrics(subject)
                examples[name] = self._examples(subject)
            release_memory()  # answers and scores need memory in other sizes, and malloc keeps both
        tests = [*self.surfaces["test"].cache.all()]
        self.ctx.progress(total, total, "behaviors measured")
        write_json(
            path,
            {
                "format_version": 1,
                "base": base,
                "behaviors": behaviors,
                "examples": examples,
                "seconds_per_evaluation": sum(e.seconds for e in tests) / len(tests),
                "evaluations": sum(surface.made for surface in self.surfaces.values()),
            },
        )

    def _both(self, coefficients: Mapping[str, float]) -> dict[str, Evaluation]:
        return {split: surface.evaluate(coefficients) for split, surface in self.surfaces.items()}

    def _behavior(self, name: str, found: Mapping[str, Any], evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
        judged = {split: self.objectives[split].judge(evaluation)[name] for split, evaluation in evaluations.items()}
        return {
            "wanted": found["wanted"],
            "coefficients": found["coefficients"],
            "held": {split: judgement.held for split, judgement in judged.items()},
            "fluency_drop": {split: judgement.fluency_drop for split, judgement in judged.items()},
            "domains": self._domains(evaluations, found["wanted"], least_shares(self.params.behaviors[name])),
            "guardrails": {name: self._guardrail(name, evaluations) for name in self.params.guardrails},
            "metrics": {},
        }

    def _domains(
        self, evaluations: Mapping[str, Evaluation], wanted: Mapping[str, str], least: Mapping[str, float] | None = None
    ) -> dict[str, Any]:
        return {
            domain: {
                "wanted": wanted.get(domain),
                "least_share": (least or {}).get(domain),
                **{split: self._measured(domain, split, e, wanted.get(domain)) for split, e in evaluations.items()},
            }
            for domain in (self.params.domains if wanted else self.params.levels)
        }

    def _measured(self, domain: str, split: str, evaluation: Evaluation, level: str | None) -> dict[str, Any]:
        levels, log_probs = self.params.levels[domain], evaluation.log_probs[domain]
        drop = self.base[split].log_probs[domain] - log_probs
        return {
            **stats.described(log_probs, levels),
            "fluency_drop": float(drop[:, levels.index(level)].mean()) if level else None,
        }

    def _guardrail(self, name: str, evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
        """Describe a guardrail; it is judged on the test split, by the share of its highest level."""
        limit = self.params.guardrails[name]
        before, after = (stats.shares(e.log_probs[name])[-1] for e in (self.base["test"], evaluations["test"]))
        return {
            **{split: self._measured(name, split, evaluation, None) for split, evaluation in evaluations.items()},
            "drop": float(before - after),
            "max_drop": limit,
            "ok": limit is None or bool(before - after <= limit),
        }

    def _metrics(self, subject: "_Subject") -> dict[str, Any]:
        return {name: evaluator.evaluate(subject) for name, evaluator in self.evaluators.items()}

    def _examples(self, subject: "_Subject") -> dict[str, Any]:
        return {
            domain: {
                "query": subject.rows(domain)[0].query,
                "wanted": subject.wanted.get(domain),
                "base": self.unsteered.generate(domain, 1, EXAMPLE_TOKENS)[0],
                "steered": subject.generate(domain, 1, EXAMPLE_TOKENS)[0],
            }
            for domain in self.params.domains
        }


@dataclass
class _Subject:
    """A behavior's model as evaluators see it (`avspec.api.Subject`); answers are kept, evaluators share them."""

    stage: _Evaluation
    coefficients_: Mapping[str, float]
    wanted: Mapping[str, str]
    evaluation: Evaluation
    answers: dict[str, list[list[int]]] = field(default_factory=dict)
    """Domain to token ids of the answers generated so far."""
    length: int = 0
    """How long those may be, in tokens."""

    @property
    def coefficients(self) -> Mapping[str, float]:
        """Return every domain's coefficient."""
        return {domain: self.coefficients_.get(domain, 0.0) for domain in self.stage.params.domains}

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Return every domain's and guardrail's levels."""
        return self.stage.params.levels

    def rows(self, domain: str) -> Sequence[Row]:
        """Return the domain's test rows."""
        return self.stage.surfaces["test"].rows[domain]

    def log_probs(self, domain: str) -> LogProbs:
        """Return mean token log-probs, `[rows, levels]`."""
        return self.evaluation.log_probs[domain]

    def generate(self, domain: str, rows: int, max_new_tokens: int) -> Sequence[str]:
        """Return greedy answers to the first test queries."""
        length = max(max_new_tokens, EXAMPLE_TOKENS)
        if length > self.length:
            self.answers, self.length = {}, length
        if self._lacks(domain, rows):
            # evaluators ask for one domain with a knob after the other: all of them in one batch
            self._answer([name for name in {domain: 0, **self.coefficients} if self._lacks(name, rows)], rows)
        answers = self.answers.get(domain, [])[:rows]
        return [decode(self.stage.live.tokenizer, ids[:max_new_tokens]) for ids in answers]

    def training_rows(self, domain: str) -> Sequence[Row]:
        """Return the domain's training rows."""
        return read_split(self.stage.inputs[f"data[{domain}]"], "train")

    def ask(self, provider: str, options: Mapping[str, Any], requests: Sequence[Request]) -> Sequence[Answer]:
        """Return a language model's answers; those on disk are not asked for again."""
        with asker(provider, options, self.stage.ctx) as ready:
            return ready.ask(requests, f"{provider} judges")

    def _lacks(self, domain: str, rows: int) -> bool:
        return len(self.answers.get(domain, [])) < min(rows, len(self.rows(domain)))

    def _answer(self, domains: Sequence[str], rows: int) -> None:
        live, asked = self.stage.live, {n: self.rows(n)[len(self.answers.get(n, [])) : rows] for n in domains}
        live.editor.set(self.coefficients)
        queries = [[{"role": "user", "content": row.query}] for part in asked.values() for row in part]
        answers = iter(generate_ids(live.editor.model, live.tokenizer, queries, max_new_tokens=self.length))
        for name, part in asked.items():
            self.answers.setdefault(name, []).extend(next(answers) for _ in part)
        self.stage.ctx.check_stop()
