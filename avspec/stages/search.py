"""search: coefficients for every behavior, one Optuna study for all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from avspec.plan.params import SearchParams
from avspec.search.demands import least_shares, levels_of
from avspec.search.evaluations import Evaluation, same
from avspec.search.objective import Objective
from avspec.search.standings import describe_standings
from avspec.search.study import finished
from avspec.search.trials import SearchTrial, counted
from avspec.stages.context import Context
from avspec.stages.searcher import STUDIES, Searcher
from avspec.stages.surface import Surface, write_json


def run(params: SearchParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `search.json`: every trial, and each behavior's best coefficients on the search split."""
    searcher = Searcher(params, inputs, ctx)
    surface, objective, space = searcher.surface, searcher.objective, searcher.space
    study = searcher.open(params)
    before = len(counted(study))
    trials = searcher.run(study)
    stopped = finished(study) if len(trials) < space.evaluations else None
    if stopped:
        ctx.log(_stopped(stopped, before, len(trials), space.evaluations))
    evaluations = [surface.evaluate(trial.coefficients) for trial in trials if trial.whole]
    write_json(
        out / "search.json",
        {
            "format_version": 1,
            "sampler": params.sampler,
            "seed": params.seed,
            "max_fluency_drop": params.max_fluency_drop,
            "domains": params.domains,
            "evaluations": len(trials),
            "stopped": stopped,
            "assessment": describe_standings(study, space),
            "counts": _counts(trials, surface),
            "study": {"name": study.study_name, "storage": STUDIES},
            "trials": [_trial(trial) for trial in trials],
            "behaviors": _found(objective, evaluations, trials),
            "failed": [{"coefficients": t.coefficients, "reason": t.reason} for t in trials if t.reason is not None],
        },
    )


def _stopped(reason: str, before: int, done: int, allowed: int) -> str:
    """Say that the sampler ended the search, and what a larger number of evaluations would change."""
    if before == done:
        return f"the search had ended by itself after {done} evaluations ({reason}): no further one was made"
    return f"the search ended by itself after {done} of {allowed} evaluations: {reason}"


def _counts(trials: Sequence[SearchTrial], surface: Surface) -> dict[str, int]:
    from_search = sum(trial.source == "search" for trial in trials)
    return {
        "sweep": len(trials) - from_search,
        "search": from_search,
        "cached": len(trials) - surface.made,
        "pruned": sum(trial.part < 1 for trial in trials),
    }


def _trial(trial: SearchTrial) -> dict[str, Any]:
    seen = {name: asdict(judgement) for name, judgement in trial.behaviors.items()}
    return {
        "number": trial.number,
        "coefficients": trial.coefficients,
        "source": trial.source,
        "seconds": trial.seconds,
        "part": trial.part,
        "behaviors": seen,
    }


def _found(
    objective: Objective, evaluations: Sequence[Evaluation], trials: Sequence[SearchTrial]
) -> dict[str, dict[str, Any]]:
    """Return each behavior's best point."""
    found = {}
    for name, (evaluation, judgement) in objective.best(evaluations).items():
        number = next(t.number for t in trials if same(t.coefficients, evaluation.coefficients))
        found[name] = {
            "wanted": levels_of(objective.behaviors[name]),
            "least_share": least_shares(objective.behaviors[name]),
            "coefficients": dict(evaluation.coefficients),
            "trial": number,
            **asdict(judgement),
        }
    return found
