import itertools

import optuna
import pytest
from surfaces import BEHAVIORS, Surface

from avspec.samplers.cma_es import CMAES
from avspec.samplers.gp import GP
from avspec.samplers.grid import Grid, coarse_to_fine
from avspec.samplers.random import Random
from avspec.samplers.response_surface import ResponseSurface
from avspec.samplers.shared import FocusSampler
from avspec.samplers.tpe import TPE
from avspec.search.objective import Objective
from avspec.search.proposals import FOCUS, seed_of
from avspec.search.study import run_search
from avspec.search.trials import distributions
from avspec.testing import check_sampler

optuna.logging.set_verbosity(optuna.logging.WARNING)
PLUGINS = {
    "tpe": TPE(TPE.Options(startup=3)),
    "gp": GP(GP.Options(startup=7)),
    "cma-es": CMAES(CMAES.Options()),
    "random": Random(Random.Options()),
    "grid": Grid(Grid.Options(points=5)),
    "response-surface": ResponseSurface(ResponseSurface.Options(draws=8)),
}
each = pytest.mark.parametrize("plugin", PLUGINS.values(), ids=PLUGINS)


def study_of(objective, sampler, storage=None):
    directions = ["maximize"] * len(objective.behaviors)
    return optuna.create_study(
        directions=directions, sampler=sampler, storage=storage, study_name="it", load_if_exists=True
    )


def searched(plugin, evaluations, storage=None, seed=0, behaviors=BEHAVIORS):
    surface = Surface()
    objective: Objective = surface.objective(behaviors)
    space = surface.space(objective, evaluations, seed)
    study = study_of(objective, plugin.create(space), storage)
    return run_search(study, space, surface, objective), study


@each
def test_it_keeps_the_contract(plugin):
    check_sampler(type(plugin), evaluations=9, **plugin.options.model_dump())


@each
def test_it_works_in_study_optimize(plugin):
    surface = Surface()
    objective = surface.objective(BEHAVIORS)
    space = surface.space(objective, 8)

    def evaluate(trial):
        point = {d: trial.suggest_float(d, space.low, space.high) for d in space.domains}
        trial.suggest_int("unrelated", 1, 3)
        return [j.value for j in objective.judge(surface(point)).values()]

    study = study_of(objective, plugin.create(space))
    study.optimize(evaluate, n_trials=8)
    assert len(study.trials) == 8 and len({tuple(t.params.items()) for t in study.trials}) == 8


@each
def test_a_resumed_study_proposes_what_the_uninterrupted_one_does(plugin):
    whole, _ = searched(plugin, 9)
    storage = optuna.storages.InMemoryStorage()  # all that the samplers have in common
    for evaluations in (4, 7, 9):
        parts, _ = searched(plugin, evaluations, storage)
    assert [t.coefficients for t in parts] == [t.coefficients for t in whole]


@each
def test_another_seed_proposes_something_else(plugin):
    first, second = (searched(plugin, 6, seed=seed)[0] for seed in (0, 1))
    assert [t.coefficients for t in first] != [t.coefficients for t in second]


@each
def test_workers_that_share_a_storage_do_not_evaluate_the_same_point(plugin):
    storage = optuna.storages.InMemoryStorage()  # all that the samplers have in common
    searched(plugin, 6, storage)
    surface = Surface()
    objective = surface.objective(BEHAVIORS)
    space = surface.space(objective, 20)
    workers = [study_of(objective, plugin.create(space), storage) for _ in range(3)]
    trials = [worker.ask(distributions(space)) for worker in workers]
    assert len({tuple(t.params.items()) for t in trials}) == 3


def test_behaviors_take_turns():
    surface = Surface()
    objective = surface.objective({name: {"medical": "generic"} for name in "abc"})
    space = surface.space(objective, 7)
    sampler = FocusSampler(space, lambda trials, space, seed: {"medical": 0.0, "legal": 0.0}, settled=2.0)
    study = study_of(objective, sampler)
    run_search(study, space, surface, objective)
    assert [t.system_attrs[FOCUS] for t in study.trials] == list("abcabca")


def test_a_settled_behavior_waits():
    surface = Surface()
    objective = surface.objective({"easy": {"medical": "generic"}, "never": {"medical": "expert"}})
    space = surface.space(objective, 12)
    study = study_of(objective, FocusSampler(space, lambda trials, space, seed: {"medical": 0.0, "legal": 0.0}))
    run_search(study, space, surface, objective)
    focus = [t.system_attrs[FOCUS] for t in study.trials]
    assert focus == ["easy"] + ["never"] * 11


