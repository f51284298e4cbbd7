import itertools
from collections import Counter

import numpy as np
import optuna
import pytest
from surfaces import BEHAVIORS, LEVELS, Surface

from avspec.samplers.random import Random
from avspec.samplers.response_surface import ResponseSurface
from avspec.search.acquisition import above, distances, opening, spread
from avspec.search.proposals import FOCUS
from avspec.search.response_surface import ResponseSurfaceSampler
from avspec.search.study import run_search
from avspec.search.trials import distributions

optuna.logging.set_verbosity(optuna.logging.WARNING)


def combinations(domains):
    return {",".join(c): dict(zip(domains, c, strict=True)) for c in itertools.product(LEVELS, repeat=len(domains))}


class Search:
    def __init__(self, behaviors, evaluations, domains=("medical", "legal"), seed=0, storage=None, drop=9.0, **surface):
        self.surface = Surface(domains, **surface)
        self.objective = self.surface.objective(behaviors, drop)
        self.space = self.surface.space(self.objective, evaluations, seed)
        self.sampler = ResponseSurface(ResponseSurface.Options()).create(self.space)
        self.study = self.study_of(self.sampler, storage)

    def study_of(self, sampler, storage=None):
        directions = ["maximize"] * len(self.objective.behaviors)
        return optuna.create_study(
            directions=directions, sampler=sampler, storage=storage, study_name="it", load_if_exists=True
        )

    def run(self, **more):
        return run_search(self.study, self.space, self.surface, self.objective, **more)


def held(trials):
    return {name for trial in trials for name, judgement in trial.behaviors.items() if judgement.held}


def test_it_finds_what_chance_does_not():
    search = Search(combinations(("medical", "legal")), 22)
    found = held(search.run())
    search.study = search.study_of(Random(Random.Options()).create(search.space), optuna.storages.InMemoryStorage())
    assert len(found) > len(held(search.run()))


def test_it_starts_at_the_origin_and_along_the_axes():
    trials = Search(BEHAVIORS, 7).run()
    assert trials[0].coefficients == {"legal": 0.0, "medical": 0.0}
    assert [sum(c != 0 for c in t.coefficients.values()) for t in trials[1:5]] == [1] * 4


def test_the_opening_leaves_out_what_the_sweep_evaluated():
    search = Search(BEHAVIORS, 12)
    known = [search.surface({d: c}) for d in search.surface.domains for c in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0)]
    search.space = search.surface.space(search.objective, 17)
    trials = search.run(known=known)
    assert all(np.count_nonzero(list(t.coefficients.values())) == 2 for t in trials if t.source == "search")


def test_a_search_ends_early_when_every_behavior_is_settled():
    search = Search({"easy": {"medical": "expert"}, "other": {"medical": "avoidance"}}, 60)
    told = []
    trials = search.run(progress=lambda *report: told.append(report))
    assert len(trials) < 25 and told[-1][2] == "2 behaviors settled, 0 out of reach"
    assessment = search.sampler.assess(search.study)
    assert assessment is not None and assessment.standings == {"easy": "settled", "other": "settled"}


def test_study_optimize_ends_early_too():
    search = Search({"easy": {"medical": "expert"}}, 60)
    run_search(search.study, search.surface.space(search.objective, 8), search.surface, search.objective)

    def evaluate(trial):
        for domain in search.surface.domains:
            trial.suggest_float(domain, -1.5, 1.0)
        return 0.0

    search.study.optimize(evaluate, n_trials=30)
    assert len(search.study.trials) < 20


def test_what_cannot_be_reached_is_called_unreachable():
    # without a curve every domain's level depends on one sum, so the domains cannot be told apart
    search = Search(
        {"both": {"medical": "expert", "legal": "expert"}, "apart": {"legal": "expert", "medical": "avoidance"}}, 40
    )
    for domain in search.surface.rows:
        search.surface.rows[domain] = search.surface.rows["medical"]

    def evaluate(coefficients, watch):
        return search.surface(dict.fromkeys(coefficients, sum(coefficients.values()) / 2), watch)

    trials = run_search(search.study, search.space, evaluate, search.objective)
    assessment = search.sampler.assess(search.study)
    assert assessment is not None and assessment.standings["apart"] == "unreachable"
    assert len(trials) < 40


def test_infeasible_points_do_not_settle_and_are_avoided():
    behavior = {"clinic": {"medical": "expert", "legal": "avoidance"}}
    trials = Search(behavior, 30, drop=0.35, curve=0.3).run()
    last = [t.behaviors["clinic"] for t in trials[10:]]
    assert sum(j.feasible for j in last) >= 0.7 * len(last)


