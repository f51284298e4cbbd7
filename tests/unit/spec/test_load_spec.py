import copy
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from avspec.errors import DataError, SpecError
from avspec.rows import write_rows
from avspec.spec import load_spec

GOOD = (Path(__file__).parent / "good.yaml").read_text()
SPECS = Path(__file__).parents[3] / "specs"


def problems(path, sets=()):
    with pytest.raises(SpecError) as error:
        load_spec(path, sets)
    return error.value.problems


def test_defaults_are_filled_in_those_of_plugins_too(write):
    resolved = load_spec(write()).resolved()
    assert resolved["training"]["beta"] == 0.1
    assert resolved["training"]["plugin"] == "dpo"
    assert resolved["evaluation"][1]["plugin"] == "repetition"
    assert resolved["evaluation"][1]["max_new_tokens"] == 64
    assert resolved["search"]["sampler"]["plugin"] == "response-surface"
    assert resolved["data"]["split"] == {"train": 0.7, "search": 0.15, "test": 0.15}
    assert resolved["domains"]["legal"]["levels"] == ["avoidance", "generic", "expert"]


def test_a_resolved_spec_loads_to_itself(write):
    loaded = load_spec(write())
    again = load_spec(write(yaml.safe_dump(loaded.resolved(), sort_keys=False), "again.yaml"))
    assert again.resolved() == loaded.resolved()
    assert again.spec == loaded.spec


def test_options_are_those_of_the_plugin_alone(write):
    training = load_spec(write(), ["training.beta=0.5", "training.checkpoint_steps=7"]).spec.training
    assert training.options["beta"] == 0.5
    assert training.checkpoint_steps == 7
    assert not {"plugin", "checkpoint_steps", "accelerate"} & set(training.options)


def test_origins(write):
    write(GOOD, "base.yaml")
    path = write("extends: base.yaml\nlevels: [avoidance, expert]\nevaluation: [repetition]\n")
    origins = load_spec(path, ["training.beta=0.2"]).origins
    assert origins["training.beta"] == "--set"
    assert origins["training.epochs"] == "default"
    assert origins["name"] == "base.yaml:2"
    assert origins["behaviors.clinic.legal"] == "base.yaml:10"
    assert origins["domains.medical.levels"] == "spec.yaml:2"
    assert origins["guardrails.safety.levels"] == "default"
    assert origins["evaluation.0.plugin"] == "spec.yaml:3"


def test_the_specs_levels_are_for_domains_and_guardrails_keep_their_own(write):
    spec = load_spec(write(), ["levels=[avoidance, expert]"]).spec
    assert spec.levels_of("medical") == ("avoidance", "expert")
    assert spec.levels_of("safety") == ("unsafe", "safe")
    assert set(spec.rows_of("medical")[0].responses) == {"avoidance", "expert"}


def test_levels_keep_the_order_of_the_spec(write):
    spec = load_spec(write(), ["domains.legal.levels=[expert, avoidance]"]).spec
    assert spec.levels_of("legal") == ("expert", "avoidance")


def test_rows_are_named_after_the_section_and_cut_to_data_rows(write):
    path = write(GOOD.replace("medical: {plugin: medical}", "heart: {plugin: medical}"))
    spec = load_spec(path, ["data.rows=30", "behaviors.clinic={heart: expert}"]).spec
    rows = spec.rows_of("heart")
    assert [row.id for row in rows[:2]] == ["medical-001", "medical-002"]
    assert {row.domain for row in rows} == {"heart"}
    assert len(rows) == 30
    assert [path.name for path in spec.files_of("heart")] == ["medical.jsonl"]


