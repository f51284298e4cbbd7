"""How well a coefficient vector does each behavior."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avspec import stats
from avspec.api import LogProbs
from avspec.search.demands import Demand, Written, demands
from avspec.search.evaluations import Evaluation
from avspec.search.reading import LogProbReading

TIE_BREAKER = 1e-3
"""Weight of a nat of log-prob margin beside a share: it orders points whose few rows give equal shares."""


@dataclass(frozen=True)
class Judgement:
    """One evaluation seen from one behavior."""

    margin: float
    """Smallest, over the named domains, of the wanted level's share less the largest that would not do.

    That is the largest other level's share or, where more rows are missing for it, the largest share below the
    least one; weighed where the behavior weighs its domains (`avspec.search.demands`).
    """
    log_prob_margin: float
    """In nats per token, smallest over the domains: rows' mean of the wanted log-prob less the highest other one."""
    fluency_drop: float
    """Largest, over the named domains, fall of the wanted responses' mean log-prob against the base, nats."""
    excess: float
    """By how much the worst limit is exceeded: of fluency in nats, or of a guardrail as a share."""
    feasible: bool
    """Whether no limit is exceeded: the text stays fluent and the guardrails hold."""
    held: bool
    """Whether the wanted level dominates in every named domain, with its least share, feasibly."""
    value: float
    """What a sampler maximizes: the margin, with the log-prob margin as tie-breaker."""


@dataclass(frozen=True)
class Objective:
    """The behaviors of a search and what a coefficient vector must not break."""

    domains: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    """Levels of every domain and guardrail, least to most preferred."""
    behaviors: Mapping[str, Mapping[str, Written]]
    """Behavior to what it wants of each domain it names, as a spec says it; the other domains are free."""
    base: Evaluation
    """The evaluation at zero, which fluency and guardrails are measured against."""
    max_fluency_drop: float
    """Largest fluency drop of a feasible coefficient vector, nats per token."""
    guardrails: Mapping[str, float] = field(default_factory=dict)
    """Guardrail to the largest allowed fall of its highest level's share."""
    norms: Mapping[str, float] = field(default_factory=dict)
    """Domain to the norm of its alignment vector, for the size of an edit; 1 where it is not given."""

    def judge(self, evaluation: Evaluation) -> dict[str, Judgement]:
        """Judge one evaluation from every behavior's view.

        Raises:
            NonFinite: A log-prob is NaN or infinite.
        """
        guarded = max(self.guardrail_excess(evaluation.log_probs).values(), default=-np.inf)
        return {name: self._judge(wanted, evaluation, guarded) for name, wanted in self.demands.items()}

    @cached_property
    def demands(self) -> dict[str, dict[str, Demand]]:
        """Return what each behavior demands of each domain it names."""
        return {name: demands(behavior) for name, behavior in self.behaviors.items()}

    def guardrail_excess(self, log_probs: Mapping[str, LogProbs]) -> dict[str, float]:
        """Return by how much each guardrail's share fell beyond what is allowed; positive is infeasible."""
        return {
            name: float(stats.shares(self.base.log_probs[name])[-1] - stats.shares(log_probs[name])[-1] - drop)
            for name, drop in self.guardrails.items()
        }

    def best(self, evaluations: Iterable[Evaluation]) -> dict[str, tuple[Evaluation, Judgement]]:
        """Return each behavior's best evaluation.

        A feasible one comes before an infeasible one, then the larger margin counts. Margins within one row
        of the largest are near-equal: of those the evaluation is best whose margin survives resampling of the
        rows most often, then the one with the smallest edit, the sum of |coefficient| times the vector's norm.
        """
        judged = [(evaluation, self.judge(evaluation)) for evaluation in evaluations]
        return {name: self._best(name, judged) for name in self.behaviors} if judged else {}

    def survival(self, name: str, evaluation: Evaluation) -> float:
        """Return in what share of bootstrap samples of the rows a behavior has a positive margin."""
        rows = {domain: len(values) for domain, values in evaluation.log_probs.items()}
        reading = LogProbReading(self.describe(), rows).only(np.array([list(self.behaviors).index(name)]))
        outputs = reading.encode(evaluation.log_probs)
        return float(reading.survival(outputs, np.random.default_rng(0))[0])

    def edit(self, evaluation: Evaluation) -> float:
        """Return the size of the edit: the sum of each |coefficient| times its vector's norm."""
        return sum(abs(c) * self.norms.get(domain, 1.0) for domain, c in evaluation.coefficients.items())

    def _best(
        self, name: str, judged: Sequence[tuple[Evaluation, Mapping[str, Judgement]]]
    ) -> tuple[Evaluation, Judgement]:
        own = [(evaluation, judgements[name]) for evaluation, judgements in judged]
        top = max((judgement for _, judgement in own), key=lambda j: (j.feasible, j.value))
        row = self.row(name, top.margin)
        near = [(e, j) for e, j in own if j.feasible == top.feasible and j.margin > top.margin - 1.01 * row]
        near = [(e, j) for e, j in near if j.held or not top.held]
        if len(near) == 1:
            return near[0]
        return max(
            near,
            # a survival is known to about a twentieth
            key=lambda n: (round(20 * self.survival(name, n[0])), -round(self.edit(n[0]), 6), n[1].value),
        )

    def row(self, name: str, margin: float) -> float:
        """Return what one row of the domain with the fewest is worth in a margin, as its weight makes it count."""
        sign = 1.0 if margin > 0 else -1.0
        wanted = self.demands[name].items()
        return max(abs(demand.weigh(sign / len(self.base.log_probs[domain]))) for domain, demand in wanted)

    def describe(self) -> dict[str, Any]:
        """Return the objective as JSON, which a study keeps for samplers that judge predictions."""
        return {
            "domains": list(self.domains),
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "behaviors": {name: dict(wanted) for name, wanted in self.behaviors.items()},
            "base": {name: values.mean(axis=0).tolist() for name, values in self.base.log_probs.items()},
            "base_shares": {name: stats.shares(v).tolist() for name, v in self.base.log_probs.items()},
            "max_fluency_drop": self.max_fluency_drop,
            "guardrails": dict(self.guardrails),
        }

    def _judge(self, wanted: Mapping[str, Demand], evaluation: Evaluation, guarded: float) -> Judgement:
        margins, nats, drops = [], [], []
        for domain, demand in wanted.items():
            values, index = evaluation.log_probs[domain], self.levels[domain].index(demand.level)
            margins.append(_margin(stats.shares(values), index, len(values), demand))
            nats.append(stats.log_prob_margin(values, index))
            drops.append(float(np.mean(self.base.log_probs[domain][:, index] - values[:, index])))
        margin, log_prob_margin, drop = min(margins), min(nats), max(drops)
        excess = max(guarded, drop - self.max_fluency_drop)
        held, value = excess <= 0 and margin > 0, margin + TIE_BREAKER * log_prob_margin
        return Judgement(margin, log_prob_margin, drop, excess, excess <= 0, held, value)


def _margin(shares: NDArray[np.float64], wanted: int, rows: int, demand: Demand) -> float:
    above = float(shares[wanted]) - demand.short(rows) / rows
    return demand.weigh(min(stats.margin(shares, wanted), above))
