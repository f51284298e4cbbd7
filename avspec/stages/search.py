"""search: coefficients for every behavior, one Optuna study for all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

# optuna keeps the frames of whoever imports it first, in its deferred import errors: here none holds a model
import optuna  # noqa: F401

from avspec import registry
from avspec.api import SearchSpace
from avspec.digest import digest
from avspec.plan.params import SearchParams
from avspec.search.demands import least_shares, levels_of
from avspec.search.evaluations import Evaluation, same
from avspec.search.objective import Objective
from avspec.search.standings import describe_standings
from avspec.search.study import finished, open_study, run_search
from avspec.search.trials import SearchTrial, counted
from avspec.stages.context import Context
from avspec.stages.surface import Live, Surface, read_json, write_json

STUDIES = "study.db"


def run(params: SearchParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `search.json`: every trial, and each behavior's best coefficients on the search split."""
    surface = Surface(
        Live(inputs, params.domains, ctx.device, ctx.log), inputs, params.levels, "search", ctx.evaluations
    )
    base = surface.evaluate({})
    objective = Objective(
        domains=params.domains,
        levels=params.levels,
        behaviors=params.behaviors,
        base=base,
        max_fluency_drop=params.max_fluency_drop,
        guardrails=params.guardrails,
        norms={domain: read_json(inputs[f"extract[{domain}]"] / "vector.json")["norm"] for domain in params.domains},
    )
    known = [base, *_swept(inputs["sweep"], surface)]
    space = SearchSpace(
        domains=params.domains,
        low=params.low,
        high=params.high,
        seed=params.seed,
        evaluations=params.evaluations,
        behaviors=tuple(params.behaviors),
    )
    identity = _identity(params, surface)
    study = open_study(
        ctx.run_dir / STUDIES,
        f"{ctx.run_dir.name}-{digest(identity)[:8]}",
        identity,
        space.behaviors,
        registry.create("samplers", params.sampler, params.options).create(space),
    )

    def tell(done: int, total: int, note: str) -> None:
        surface.ahead = total - done
        ctx.progress(done, total, note)

    before = len(counted(study))
    trials = run_search(study, space, surface.evaluate, objective, known, tell, ctx.check_stop)
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


def _swept(folder: Path, surface: Surface) -> list[Evaluation]:
    """Return the sweep's evaluations, which are in the cache."""
    curves = read_json(folder / "sweep.json")["curves"]
    points = [{domain: point["coefficient"]} for domain, curve in curves.items() for point in curve]
    return [surface.evaluate(point) for point in points]


def _identity(params: SearchParams, surface: Surface) -> dict[str, Any]:
    """Return what the study's numbers depend on; how many evaluations it may make is not part of it."""
    vectors = {address: part for address, part in surface.depends.items() if address.startswith("extract[")}
    return {
        "spec": params.model_dump(mode="json", exclude={"evaluations"}),
        "vectors": vectors,
        "evaluators": {"surface": surface.key},
    }


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