def test_a_data_file_is_relative_to_the_file_that_names_it(write):
    rows = load_spec(write()).spec.rows_of("medical")
    Path("shared/data").mkdir(parents=True)
    write_rows(Path("shared/data/rows.jsonl"), rows[:40])
    source = "data: {source: file, path: data/rows.jsonl}"
    write(GOOD.replace("{plugin: medical}", f"{{plugin: medical, {source}}}"), "shared/base.yaml")
    spec = load_spec(write("extends: ../shared/base.yaml\n", "mine/spec.yaml")).spec
    assert [path.resolve() for path in spec.files_of("medical")] == [Path("shared/data/rows.jsonl").resolve()]
    assert len(spec.rows_of("medical")) == 40
    assert spec.rows_of("medical")[3].source.endswith("rows.jsonl:4")
    spec = load_spec(Path("mine/spec.yaml"), ["domains.medical.data.path=../shared/data/rows.jsonl"]).spec
    assert len(spec.rows_of("medical")) == 40


def test_the_atlas_has_every_combination_once(write):
    spec = load_spec(write(), ["atlas=true", "behaviors.part={medical: expert}"]).spec
    behaviors = spec.all_behaviors()
    assert list(behaviors)[:3] == ["clinic", "part", "medical=avoidance,legal=avoidance"]
    assert len(behaviors) == 9 + 1  # `clinic` is one of the nine, `part` is none of them
    assert "medical=expert,legal=avoidance" not in behaviors
    assert len({tuple(behavior.items()) for behavior in behaviors.values()}) == 10


def test_without_atlas_only_the_named_behaviors(write):
    assert load_spec(write()).spec.all_behaviors() == {"clinic": {"medical": "expert", "legal": "avoidance"}}


def test_a_problem_of_a_set_is_told_as_such(write):
    (problem,) = problems(write(), ["training.beta=-1"])
    assert problem.where == "--set training.beta=-1"
    assert problem.what == "`training.beta` must be greater than 0, this is `-1`"


def test_an_atlas_that_is_too_large_is_refused(write):
    domains = "".join(f"  d{n}: {{plugin: medical}}\n" for n in range(10))
    path = write(GOOD.replace("domains:\n", f"domains:\n{domains}").replace("behaviors", "atlas: true\nbehaviors"))
    assert "an atlas of 531441 combinations is too large" in [problem.what for problem in problems(path)]


def test_a_sweep_of_too_many_steps_is_refused(write):
    (problem,) = problems(write(), ["sweep.step=1e-9"])
    assert problem.what == "the sweep's step of 1e-09 is too small"


def test_an_accelerate_file_that_is_not_there(write):
    (problem,) = problems(write(GOOD + "training: {accelerate: gpus.yaml}\n"))
    assert problem.where == "spec.yaml:11:24"
    write("{}", "gpus.yaml")
    assert load_spec(Path("spec.yaml")).spec.training.accelerate == "gpus.yaml"


def test_rows_of_a_broken_plugin(write, monkeypatch):
    from avspec.domains.medical import Medical

    monkeypatch.setattr(Medical, "rows", lambda self: 1 / 0)
    (problem,) = problems(write())
    assert problem.where == "spec.yaml:5:3"
    assert "'medical' cannot give its rows: ZeroDivisionError" in problem.what


def test_bundled_rows_that_are_broken_are_told_with_their_file(write, monkeypatch, tmp_path):
    from avspec.domains.medical import Medical

    (tmp_path / "rows.jsonl").write_text('{"id": "a"}\n')
    monkeypatch.setattr(Medical, "file", tmp_path / "rows.jsonl")
    found = problems(write())
    assert {problem.line for problem in found} == {1}
    assert all(problem.file.endswith("rows.jsonl") for problem in found)


@pytest.mark.parametrize("name", sorted(path.relative_to(SPECS).as_posix() for path in SPECS.rglob("*.yaml")))
def test_the_specs_that_come_with_avspec_are_valid(name, monkeypatch, tmp_path):
    from avspec import registry

    monkeypatch.undo()
    assert registry.installed("domains").keys() >= {"medical", "helpfulness"}
    text, sets = (SPECS / name).read_text(), []
    if "pku-safe-rlhf}" in text:  # reads the hub, where there is no file
        rows = tmp_path / "pairs.jsonl"
        rows.write_text("".join(json.dumps({**PAIR, "prompt": f"May I {n}?"}) + "\n" for n in range(60)))
        section = "domains" if "figure-4" in name else "guardrails"
        sets = [f"{section}.safety.source=path:{rows}"]
    spec = load_spec(SPECS / name, sets).spec
    assert spec.domains
    if spec.atlas:
        combinations = [b for b in spec.all_behaviors().values() if len(b) == 3]
        assert len(combinations) == len({tuple(b.values()) for b in combinations}) == 27


