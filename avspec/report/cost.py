"""What the run cost, and what the paper's two ways would have cost on the same machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from statistics import fmean, median

from avspec.report.inputs import Artifacts, Outline

GRID_VALUES = 21
"""Coefficients per domain in the paper's grid search (section 6.2)."""

BESIDE = ("compare", "prompting", "joint", "variants", "transfer", "target")
"""Kinds of stages that compare: not part of the way to the behaviors."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds measured, and seconds computed from them."""

    stages: Mapping[str, float]
    """Stage address to seconds, as far as known."""
    evaluations: int
    """Coefficient vectors scored by sweep and search together, none twice."""
    spent: float
    """Evaluations again, where one that was stopped after a part of its rows counts as that part."""
    seconds_per_evaluation: float | None
    """Of one on all rows."""
    training_seconds: float | None
    """Mean over the domains."""
    grid_evaluations: int
    joint_runs: int
    domains: int
    joint_seconds: float | None = None
    """Mean of the joint runs that were made; None where there are none."""

    @property
    def total(self) -> float:
        """Return the seconds of all stages known."""
        return sum(self.stages.values())

    @property
    def alone(self) -> tuple[str, float]:
        """Return what to compare with other ways to the same result, its name and its seconds."""
        beside = {address: s for address, s in self.stages.items() if address.partition("[")[0] in BESIDE}
        kinds = dict.fromkeys(address.partition("[")[0] for address in beside)
        but = f" but {' and '.join(kinds)}" if kinds else ""
        return f"this run, all stages{but}", self.total - sum(beside.values())

    @property
    def training(self) -> float | None:
        """Return the seconds all trainings took, one a domain."""
        return None if self.training_seconds is None else self.training_seconds * self.domains

    @property
    def searched(self) -> float | None:
        """Return the seconds all evaluations took."""
        return None if self.seconds_per_evaluation is None else self.seconds_per_evaluation * self.spent

    @property
    def grid(self) -> float | None:
        """Return the seconds the paper's grid would take: 21^domains evaluations."""
        return None if self.seconds_per_evaluation is None else self.seconds_per_evaluation * self.grid_evaluations

    @property
    def joint(self) -> float | None:
        """Return the seconds joint training would take, one run per combination of levels: of runs made, or as long
        as the domains' own trainings together.
        """
        each = self.joint_seconds or self.training
        return None if each is None else each * self.joint_runs


def read_cost(outline: Outline, artifacts: Artifacts) -> Cost:
    """Return the cost of the run."""
    stages = dict(artifacts.seconds) or _known_seconds(artifacts)
    trained = [float(seconds) for domain in outline.domains if (seconds := stages.get(f"train[{domain}]"))]
    trials = artifacts.search.get("trials") or []
    evaluations = int(artifacts.search.get("evaluations") or len(trials))
    return Cost(
        stages=stages,
        evaluations=evaluations,
        spent=evaluations - sum(1 - trial.get("part", 1) for trial in trials),
        seconds_per_evaluation=_seconds_per_evaluation(artifacts),
        training_seconds=fmean(trained) if trained else None,
        grid_evaluations=GRID_VALUES ** len(outline.domains),
        joint_runs=prod(len(outline.levels[domain]) for domain in outline.domains),
        domains=len(outline.domains),
        joint_seconds=fmean(found["seconds"] for found in artifacts.joint.values()) if artifacts.joint else None,
    )


def _seconds_per_evaluation(artifacts: Artifacts) -> float | None:
    trials = [t for t in artifacts.search.get("trials") or [] if t.get("seconds") and t.get("part", 1) == 1]
    if trials:
        return median(float(trial["seconds"]) for trial in trials)  # one of them may have waited for the compiler
    sweep = artifacts.sweep
    if sweep.get("seconds") and sweep.get("evaluations"):
        return float(sweep["seconds"]) / int(sweep["evaluations"])
    measured: float | None = artifacts.evaluate.get("seconds_per_evaluation")
    return measured


def _known_seconds(artifacts: Artifacts) -> dict[str, float]:
    seconds = {f"train[{domain}]": value.get("seconds") for domain, value in artifacts.training.items()}
    seconds["sweep"] = artifacts.sweep.get("seconds")
    return {address: float(value) for address, value in seconds.items() if value}
