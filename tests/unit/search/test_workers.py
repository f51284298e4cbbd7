"""Several processes on one study: what they propose, and what they find together."""

import itertools
import multiprocessing
import time

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from surfaces import LEVELS, Surface

from avspec.samplers.response_surface import ResponseSurface
from avspec.search.study import run_search
from avspec.search.trials import attributes, constraints, counted

DOMAINS = ("medical", "legal")
BEHAVIORS = {",".join(c): dict(zip(DOMAINS, c, strict=True)) for c in itertools.product(LEVELS, repeat=2)}
WORKERS, EACH = 3, 4


def storage_of(kind, folder):
    if kind == "sqlite":
        return optuna.storages.RDBStorage(
            f"sqlite:///{folder}/study.db", engine_kwargs={"connect_args": {"timeout": 60}}
        )
    return JournalStorage(JournalFileBackend(f"{folder}/study.log"))


def study_of(kind, folder, evaluations=WORKERS * EACH):
    """Open the study as each worker does: nothing but the storage is shared."""
    surface = Surface(DOMAINS)
    objective = surface.objective(BEHAVIORS, 9.0)
    space = surface.space(objective, evaluations)
    study = optuna.create_study(
        directions=["maximize"] * len(BEHAVIORS),
        sampler=ResponseSurface(ResponseSurface.Options()).create(space),
        storage=storage_of(kind, folder),
        study_name="it",
        load_if_exists=True,
    )
    study.set_user_attr("objective", objective.describe())
    return study, surface, objective, space


def work(kind, folder, together):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study, surface, objective, space = study_of(kind, folder)

    def evaluate(trial):
        evaluation = surface({d: trial.suggest_float(d, space.low, space.high) for d in space.domains})
        judgements = objective.judge(evaluation)
        for key, value in attributes("search", objective, evaluation, judgements).items():
            trial.set_user_attr(key, value)
        for key, excess in constraints(judgements).items():
            trial.set_constraint(key, excess)
        time.sleep(0.5)
        return [judgement.value for judgement in judgements.values()]

    together.wait()  # the first proposals are made at the same moment, which is when workers collide
    study.optimize(evaluate, n_trials=EACH)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_processes_share_a_study_and_its_work(kind, tmp_path):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study, surface, objective, _ = study_of(kind, tmp_path)
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(WORKERS)
    workers = [context.Process(target=work, args=(kind, tmp_path, together)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * WORKERS
    trials = counted(study)
    assert len(trials) == WORKERS * EACH
    spans = sorted((t.datetime_start, t.datetime_complete) for t in trials)
    assert any(start < end for (_, end), (start, _) in itertools.pairwise(spans)), "they worked one after another"
    points = np.array([[t.params[d] for d in DOMAINS] for t in trials])
    apart = [np.abs(a - b).max() for a, b in itertools.combinations(points, 2)]
    assert min(apart) > 1e-6, "two workers made the same choice"
    # what they did counts for whoever goes on
    before = len(trials)
    after = run_search(study, surface.space(objective, before + 1), surface, objective)
    assert len(after) in (before, before + 1)
    found = {name for trial in after for name, judgement in trial.behaviors.items() if judgement.held}
    assert len(found) >= 5
