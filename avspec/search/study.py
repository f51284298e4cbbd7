"""The search as an Optuna study: one trial is one evaluation, and every behavior has an objective of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspec.api import LogProbs, SearchSpace
from avspec.digest import canonical
from avspec.errors import NonFinite, StoreError, StudyMismatch
from avspec.search.blocks import Pruned, Watch
from avspec.search.evaluations import Evaluation, rounded, same
from avspec.search.objective import Objective
from avspec.search.quiet import quiet
from avspec.search.trials import (
    INTERRUPTED,
    REASON,
    SearchTrial,
    attributes,
    constraints,
    counted,
    distributions,
    held_after,
    record,
    unfinished,
)

if TYPE_CHECKING:
    import optuna
    from optuna.trial import Trial

Evaluate = Callable[[dict[str, float], Watch | None], Evaluation]
"""Coefficients, and who may stop their evaluation after a part of the rows, to the evaluation."""


def open_study(
    path: Path,
    name: str,
    identity: Mapping[str, Any],
    behaviors: Sequence[str],
    sampler: optuna.samplers.BaseSampler,
) -> optuna.Study:
    """Open the study in a SQLite file, or start it: one objective to maximize for each behavior.

    Args:
        path: The SQLite file; optuna-dashboard opens it too.
        name: The study's name in that file.
        identity: JSON that names what the study's numbers depend on: the spec, the vectors, the evaluators.
        behaviors: Names of the behaviors, which are the names of the objectives.
        sampler: Proposes the coefficients.

    Raises:
        StudyMismatch: The file holds this study for another identity; the parts that differ are named.
        StoreError: The file cannot be opened or written.
    """
    import optuna
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DatabaseError

    try:
        with quiet():
            study = optuna.create_study(
                storage=f"sqlite:///{path.resolve()}",
                study_name=name,
                directions=["maximize"] * len(behaviors),
                sampler=sampler,
                load_if_exists=True,
            )
            _check_identity(study, {**identity, "behaviors": list(behaviors)}, path)
            study.set_metric_names(list(behaviors))
    except (DatabaseError, StorageInternalError, OSError) as error:
        raise StoreError(
            f"the study cannot be opened: {str(error).splitlines()[0]}",
            where=str(path),
            hint="check that the folder is writable and the disk not full; if the file is broken, move it away",
        ) from error
    return study


def run_search(
    study: optuna.Study,
    space: SearchSpace,
    evaluate: Evaluate,
    objective: Objective,
    known: Sequence[Evaluation] = (),
    progress: Callable[[int, int, str], None] = lambda done, total, note: None,
    check_stop: Callable[[], None] = lambda: None,
) -> list[SearchTrial]:
    """Evaluate what the study's sampler proposes until the study has `space.evaluations` trials in all.

    A study that was interrupted goes on where it stood. A trial that was left running is given up and does
    not count; samplers draw from the number of counted trials, so that the next proposal is the one that was
    being evaluated when the process ended.

    Args:
        study: From `open_study`.
        space: The domains, the range of coefficients, and how many trials the study may have.
        evaluate: Gives the evaluation at some coefficients, from a cache where it can. One that is made anew is
            stopped where the sampler can tell from a part of the rows that nothing will come of it: a pruned
            trial, which counts.
        objective: Judges evaluations.
        known: Evaluations made before, the sweep's; they are added once and count.
        progress: Told trials done, trials in all, and a note.
        check_stop: Raises when the user asked to stop.

    Returns:
        Every counted trial, in the study's order: the failed ones with their reason, the pruned ones with their part.
    """
    _give_up_leftovers(study)
    study.set_user_attr("objective", objective.describe())
    for evaluation in known:
        _add_known(study, space, objective, evaluation)
    while (done := len(counted(study))) < space.evaluations:
        check_stop()
        if reason := finished(study):
            progress(done, done, reason)
            break
        with quiet():
            trial = study.ask(distributions(space))
        failure = _evaluate(study, trial, evaluate, objective)
        progress(done + 1, space.evaluations, failure or _standing(study, objective))
    return [record(trial) for trial in counted(study)]


def _check_identity(study: optuna.Study, identity: dict[str, Any], path: Path) -> None:
    stored, current = study.user_attrs.get("identity"), json.loads(canonical(identity))
    if stored is None:
        study.set_user_attr("identity", current)
    elif stored != current:
        differing = sorted(k for k in stored.keys() | current.keys() if stored.get(k) != current.get(k))
        raise StudyMismatch(
            f"the study {study.study_name!r} belongs to another search: different {', '.join(differing)}",
            where=str(path),
            hint="move this file away to search anew, or undo the change to go on with this study",
        )


def _give_up_leftovers(study: optuna.Study) -> None:
    """Fail the trials that were running when an earlier process ended; they do not count."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study._storage.set_trial_user_attr(trial._trial_id, INTERRUPTED, True)
        study.tell(trial.number, state=TrialState.FAIL)


