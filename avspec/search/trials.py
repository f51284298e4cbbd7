"""What a trial carries beside its values, so that the study's storage alone is enough for samplers and reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from avspec.api import SearchSpace
from avspec.search.blocks import Pruned
from avspec.search.evaluations import Evaluation, pack, rounded
from avspec.search.objective import Judgement, Objective
from avspec.stats import shares

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

EVALUATION = "evaluation"
"""User attribute of a trial that was evaluated: its shares and log-probs, where it came from, what it took."""
BEHAVIORS = "behaviors"
"""User attribute of a trial that was evaluated on all rows: behavior to judgement."""
LIMITS = "limits"
"""The constraint of a trial: fluency and guardrails."""
REASON = "reason"
"""User attribute of a trial whose evaluation failed: why."""
INTERRUPTED = "interrupted"
"""User attribute of a trial that was running when its process ended."""


@dataclass(frozen=True)
class SearchTrial:
    """One counted trial as the study keeps it."""

    number: int
    coefficients: dict[str, float]
    source: str
    """`sweep` or `search`."""
    seconds: float
    behaviors: dict[str, Judgement]
    """Empty when the trial failed, or was stopped after a part of its rows."""
    reason: str | None = None
    """Why the trial failed, or None."""
    part: float = 1.0
    """Part of the rows that was scored."""

    @property
    def whole(self) -> bool:
        """Return whether all rows were scored."""
        return self.reason is None and self.part == 1


def distributions(space: SearchSpace) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return Optuna's description of the space: one float parameter for each domain, named after it."""
    from optuna.distributions import FloatDistribution

    return {domain: FloatDistribution(space.low, space.high) for domain in space.domains}


def counted(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count as evaluations: the finished ones, but for those that a kill ended."""
    trials = study.get_trials(deepcopy=False)
    return [t for t in trials if t.state.is_finished() and INTERRUPTED not in t.user_attrs]


def attributes(
    source: str, objective: Objective, evaluation: Evaluation, judgements: Mapping[str, Judgement]
) -> dict[str, Any]:
    """Return a trial's user attributes; few large ones, as each is a transaction of the storage.

    Raises:
        NonFinite: A log-prob is NaN or infinite.
    """
    level_shares = {
        name: dict(zip(objective.levels[name], shares(values).tolist(), strict=True))
        for name, values in evaluation.log_probs.items()
    }
    return {
        EVALUATION: {
            "source": source,
            "coefficients": rounded(evaluation.coefficients),
            "seconds": evaluation.seconds,
            "shares": level_shares,
            "log_probs": pack(evaluation.log_probs),
        },
        BEHAVIORS: {name: asdict(judgement) for name, judgement in judgements.items()},
    }


def unfinished(coefficients: Mapping[str, float], seconds: float, pruned: Pruned) -> dict[str, Any]:
    """Return the user attributes of a trial that was stopped after a part of its rows: no shares, no judgements."""
    return {
        EVALUATION: {
            "source": "search",
            "coefficients": rounded(coefficients),
            "seconds": seconds,
            "part": pruned.part,
            "unsure": pruned.unsure,
            "log_probs": pack(pruned.log_probs),
        }
    }


def constraints(judgements: Mapping[str, Judgement]) -> dict[str, float]:
    """Return Optuna's constraint, feasible at 0 and below: within the limits for one behavior at least.

    Samplers that serve one behavior read its own excess from the trial's user attributes. Without a limit
    there is no constraint.
    """
    excess = min(judgement.excess for judgement in judgements.values())
    return {LIMITS: excess} if math.isfinite(excess) else {}


def held_after(trials: Sequence[SearchTrial]) -> list[int]:
    """Return how many behaviors hold at one of the trials so far, after each of them."""
    held, counts = set[str](), []
    for trial in trials:
        held |= {name for name, judgement in trial.behaviors.items() if judgement.held}
        counts.append(len(held))
    return counts


def record(trial: FrozenTrial) -> SearchTrial:
    """Read a counted trial back."""
    evaluation = trial.user_attrs.get(EVALUATION, {})
    return SearchTrial(
        number=trial.number,
        coefficients=evaluation.get("coefficients") or rounded(trial.params),
        source=evaluation.get("source", "search"),
        seconds=evaluation.get("seconds", 0.0),
        behaviors={name: Judgement(**values) for name, values in trial.user_attrs.get(BEHAVIORS, {}).items()},
        reason=trial.user_attrs.get(REASON),
        part=evaluation.get("part", 1.0),
    )