def test_resumed_from_the_storage_alone_it_goes_on_as_if_nothing_had_happened(tmp_path):
    whole = Search(BEHAVIORS, 14, drop=0.5).run()
    storage = f"sqlite:///{tmp_path}/study.db"
    for evaluations in (3, 12, 14):
        parts = Search(BEHAVIORS, evaluations, drop=0.5, storage=storage).run()
    assert [t.coefficients for t in parts] == [t.coefficients for t in whole]


def test_workers_keep_away_from_what_others_evaluate():
    search = Search(combinations(("medical", "legal")), 8)
    search.run()
    asked = [search.study.ask(distributions(search.space)).params for _ in range(4)]
    points = np.array([[p[d] for d in search.space.domains] for p in asked])
    assert min(np.abs(a - b).max() for a, b in itertools.combinations(points, 2)) > 0.02
    assert len({t.system_attrs[FOCUS] for t in search.study.trials[-4:]}) >= 3


def test_a_worker_leaves_an_older_one_that_chooses_right_now_its_choice():
    search = Search(combinations(("medical", "legal")), 0)
    storage = search.study._storage
    storage.create_new_trial(search.study._study_id)  # another worker's: it runs, and has no proposal yet
    params = search.study.ask(distributions(search.space)).params
    assert params != {"medical": 0.0, "legal": 0.0} and 0.0 in params.values()  # the origin is the older one's


def test_it_does_not_spend_everything_on_one_behavior():
    trials = Search(combinations(("medical", "legal")), 40, drop=0.3)
    trials.run()
    counts = Counter(t.system_attrs.get(FOCUS) for t in trials.study.trials if t.system_attrs.get(FOCUS))
    assert max(counts.values()) < 20


def test_the_assessment_reports_the_error_of_the_surface():
    search = Search(combinations(("medical", "legal")), 20)
    assert search.sampler.assess(search.study) is None
    search.run()
    assessment = search.sampler.assess(search.study)
    assert assessment is not None and 0 <= assessment.left_out_error < 0.2
    assert set(assessment.length_scales) == {"medical", "legal"} and assessment.noise > 0
    assert set(assessment.standings) == set(search.objective.behaviors)


def test_many_domains_are_found_in_few_evaluations_though_they_hold_in_a_corner_each():
    domains = tuple(f"d{i}" for i in range(6))
    ups = [(0, 1, 2), (0, 2, 4), (1, 2, 5), (3, 4, 5)]
    behaviors = {str(up): {d: "expert" if i in up else "avoidance" for i, d in enumerate(domains)} for up in ups}
    search = Search(behaviors, 40, domains)
    trials = search.run()
    assert held(trials) == set(behaviors) and len(trials) < 35


def test_a_study_without_log_probs_is_searched_by_its_values():
    space = Search(BEHAVIORS, 25).space
    study = optuna.create_study(directions=["maximize"] * 3, sampler=ResponseSurfaceSampler(space))

    def evaluate(trial):
        x, y = (trial.suggest_float(d, -1.5, 1.0) for d in space.domains)
        return [0.2 - (x + 1) ** 2 - (y - 0.5) ** 2, 0.2 - (x - 0.5) ** 2 - (y + 1) ** 2, -x]

    study.optimize(evaluate, n_trials=25)
    assert (np.max([t.values for t in study.trials], axis=0) > 0).all()


def test_the_opening_is_inside_the_range_and_its_points_are_apart():
    origin = np.array([0.2, 0.2, 0.2])
    points = np.array(list(opening(origin, np.random.default_rng(0))))
    assert len(points) == 1 + 6 + 2 and (np.abs(points) <= 1).all()
    assert distances(points[:1], points[1:])[0] > 0.1


@pytest.mark.parametrize("count", [1, 5, 512])
def test_spread_points_fill_the_range(count):
    points = spread(3, count, np.random.default_rng(0))
    assert points.shape == (count, 3) and (np.abs(points) <= 1).all()


def test_chances_go_on_below_one_draw():
    draws = 0.1 * np.random.default_rng(0).standard_normal((1, 4096, 1))
    margins = np.concatenate([draws - 0.6, draws - 0.45, draws - 0.1])
    chances = above(margins, 0.0)[:, 0]
    assert 0 < chances[0] < chances[1] < 1e-4  # none of the draws is above zero
    assert chances[2] == pytest.approx((margins[2] > 0).mean(), abs=0.01)