def _add_known(study: optuna.Study, space: SearchSpace, objective: Objective, evaluation: Evaluation) -> None:
    """Add a finished trial, unless the study has it or it lies outside the range that is searched."""
    from optuna.trial import create_trial

    coefficients = rounded({d: evaluation.coefficients.get(d, 0.0) for d in space.domains})
    inside = all(space.low <= c <= space.high for c in coefficients.values())
    there = any(same(trial.params, coefficients) for trial in counted(study))
    if there or not inside or not evaluation.finite:
        return
    judgements = objective.judge(evaluation)
    study.add_trial(
        create_trial(
            values=[judgement.value for judgement in judgements.values()],
            params=coefficients,
            distributions=distributions(space),
            user_attrs=attributes("sweep", objective, evaluation, judgements),
            constraints=constraints(judgements),
        )
    )


def _standing(study: optuna.Study, objective: Objective) -> str:
    """Return how many behaviors hold at some trial."""
    held = held_after([record(trial) for trial in counted(study)])[-1]
    return f"{held} of {len(objective.behaviors)} behaviors found"


def _evaluate(study: optuna.Study, trial: Trial, evaluate: Evaluate, objective: Objective) -> str | None:
    """Evaluate one trial and finish it; return why it failed, if it did."""
    coefficients, began = rounded(trial.params), time.perf_counter()
    try:
        evaluation = evaluate(coefficients, _watch(study, trial))
        judgements = objective.judge(evaluation)
        carried = attributes("search", objective, evaluation, judgements)
    except NonFinite as error:
        return _fail(study, trial, error.what)
    except Pruned as pruned:
        _prune(study, trial, unfinished(coefficients, time.perf_counter() - began, pruned))
        return None
    for key, value in carried.items():
        trial.set_user_attr(key, value)
    for key, excess in constraints(judgements).items():
        trial.set_constraint(key, excess)
    study.tell(trial, [judgement.value for judgement in judgements.values()])
    return None


def _watch(study: optuna.Study, trial: Trial) -> Watch | None:
    """Return who watches an evaluation: the sampler, if it can judge a part of one."""
    prune: Callable[..., Pruned | None] | None = getattr(study.sampler, "prune", None)
    if prune is None:
        return None
    frozen = study._storage.get_trial(trial._trial_id)

    def watch(so_far: Mapping[str, LogProbs]) -> None:
        if (pruned := prune(study, frozen, so_far)) is not None:
            raise pruned

    return watch


def _prune(study: optuna.Study, trial: Trial, carried: Mapping[str, Any]) -> None:
    from optuna.trial import TrialState

    for key, value in carried.items():
        trial.set_user_attr(key, value)
    study.tell(trial, state=TrialState.PRUNED)


def _fail(study: optuna.Study, trial: Trial, reason: str) -> str:
    from optuna.trial import TrialState

    trial.set_user_attr(REASON, reason)
    study.tell(trial, state=TrialState.FAIL)
    return f"failed: {reason}"


def finished(study: optuna.Study) -> str | None:
    """Return why the sampler has nothing left to propose, if it can tell and has not."""
    ask: Callable[[optuna.Study], str | None] | None = getattr(study.sampler, "finished", None)
    return ask(study) if ask else None
