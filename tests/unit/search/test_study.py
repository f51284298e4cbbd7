import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from surfaces import BEHAVIORS, Surface

from avspec.errors import NonFinite, StoreError, StudyMismatch
from avspec.samplers.response_surface import ResponseSurface
from avspec.samplers.tpe import TPE
from avspec.search.evaluations import Evaluation, EvaluationCache, rounded
from avspec.search.standings import describe_standings
from avspec.search.study import open_study, run_search
from avspec.search.trials import counted

IDENTITY = {"spec": "a1", "vectors": {"medical": "b2", "legal": "c3"}, "evaluators": ("accuracy",)}


class Search:
    """One process's search on a study file: its surface counts what is really evaluated."""

    def __init__(self, folder, evaluations=14, seed=0):
        self.surface = Surface()
        self.objective = self.surface.objective(BEHAVIORS)
        self.space = self.surface.space(self.objective, evaluations, seed)
        self.cache = EvaluationCache(folder / "cache")
        self.folder = folder

    def open(self, **identity):
        sampler = TPE(TPE.Options(startup=4)).create(self.space)
        return open_study(self.folder / "study.db", "it", {**IDENTITY, **identity}, list(BEHAVIORS), sampler)

    def evaluate(self, coefficients, watch=None):
        found = self.cache.get(coefficients)
        if found is None:
            found = self.surface(coefficients)
            self.cache.put(found)
        return found

    def sweep(self):
        return [self.surface({"medical": c, "legal": 0.0}) for c in (-1.0, 0.0, 1.0)]

    def run(self, evaluate=None, **more):
        return run_search(self.open(), self.space, evaluate or self.evaluate, self.objective, **more)


def test_the_sweep_counts_and_the_rest_is_searched(tmp_path):
    search = Search(tmp_path)
    told = []
    trials = search.run(known=search.sweep(), progress=lambda *report: told.append(report))
    assert [t.source for t in trials] == ["sweep"] * 3 + ["search"] * 11
    assert [done for done, _, _ in told] == list(range(4, 15)) and {total for _, total, _ in told} == {14}
    assert all(t.behaviors.keys() == BEHAVIORS.keys() for t in trials)
    again = {tuple(t.coefficients.items()): t for t in trials}
    assert len(again) == 14
    for trial in trials:
        assert trial.behaviors == search.objective.judge(search.surface(trial.coefficients))


def test_a_second_run_does_nothing_and_more_evaluations_only_add_the_difference(tmp_path):
    first = Search(tmp_path, 8)
    trials = first.run(known=first.sweep())
    again = Search(tmp_path, 8)
    assert again.run(known=again.sweep()) == trials
    assert len(again.surface.asked) == 3  # the test's own sweep
    more = Search(tmp_path, 10)
    assert more.run(known=more.sweep())[:8] == trials
    assert len(more.surface.asked) == 3 + 2


def test_stopped_between_evaluations_it_ends_as_if_it_had_not_been(tmp_path):
    (tmp_path / "whole").mkdir(), (tmp_path / "cut").mkdir()
    whole = Search(tmp_path / "whole")
    expected = whole.run(known=whole.sweep())
    for stop_at in (4, 7, 7):

        class Stop(Exception):
            pass

        cut = Search(tmp_path / "cut")

        def evaluate(coefficients, watch, cut=cut, stop_at=stop_at, stop=Stop):
            result = cut.evaluate(coefficients)
            if len(counted(cut.open())) == stop_at:
                raise stop  # after the evaluation, before the study hears of it
            return result

        with pytest.raises(Stop):
            cut.run(evaluate, known=cut.sweep())
    last = Search(tmp_path / "cut")
    found = last.run(known=last.sweep())
    assert [t.coefficients for t in found] == [t.coefficients for t in expected]
    assert [t.behaviors for t in found] == [t.behaviors for t in expected]
    assert len(list(last.cache.all())) == 11  # nothing was evaluated twice, nothing for nothing