def test_an_infeasible_point_settles_nothing_and_reaches_the_method_as_a_constraint():
    surface = Surface(curve=1.0)
    objective = surface.objective(BEHAVIORS, max_fluency_drop=0.1)
    space = surface.space(objective, 4)
    seen = []

    def propose(trials, space, seed):
        seen.append([dict(t.constraints) for t in trials])
        return {"medical": 0.0, "legal": -1.0}

    run_search(study_of(objective, FocusSampler(space, propose)), space, surface, objective)
    assert [len(constraints) for constraints in seen] == [0, 1, 2, 3]
    assert all(point["limits"] > 0 for constraints in seen for point in constraints)


def test_seeds_of_neighboring_steps_differ():
    assert len({seed_of(seed, step) for seed in range(-3, 20) for step in range(200)}) == 23 * 200


@pytest.mark.parametrize("name", ["tpe", "cma-es"])
def test_it_beats_chance_on_a_smooth_surface(name):
    behaviors = {"clinic": {"medical": "expert", "legal": "avoidance"}}

    def best(plugin):
        plugin = type(plugin)(plugin.options.model_copy(update={"settled": 1.0})) if name else plugin
        runs = (searched(plugin, 40, seed=seed, behaviors=behaviors)[0] for seed in range(2))
        return sum(
            max(t.behaviors["clinic"].log_prob_margin for t in run if t.behaviors["clinic"].feasible) for run in runs
        )

    assert best(PLUGINS[name]) > best(PLUGINS["random"])


def test_the_grid_is_visited_whole_once_and_then_the_search_is_over():
    trials, _ = searched(PLUGINS["grid"], 40)
    points = [tuple(t.coefficients.values()) for t in trials]
    values = {-1.5, -0.875, -0.25, 0.375, 1.0}
    assert len(points) == len(set(points)) == 25 and {c for p in points for c in p} == values


def test_the_grid_leaves_out_what_the_sweep_evaluated():
    surface = Surface()
    objective = surface.objective(BEHAVIORS)
    space = surface.space(objective, 40)
    study = study_of(objective, PLUGINS["grid"].create(space))
    known = [surface({"medical": -0.25, "legal": -0.25}), surface({"medical": 1.0, "legal": 0.375})]
    assert len(run_search(study, space, surface, objective, known=known)) == 25


def test_a_worker_on_the_grid_leaves_an_older_one_that_chooses_right_now_its_point():
    objective = Surface().objective(BEHAVIORS)
    space = Surface().space(objective, 25)
    alone = [study_of(objective, PLUGINS["grid"].create(space)).ask(distributions(space)).params]
    study = study_of(objective, PLUGINS["grid"].create(space))
    study._storage.create_new_trial(study._study_id)  # another worker's: it runs, and has no proposal yet
    chosen = [study.ask(distributions(space)).params for _ in range(2)]
    assert alone[0] not in chosen and chosen[0] != chosen[1]


def test_study_optimize_ends_with_the_grid():
    surface = Surface()
    objective = surface.objective(BEHAVIORS)
    space = surface.space(objective, 40)
    study = study_of(objective, Grid(Grid.Options(points=3)).create(space))
    study.optimize(lambda trial: [trial.suggest_float(d, -1.5, 1.0) for d in space.domains] + [0.0], n_trials=40)
    assert len(study.trials) == 9


def test_the_grid_grows_finer():
    order = list(coarse_to_fine(21, 3, 0))
    assert len(order) == len(set(order)) == 9261
    for count, axis in ((1, {10}), (27, {0, 10, 20}), (125, {0, 5, 10, 15, 20})):
        assert {i for point in order[:count] for i in point} == axis
    assert order[1:27] != sorted(order[1:27])


@pytest.mark.parametrize("points", [2, 3, 4, 7, 21])
def test_every_size_of_grid_is_whole(points):
    assert sorted(coarse_to_fine(points, 2, 1)) == [(i, j) for i in range(points) for j in range(points)]


def test_a_grid_of_many_knobs_is_drawn_not_listed():
    walk = coarse_to_fine(21, 40, 0)
    order = list(itertools.islice(walk, 300))
    assert order[0] == (10,) * 40
    assert len(set(order)) == 300
    assert {index for point in order[1:] for index in point} == {0, 10, 20}
    assert order == list(itertools.islice(coarse_to_fine(21, 40, 0), 300))
