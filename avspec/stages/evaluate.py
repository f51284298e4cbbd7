"""evaluate: every behavior the search found, measured on the test split."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from avspec import registry, stats
from avspec.knobs import mean
from avspec.model.release import release_memory
from avspec.plan.params import EvaluateParams
from avspec.search.demands import least_shares
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective
from avspec.stages.context import Context
from avspec.stages.subject import LONGEST, Ground, Steered
from avspec.stages.surface import Live, Surface, read_json, write_json


def run(params: EvaluateParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `evaluate.json`: shares on both splits with intervals, guardrails, metrics, examples."""
    _Evaluation(params, inputs, ctx).write(out / "evaluate.json")


class _Evaluation:
    """One run of the stage."""

    def __init__(self, params: EvaluateParams, inputs: Mapping[str, Path], ctx: Context) -> None:
        self.params, self.inputs, self.ctx = params, inputs, ctx
        self.live = Live(inputs, params.domains, ctx.device, ctx.log, blocks=params.blocks)
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
        self.ground = Ground(self.live, inputs, self.surfaces["test"].rows, ctx)
        self.unsteered = self._subject({}, {}, self.base["test"])

    def write(self, path: Path) -> None:
        """Measure the base and every behavior and write the artifact."""
        total = len(self.found) + 1
        self.ctx.progress(0, total, "base")
        base = self.ctx.kept(
            "base", lambda: {"domains": self._domains(self.base, {}), "metrics": self._metrics(self.unsteered)}
        )
        behaviors, examples = {}, {}
        for done, (name, found) in enumerate(self.found.items(), start=1):
            self.ctx.progress(done, total, name)
            said = self.ctx.kept(f"behavior-{done}", partial(self._step, name, found))
            behaviors[name] = said["behavior"]
            if "examples" in said:
                examples[name] = said["examples"]
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

    def _step(self, name: str, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return what one behavior comes to; answers are generated of those that the spec names."""
        evaluations = self._both(found["coefficients"])
        behavior = self._behavior(name, found, evaluations)
        if name not in self.params.named:
            return {"behavior": behavior}
        subject = self._subject(found["coefficients"], found["wanted"], evaluations["test"])
        return {"behavior": {**behavior, "metrics": self._metrics(subject)}, "examples": self._examples(subject)}

    def _subject(self, chosen: Mapping[str, float], wanted: Mapping[str, str], evaluation: Evaluation) -> Steered:
        coefficients = {domain: mean(chosen, domain) for domain in self.params.domains}
        return Steered(self.ground, coefficients, self.params.levels, evaluation.log_probs, wanted, turned=chosen)

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

    def _metrics(self, subject: Steered) -> dict[str, Any]:
        return {name: evaluator.evaluate(subject) for name, evaluator in self.evaluators.items()}

    def _examples(self, subject: Steered) -> dict[str, Any]:
        return {
            domain: {
                "query": subject.rows(domain)[0].query,
                "wanted": subject.wanted.get(domain),
                "base": self.unsteered.generate(domain, 1, LONGEST)[0],
                "steered": subject.generate(domain, 1, LONGEST)[0],
            }
            for domain in self.params.domains
        }
