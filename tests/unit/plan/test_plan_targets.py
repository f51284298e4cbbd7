"""Targets of a transfer in the plan."""

import pytest

from avspec.errors import NoInput, SpecError, UsageError
from avspec.plan import graph
from avspec.plan.compile import compile_spec
from avspec.plan.targets import slugs
from avspec.spec import load_spec


def transfer(bench, *targets, step=""):
    bench.file.write_text(bench.file.read_text() + f"transfer: {{targets: [{', '.join(targets)}]{step}}}\n")


def compiled(bench):
    return compile_spec(load_spec(bench.file), bench.run_dir)


def test_a_guardrail_is_aligned_to_by_one_more_training(bench):
    transfer(bench, "align:safety", "align:medical")
    found = {stage.address: stage for stage in compiled(bench)}
    trained = found["train[safety]"]
    assert trained.inputs == ("base", "data[safety]")
    assert trained.params.lenders == () and trained.params.options["anchors"] == 0
    assert "extract[safety]" not in found, "it is steered by nothing"
    assert found["target[safety]"].inputs == ("base", "train[safety]")
    assert found["target[medical]"].inputs == ("base", "train[medical]")
    assert found["transfer[safety]"].inputs[-1] == "target[safety]"
    assert found["report"].inputs[-2:] == ("transfer[safety]", "transfer[medical]")


def test_nothing_else_changes_its_key(bench):
    before = graph.keys(bench.stages())
    transfer(bench, "align:safety")
    after = graph.keys(bench.stages())
    assert {a: k for a, k in after.items() if a in before and a != "report"} == {
        a: k for a, k in before.items() if a != "report"
    }


def test_a_model_on_disk_starts_at_the_specs_folder(bench):
    (bench.root / "other").mkdir()
    (bench.root / "other" / "config.json").write_text("{}")
    transfer(bench, "path:other")
    params = next(stage for stage in compiled(bench) if stage.kind == "target").params
    assert params.model["base"] == f"path:{(bench.root / 'other').resolve()}"


def test_the_training_of_another_run_is_found_by_its_lock(bench):
    pretend(bench)
    key = graph.keys(bench.stages())["train[legal]"]
    transfer(bench, "run:firm/legal")
    params = next(stage for stage in compiled(bench) if stage.kind == "target").params
    assert params.weights == key
    assert params.identity().keys().isdisjoint({"weights_path", "base_path"})


def test_a_target_is_opened_before_anything_is_trained(bench):
    (bench.root / "other").mkdir()
    (bench.root / "other" / "config.json").write_text("{}")
    transfer(bench, "path:other")
    order = [stage.address for stage in compiled(bench)]
    assert order.index("target[other]") < order.index("train[medical]")


def test_the_spec_cannot_aim_at_its_own_run(bench):
    transfer(bench, "run:clinic/legal")
    with pytest.raises(UsageError, match="own run") as raised:
        compiled(bench)
    assert "align:legal" in raised.value.hint


def pretend(bench):
    """Write the lock that an apply would leave, as another run's."""
    from avspec.plan.lockfile import write_lock

    keys = graph.keys(bench.stages())
    stages = {
        stage.address: {
            **{"key": keys[stage.address], "kind": stage.kind, "version": stage.version, "plugins": [], "outputs": {}},
            **{"params": {}, "inputs": {address: keys[address] for address in stage.inputs}},
        }
        for stage in bench.stages()
    }
    run_dir = bench.run_dir.with_name("firm")
    run_dir.mkdir(parents=True)
    write_lock(run_dir, spec={}, store=bench.store.root, stages=stages)


@pytest.mark.parametrize(
    ("target", "error", "what"),
    [
        ("run:clinik", NoInput, "is no run"),
        ("run:firm", UsageError, "aligned the base to several domains"),
        ("run:firm/tax", UsageError, "trained no tax"),
    ],
)
def test_a_run_that_cannot_be_a_target_says_why(bench, target, error, what):
    pretend(bench)
    transfer(bench, target)
    with pytest.raises(error, match=what) as caught:
        compiled(bench)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("targets", "step", "what"),
    [
        (["align:safty"], "", "no domain or guardrail `safty`"),
        (["align:safety", "align:safety"], "", "is a target already"),
        (["safety"], "", ""),
        (["align:safety"], ", step: 9", "larger than the range"),
    ],
)
def test_problems_of_the_section(bench, targets, step, what):
    transfer(bench, *targets, step=step)
    with pytest.raises(SpecError) as caught:
        load_spec(bench.file)
    assert what in caught.value.problems[0].what
    assert caught.value.problems[0].line == 14


def test_names_are_short_and_differ():
    targets = ["align:safety", "run:a/legal", "path:models/other/", "hf:org/model-7b@main", "path:x/safety"]
    assert slugs(targets) == ["safety", "a-legal", "other", "model-7b", "safety-5"]


def test_a_guardrail_that_is_aligned_to_needs_rows_to_train_on(bench):
    bench.file.write_text(bench.file.read_text() + "data: {rows: {train: 1}}\n")
    transfer(bench, "align:safety")
    with pytest.raises(SpecError) as caught:
        load_spec(bench.file)
    assert any("the train split of `safety` has only one row" in problem.what for problem in caught.value.problems)
