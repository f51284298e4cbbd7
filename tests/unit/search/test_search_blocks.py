import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
search_blocks = pytest.importorskip("search_blocks", reason="benchmarks are not part of the package")
from avspec.samplers.random import Random  # noqa: E402
from avspec.search.beliefs import inputs, learn  # noqa: E402
from avspec.search.study import run_search  # noqa: E402
from search_bench import Truth  # noqa: E402
from search_surfaces import synthetic  # noqa: E402


@pytest.fixture(scope="module")
def truth():
    return Truth(synthetic(2, 3, seed=0, points=64))


def searched(truth, chance, evaluations=24):
    space = truth.space(0, evaluations)
    study = optuna.create_study(directions=["maximize"] * 9, sampler=Random(Random.Options()).create(space))
    evaluate = search_blocks.Blocks(truth, study, 0, 3, chance)
    return study, evaluate, run_search(study, space, evaluate, truth.objective)


def test_an_evaluation_that_may_help_is_made_whole(truth):
    study, evaluate, trials = searched(truth, chance=0.0)
    assert evaluate.costs == [1.0] * 24
    last = evaluate.truth(trials[-1].coefficients)
    outputs = learn(truth.objective.describe(), truth.space(0, 24), study.trials).outputs[-1]
    np.testing.assert_allclose(outputs, truth.reading.encode(last.log_probs), atol=1e-5)


def test_one_that_cannot_help_costs_a_block(truth):
    _, evaluate, _ = searched(truth, chance=1.1)
    assert evaluate.costs == [1.0] * 7 + [1 / 3] * 17


def test_rows_seen_tell_of_rows_not_seen(truth):
    study, evaluate, _ = searched(truth, chance=0.0)
    beliefs = learn(truth.objective.describe(), truth.space(0, 24), study.trials)
    before, after = [], []
    for point in np.random.default_rng(5).uniform(-1.5, 1.0, (20, 2)):
        coefficients = dict(zip(truth.domains, point.tolist(), strict=True))
        outputs = truth.reading.encode(truth(coefficients).log_probs)
        seen = np.arange(len(outputs)) % 12 < 8
        at = inputs([coefficients], truth.space(0, 24))
        filled, draws = evaluate._posterior(beliefs, at, outputs, seen)
        np.testing.assert_array_equal(draws[:, seen], np.broadcast_to(outputs[seen], draws[:, seen].shape))
        before.append(np.abs(beliefs.surface.predict(at)[0][0] - outputs)[~seen].mean())
        after.append(np.abs(filled - outputs)[~seen].mean())
    assert np.mean(after) < np.mean(before)
