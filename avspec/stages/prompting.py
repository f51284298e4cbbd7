"""prompting: each level asked for in words, beside the knob that is best for it (paper, section 5.2, tables 1-3)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from avspec import registry, stats
from avspec.api import LogProbs
from avspec.model.encoding import encode_rows
from avspec.model.loading import read_info
from avspec.model.scorer import score
from avspec.plan.comparisons import PromptingParams
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Judgement, Objective
from avspec.stages.context import Context
from avspec.stages.subject import LONGEST, Ground, Steered
from avspec.stages.surface import Live, Surface, read_json, write_json
from avspec.stages.timing import ROWS, Way, input_tokens, timed


def run(params: PromptingParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `prompting.json`: of each domain the default, and for each level the words and the knob, on the test split.

    A knob's coefficient is the sweep's best for the level on the search split, within the fluency limit.
    """
    baseline = _Prompting(params, inputs, ctx)
    domains = {domain: baseline.domain(domain) for domain in params.domains}
    ctx.progress(baseline.done, baseline.total, "levels asked for in words")
    write_json(out / "prompting.json", {"format_version": 1, "split": "test", "domains": domains})


class _Prompting:
    """One run of the stage."""

    def __init__(self, params: PromptingParams, inputs: Mapping[str, Path], ctx: Context) -> None:
        self.params, self.inputs, self.ctx = params, inputs, ctx
        self.live = Live(inputs, params.domains, ctx.device, ctx.log)
        self.surfaces = {
            split: Surface(self.live, inputs, params.levels, split, ctx.evaluations) for split in ("search", "test")
        }
        self.ground = Ground(self.live, inputs, self.surfaces["test"].rows, ctx)
        # the shares are this stage's own figures
        named = [each for each in params.evaluators if each["name"] != "preference-accuracy"]
        self.evaluators = {each["name"]: registry.create("evaluators", each["name"], each["options"]) for each in named}
        self.curves = read_json(inputs["sweep"] / "sweep.json")["curves"]
        self.context = read_info(inputs["base"]).context
        self.done, self.total = 0, sum(2 + 2 * len(params.levels[domain]) for domain in params.domains)

    def domain(self, domain: str) -> dict[str, Any]:
        """Return what one domain gives: its default, its levels in words and by knob."""
        base = self.surfaces["test"].evaluate({}).log_probs[domain]
        default = self._step(domain, "default", lambda: self._measured(domain, 0.0, base))
        chosen = dict(self._chosen(domain))
        levels = {level: self._level(domain, level, *chosen[level]) for level in self.params.levels[domain]}
        found = {"default": default}
        for level, both in levels.items():
            found |= {f"prompted {level}": both["prompted"], f"knob {level}": both["knob"]}
        for name, cost in self._step(domain, "timing", lambda: self._costs(domain, levels)).items():
            found[name] |= cost
        return {"query": self.ground.rows[domain][0].query, "default": default, "levels": levels}

    def _step(self, domain: str, what: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self.ctx.progress(self.done, self.total, f"{domain}, {what}")
        self.done += 1
        return self.ctx.kept(f"{domain}.{what.replace(' ', '-')}", compute)

    def _costs(self, domain: str, levels: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return what an answer costs in each way: tokens read, seconds, tokens, and seconds to set the knob."""
        every = [row.query for row in self.ground.rows[domain]]
        ways = {"default": Way({}, every)}
        for level, both in levels.items():
            ways[f"prompted {level}"] = Way({}, [f"{both['instruction']}\n\n{query}" for query in every])
            ways[f"knob {level}"] = Way({domain: both["knob"]["coefficient"]}, every)
        tokens = {name: input_tokens(self.live.tokenizer, way.turns) for name, way in ways.items()}
        few = {name: replace(way, turns=way.turns[:ROWS]) for name, way in ways.items()}
        timings = timed(self.live, few, self.ctx.check_stop)
        return {name: {"input_tokens": tokens[name], **asdict(timing)} for name, timing in timings.items()}

    def _level(self, domain: str, level: str, evaluation: Evaluation, judgement: Judgement) -> dict[str, Any]:
        instruction = self.params.instructions[domain][level]
        coefficient = evaluation.coefficients.get(domain, 0.0)
        test = self.surfaces["test"].evaluate({domain: coefficient})
        held = {"search": judgement.held, "test": self._objective("test", domain).judge(test)[level].held}
        prompted = self._step(domain, f"asked for {level}", lambda: self._in_words(domain, level, instruction))
        knob = self._step(
            domain, f"knob for {level}", lambda: self._measured(domain, coefficient, test.log_probs[domain], level)
        )
        return {
            "instruction": instruction,
            "prompted": prompted,
            "knob": {"coefficient": coefficient, "held": held, **knob},
        }

    def _in_words(self, domain: str, level: str, instruction: str) -> dict[str, Any]:
        asked = [replace(row, query=f"{instruction}\n\n{row.query}") for row in self.ground.rows[domain]]
        encoded = encode_rows(self.live.tokenizer, asked, self.params.levels[domain], self.context)
        self.live.editor.set({})
        told = score(self.live.editor.model, encoded)
        return self._measured(domain, 0.0, told, level, {domain: asked})

    def _chosen(self, domain: str) -> Iterator[tuple[str, tuple[Evaluation, Judgement]]]:
        """Yield each level with the sweep's best evaluation for it on the search split."""
        points = sorted({0.0, *(point["coefficient"] for point in self.curves[domain])})
        evaluations = [self.surfaces["search"].evaluate({domain: point}) for point in points]
        yield from self._objective("search", domain).best(evaluations).items()

    def _objective(self, split: str, domain: str) -> Objective:
        return Objective(
            domains=self.params.domains,
            levels=self.params.levels,
            behaviors={level: {domain: level} for level in self.params.levels[domain]},
            base=self.surfaces[split].evaluate({}),
            max_fluency_drop=self.params.max_fluency_drop,
        )

    def _measured(
        self,
        domain: str,
        coefficient: float,
        log_probs: LogProbs,
        level: str | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return shares, what the evaluators say of answers, and the answer to the first query."""
        levels = {domain: self.params.levels[domain]}
        wanted = {domain: level} if level else {}
        subject = Steered(self.ground, {domain: coefficient}, levels, {domain: log_probs}, wanted, asked=asked or {})
        return {
            **stats.described(log_probs, levels[domain]),
            "metrics": {name: evaluator.evaluate(subject) for name, evaluator in self.evaluators.items()},
            "answer": subject.generate(domain, 1, LONGEST)[0],
        }