def test_killed_and_resumed(tmp_path):
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from test_study import Search\n"
        "search = Search(Path(sys.argv[1]))\n"
        "def evaluate(coefficients, watch):\n"
        "    if len(search.surface.asked) == 3 + 5:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return search.evaluate(coefficients)\n"
        "search.run(evaluate, known=search.sweep())\n"
    )
    here = str(Path(__file__).parent)
    code = subprocess.run([sys.executable, "-c", script, str(tmp_path), here], env=os.environ).returncode
    assert code == -signal.SIGKILL
    search = Search(tmp_path)
    states = [trial.state for trial in search.open().trials]
    assert states == [optuna.trial.TrialState.COMPLETE] * 8 + [optuna.trial.TrialState.RUNNING]
    trials = search.run(known=search.sweep())
    assert len(trials) == 14 and len(list(search.cache.all())) == 11
    assert [t.number for t in trials] == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]


def test_a_non_finite_evaluation_fails_with_its_reason_and_the_search_goes_on(tmp_path):
    search = Search(tmp_path, 6)

    def evaluate(coefficients, watch):
        evaluation = search.surface(coefficients)
        if len(search.surface.asked) == 2:
            return Evaluation(coefficients, {**evaluation.log_probs, "legal": np.full((12, 3), np.nan)}, 1.0)
        if len(search.surface.asked) == 4:
            raise NonFinite("the loss of row 3 is inf")
        return evaluation

    trials = search.run(evaluate)
    assert len(trials) == len(search.surface.asked) == 6
    reasons = [t.reason for t in trials]
    assert reasons[1] is not None and "nan" in reasons[1] and reasons[3] == "the loss of row 3 is inf"
    assert [r is None for r in reasons] == [True, False, True, False, True, True]
    assert trials[1].behaviors == {} and set(trials[1].coefficients) == {"medical", "legal"}


@pytest.mark.parametrize("plugin", [TPE, ResponseSurface])
def test_a_search_in_which_everything_fails_ends(tmp_path, plugin):
    def evaluate(coefficients, watch):
        raise NonFinite("broken")

    search = Search(tmp_path, 12)
    study = open_study(tmp_path / "study.db", "it", {}, list(BEHAVIORS), plugin(plugin.Options()).create(search.space))
    trials = run_search(study, search.space, evaluate, search.objective)
    assert [t.reason for t in trials] == ["broken"] * 12
    assert len({tuple(t.coefficients.values()) for t in trials}) == 12
    assert describe_standings(study, search.space)["standings"] == dict.fromkeys(BEHAVIORS, "open")


def test_the_storage_alone_tells_values_constraints_shares_and_log_probs(tmp_path):
    search = Search(tmp_path, 5)
    search.run(known=search.sweep())
    for trial in search.open().trials:
        judged = search.objective.judge(search.surface(rounded(trial.params)))
        assert trial.values == pytest.approx([j.value for j in judged.values()])
        assert trial.constraints == {"limits": pytest.approx(min(j.excess for j in judged.values()))}
        carried = trial.user_attrs["evaluation"]
        assert sum(carried["shares"]["legal"].values()) == pytest.approx(1.0)
        assert set(carried["log_probs"]) == {"medical", "legal"}
    assert search.open().metric_names == list(BEHAVIORS)


def test_known_evaluations_outside_the_range_or_broken_are_left_out(tmp_path):
    search = Search(tmp_path, 3)
    outside = search.surface({"medical": 1.2, "legal": 0.0})
    broken = Evaluation({"medical": 0.5}, {"medical": np.full((12, 3), np.inf)}, 1.0)
    assert [t.source for t in search.run(known=[outside, broken])] == ["search"] * 3


@pytest.mark.parametrize(
    ("change", "named"),
    [({"vectors": {"medical": "x"}}, "vectors"), ({"spec": 1, "evaluators": []}, "evaluators, spec")],
)
def test_a_study_of_another_search_is_refused_by_name(tmp_path, change, named):
    Search(tmp_path).open()
    Search(tmp_path).open()
    with pytest.raises(StudyMismatch) as caught:
        Search(tmp_path).open(**change)
    assert str(caught.value) == (
        f"the study 'it' belongs to another search: different {named}\n"
        f"  at {tmp_path / 'study.db'}\n"
        "  hint: move this file away to search anew, or undo the change to go on with this study"
    )


def test_a_file_that_is_no_database_is_a_store_error(tmp_path):
    (tmp_path / "study.db").write_text("this is not a database, " * 100)
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Search(tmp_path).open()
    assert caught.value.where.endswith("study.db")


def test_the_study_says_what_it_searches(tmp_path):
    search = Search(tmp_path, 2)
    search.run()
    described = search.open().user_attrs["objective"]
    assert described == json.loads(json.dumps(search.objective.describe()))
