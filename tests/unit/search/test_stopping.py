import itertools
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from surfaces import LEVELS, Surface

from avspec.errors import NonFinite
from avspec.samplers.random import Random
from avspec.samplers.response_surface import ResponseSurface
from avspec.search import gp, stopping
from avspec.search.beliefs import inputs, learn
from avspec.search.evaluations import Evaluation
from avspec.search.stopping import expected, helps
from avspec.search.study import open_study, run_search
from avspec.search.trials import counted

DOMAINS = ("medical", "legal")
BEHAVIORS = {",".join(c): dict(zip(DOMAINS, c, strict=True)) for c in itertools.product(LEVELS, repeat=2)}
optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(scope="module")
def learned():
    """A surface, and what 16 random evaluations tell of it."""
    surface = Surface(seed=3)
    objective = surface.objective(BEHAVIORS, 9.0)
    space = surface.space(objective, 16)
    study = optuna.create_study(directions=["maximize"] * 9, sampler=Random(Random.Options()).create(space))
    run_search(study, space, surface, objective)
    return surface, space, learn(objective.describe(), space, counted(study))


def guessed(learned, coefficients, seen):
    """Guess the outputs at a point of which some rows were seen; also return the real ones."""
    surface, space, beliefs = learned
    real = beliefs.reading.encode(surface(coefficients).log_probs)
    known = np.arange(len(real)) % 12 < seen
    point = inputs([coefficients], space)
    return expected(beliefs, point, np.where(known, real, np.nan), np.random.default_rng(0)), real, known


def test_what_was_seen_is_in_every_draw_and_tells_of_the_rest(learned):
    before, after = [], []
    for medical, legal in np.random.default_rng(5).uniform(-1.5, 1.0, (20, 2)):
        coefficients = {"medical": medical, "legal": legal}
        guess, real, known = guessed(learned, coefficients, 8)
        np.testing.assert_array_equal(guess.draws[:, known], np.broadcast_to(real[known], guess.draws[:, known].shape))
        mean = learned[2].surface.predict(inputs([coefficients], learned[1]))[0][0]
        before.append(np.abs(mean - real)[~known].mean())
        after.append(np.abs(guess.mean - real)[~known].mean())
    assert np.mean(after) < 0.8 * np.mean(before)


def test_the_more_was_seen_the_surer_it_is(learned):
    far = {"medical": 1.0, "legal": -1.5}
    unsure = [guessed(learned, far, seen)[0].unsure for seen in (1, 4, 8, 11)]
    assert unsure == sorted(unsure, reverse=True) and unsure[0] > 0


def test_the_guess_is_that_of_a_dense_gaussian(learned):
    _, space, beliefs = learned
    coefficients = {"medical": 0.9, "legal": -1.2}
    guess, real, known = guessed(learned, coefficients, 5)
    surface = beliefs.surface
    means, deviations = surface.predict(inputs([coefficients], space))
    correlation = (surface.white / surface.amplitudes).T @ (surface.white / surface.amplitudes) / surface.seen
    own = stopping._own_part(surface.white / surface.amplitudes / np.sqrt(surface.seen))
    size = beliefs.doubt * np.sqrt(deviations[0] ** 2 + surface.noise**2) * surface.amplitudes
    covariance = ((1 - own) * correlation + own * np.eye(len(real))) * np.outer(size, size)
    gain = covariance[:, known] @ np.linalg.inv(covariance[np.ix_(known, known)])
    mean = means[0] + gain @ (real - means[0])[known]
    spread = np.sqrt(np.maximum(np.diag(covariance - gain @ covariance[known]), 0))
    np.testing.assert_allclose(guess.mean, mean, atol=1e-6)
    np.testing.assert_allclose(guess.draws.std(axis=0)[~known], spread[~known], rtol=0.2)


def test_the_shrinkage_is_the_published_one():
    common = np.random.default_rng(0).normal(size=(6, 20))
    common /= np.linalg.norm(common, axis=0)
    covariance, n, p = common.T @ common, 6, 20
    square, trace = np.trace(covariance @ covariance), np.trace(covariance)
    published = ((1 - 2 / p) * square + trace**2) / ((n + 1 - 2 / p) * (square - trace**2 / p))
    assert stopping._own_part(common) == pytest.approx(min(published, 0.99))


def test_the_guess_draws_the_surface_to_it_and_leaves_open_what_was_not_seen(learned):
    _, space, beliefs = learned
    coefficients = {"medical": 0.9, "legal": -1.2}
    guess, _, _ = guessed(learned, coefficients, 5)
    surface, point = beliefs.surface, inputs([coefficients], space)
    before = surface.predict(point)[1][0] ** 2
    unsure = np.append(beliefs.unsure, guess.unsure)
    after = gp._condition(
        np.vstack([beliefs.inputs, point]),
        np.vstack([beliefs.outputs, guess.mean]),
        surface.scales,
        surface.noise,
        unsure,
    )
    mean, deviation = after.predict(point)
    whole, moved = guess.mean - surface.predict(point)[0][0], mean[0] - surface.predict(point)[0][0]
    left = deviation[0] ** 2 / before
    assert 0.02 < left < 0.9
    assert moved @ whole / (whole @ whole) == pytest.approx(1 - left, abs=0.1)
    assert deviation[0] ** 2 == pytest.approx(1 / (1 / before + 1 / (guess.unsure + surface.noise**2)), rel=1e-3)


