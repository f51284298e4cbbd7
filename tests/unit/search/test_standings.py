import optuna
import pytest
from surfaces import BEHAVIORS, Surface

from avspec.api import SearchSpace
from avspec.samplers.response_surface import ResponseSurface
from avspec.samplers.tpe import TPE
from avspec.search.standings import describe_standings
from avspec.search.study import open_study, run_search

WANTED = {**BEHAVIORS, "nowhere": {"medical": {"level": "generic", "share": 1.0}, "legal": "expert"}}


@pytest.fixture(params=[TPE, ResponseSurface])
def searched(request, tmp_path):
    """A study of some evaluations, its objective and its space."""
    plugin = request.param
    surface = Surface()
    objective = surface.objective(WANTED)
    space = surface.space(objective, 30)
    study = open_study(tmp_path / "study.db", "it", {}, space.behaviors, plugin(plugin.Options()).create(space))
    trials = run_search(study, space, surface, objective)
    return study, objective, space, trials, surface


def test_every_behavior_has_a_standing_that_its_trials_bear_out(searched) -> None:
    study, objective, space, trials, surface = searched
    found = describe_standings(study, space)
    assert list(found["standings"]) == list(WANTED)
    best = objective.best([surface(trial.coefficients) for trial in trials])
    for name, standing in found["standings"].items():
        assert (standing in ("settled", "held")) is best[name][1].held
    assert 0 <= found["left_out_error"] < 0.15


def test_a_sampler_without_a_surface_rules_nothing_out(searched) -> None:
    study, _, space, _, _ = searched
    surface_based = hasattr(study.sampler, "assess")
    assert describe_standings(study, space)["standings"]["nowhere"] == ("unreachable" if surface_based else "open")


def test_before_anything_was_evaluated_all_are_open() -> None:
    space = SearchSpace(("medical", "legal"), -1.0, 1.0, 0, 5, tuple(BEHAVIORS))
    found = describe_standings(optuna.create_study(directions=["maximize"] * 3), space)
    assert set(found["standings"].values()) == {"open"} and found["left_out_error"] is None