PAIR = {
    **{"response_0": "Yes, safely.", "response_1": "Yes, and hurt him.", "safer_response_id": 0},
    **{"is_response_0_safe": True, "is_response_1_safe": False},
}


WEIRD = [None, 3, -1, 2.5, True, "", "x", [], [1], {}, {"a": 1}, [[]], {"plugin": 3}, "é" * 50, 10**30]


def test_no_weird_value_crashes(write):
    """Every value of a full spec replaced by a weird one: accepted or refused, never a traceback."""
    full = load_spec(write(GOOD)).resolved()
    generator = random.Random(0)
    paths = []

    def walk(value, path):
        paths.append(path)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in items:
            walk(child, (*path, key))

    walk(full, ())
    refused = 0
    for path in paths[1:]:
        for weird in generator.sample(WEIRD, 1):
            data = copy.deepcopy(full)
            into = data
            for part in path[:-1]:
                into = into[part]
            into[path[-1]] = weird
            try:
                load_spec(write(yaml.safe_dump(data, sort_keys=False, allow_unicode=True)))
            except SpecError as error:
                refused += 1
                assert all(problem.what and problem.file for problem in error.problems)
    assert refused > len(paths) / 3


def test_loading_imports_nothing_heavy_and_only_the_plugins_it_names():
    code = (
        "import sys; from pathlib import Path; from avspec.spec import load_spec;"
        "load_spec(Path('quickstart.yaml'));"
        "print(*[m for m in ('torch', 'transformers', 'trl', 'optuna', 'numpy', 'scipy',"
        " 'avspec.samplers.random', 'avspec.domains.medical') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SPECS, capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.split() == ["avspec.domains.medical"]


def test_problems_have_the_exit_code_of_bad_data(write):
    with pytest.raises(SpecError) as error:
        load_spec(write("apiVersion: avspec/v1\n"))
    assert error.value.exit_code == DataError([]).exit_code == 65


def test_a_behavior_may_demand_a_least_share_and_weigh_its_domains(write):
    path = write(GOOD.replace("legal: avoidance", "legal: {level: avoidance, share: 0.6, weight: 2}"))
    loaded = load_spec(path, ["atlas=true"])
    legal = loaded.spec.behaviors["clinic"]["legal"]
    assert (legal.level, legal.share, legal.weight) == ("avoidance", 0.6, 2.0)
    behaviors = loaded.spec.all_behaviors()
    assert behaviors["clinic"] == {"medical": "expert", "legal": {"level": "avoidance", "share": 0.6, "weight": 2.0}}
    assert behaviors["medical=expert,legal=avoidance"] == {"medical": "expert", "legal": "avoidance"}
    assert len(behaviors) == 1 + 9, "a behavior that wants more does not stand for its combination"


def test_a_level_spelled_out_is_that_level(write):
    short = load_spec(write())
    long = load_spec(write(GOOD.replace("legal: avoidance", "legal: {level: avoidance, weight: 1}"), "long.yaml"))
    assert long.resolved() == short.resolved() and long.spec.all_behaviors() == short.spec.all_behaviors()


def test_a_resolved_demand_loads_to_itself_and_knows_where_it_was_written(write):
    loaded = load_spec(write(GOOD.replace("legal: avoidance", "legal: {level: avoidance, share: 0.6}")))
    again = load_spec(write(yaml.safe_dump(loaded.resolved(), sort_keys=False), "again.yaml"))
    assert again.spec == loaded.spec
    assert loaded.origins["behaviors.clinic.legal.share"] == "spec.yaml:10"