def test_an_evaluation_helps_only_what_it_may_hold_and_what_is_not_settled(learned):
    _, space, beliefs = learned
    guess, _, _ = guessed(learned, {"medical": 1.0, "legal": 1.0}, 8)
    names = list(space.behaviors)
    only = {name: np.array([other != name for other in names]) for name in names}
    beliefs = replace(beliefs, margins=np.full_like(beliefs.margins, -1.0))  # nothing holds yet
    assert helps(beliefs, only["expert,expert"], guess)
    assert not helps(beliefs, only["avoidance,avoidance"], guess)
    assert not helps(beliefs, np.ones(9, bool), guess)


class Rough(Surface):
    """A surface with waves, on which a search is often wrong about what it will find."""

    def _whole(self, coefficients):
        smooth, draw = super()._whole(coefficients), np.random.default_rng(7)
        point = [coefficients[d] for d in sorted(DOMAINS)]
        waves = {d: np.sin(3 * draw.normal(size=(3, 2)) @ point + draw.uniform(0, 6, 3)) for d in DOMAINS}
        log_probs = {d: values + 0.5 * waves[d] for d, values in smooth.log_probs.items()}
        return Evaluation(smooth.coefficients, log_probs, smooth.seconds)


def sampler_of(space, **options):
    return ResponseSurface(ResponseSurface.Options(**options)).create(space)


def search(folder, evaluations, **options):
    """Search a rough surface, in a study that is opened anew."""
    surface = Rough(seed=2)
    objective = surface.objective(BEHAVIORS, 0.4)
    space = surface.space(objective, evaluations)
    study = open_study(folder / "study.db", "it", {}, space.behaviors, sampler_of(space, **options))
    return run_search(study, space, surface, objective), study, objective


def test_a_pruned_trial_counts_and_proves_nothing(tmp_path):
    trials, study, objective = search(tmp_path, 26)
    pruned = [trial for trial in trials if not trial.whole]
    assert len(trials) == 26 and len(pruned) > 3
    assert {round(trial.part, 2) for trial in pruned} <= {0.33, 0.67}
    assert all(trial.behaviors == {} for trial in pruned)
    states = {t.number: t.state for t in study.trials}
    assert all((states[t.number] == TrialState.PRUNED) is (t.part < 1) for t in trials)
    beliefs = learn(objective.describe(), Surface().space(objective, 26), counted(study))
    assert [t.whole for t in trials] == beliefs.whole.tolist()
    assert (beliefs.margins[~beliefs.whole] == -1).all() and (beliefs.unsure[~beliefs.whole] > 0).all()


def test_what_was_pruned_would_rarely_have_shown_anything_new(tmp_path):
    trials, _, objective = search(tmp_path, 40)
    found, missed = set(), 0
    assert sum(not trial.whole for trial in trials) > 5
    for trial in trials:
        held = {n for n, j in objective.judge(Rough(seed=2)(trial.coefficients)).items() if j.held}
        missed += not trial.whole and not held <= found
        found |= held if trial.whole else set()
    assert missed <= 1


def test_a_search_with_pruned_trials_is_resumed_from_its_storage(tmp_path):
    (tmp_path / "whole").mkdir()
    expected_trials, _, _ = search(tmp_path / "whole", 24)
    for evaluations in (9, 17, 24):
        trials, _, _ = search(tmp_path, evaluations)
    told = [[(t.coefficients, t.part, t.behaviors) for t in each] for each in (trials, expected_trials)]
    assert told[0] == told[1] and any(part < 1 for _, part, _ in told[0])


def test_a_search_killed_within_an_evaluation_goes_on_as_if_it_had_not_been(tmp_path):
    (tmp_path / "whole").mkdir()
    expected_trials, _, _ = search(tmp_path / "whole", 20)

    class Killed(BaseException):
        pass

    for at in (8, 15):
        surface = Rough(seed=2)
        objective = surface.objective(BEHAVIORS, 0.4)
        space = surface.space(objective, 20)
        study = open_study(tmp_path / "study.db", "it", {}, space.behaviors, sampler_of(space))

        def evaluate(coefficients, watch, at=at, surface=surface, study=study):
            if len(counted(study)) == at:
                raise Killed
            return surface(coefficients, watch)

        with pytest.raises(Killed):
            run_search(study, space, evaluate, objective)
    trials, _, _ = search(tmp_path, 20)
    told = [[(t.coefficients, t.part) for t in each] for each in (trials, expected_trials)]
    assert told[0] == told[1] and any(part < 1 for _, part in told[0])


def test_pruning_waits_for_whole_evaluations(tmp_path):
    surface = Rough(seed=2)
    objective = surface.objective(BEHAVIORS, 0.4)
    space = surface.space(objective, 12)
    study = open_study(tmp_path / "study.db", "it", {}, space.behaviors, sampler_of(space))

    def evaluate(coefficients, watch):
        if any(coefficients.values()):
            raise NonFinite("broken")  # all but the origin
        return surface(coefficients, watch)

    trials = run_search(study, space, evaluate, objective)
    assert len(trials) == 12 and [t.reason is None for t in trials] == [True] + [False] * 11


def test_nothing_is_pruned_when_the_option_says_so(tmp_path):
    assert all(trial.whole for trial in search(tmp_path, 26, prune=False)[0])
