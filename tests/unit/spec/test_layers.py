from pathlib import Path

import pytest

from avspec.errors import NoInput, SpecError, UsageError
from avspec.spec import load_spec
from avspec.spec.layers import read_layers


def test_mappings_merge_and_the_rest_replaces(write):
    write("a: {x: 1, y: 2}\nlist: [1, 2]\nonly: base\n", "base.yaml")
    path = write("extends: base.yaml\na: {y: 3, z: 4}\nlist: [5]\n")
    assert read_layers(path).data == {"a": {"x": 1, "y": 3, "z": 4}, "list": [5], "only": "base"}


def test_null_removes_what_was_inherited(write):
    write("a: {x: 1, y: 2}\n", "base.yaml")
    path = write("extends: base.yaml\na: {x: null}\n")
    assert read_layers(path).data == {"a": {"y": 2}}


def test_another_plugin_leaves_the_options_of_the_first_behind(write):
    write("training: {plugin: dpo, beta: 0.5}\nextraction: trim\n", "base.yaml")
    path = write("extends: base.yaml\ntraining: {plugin: other, steps: 3}\nextraction: {density: 0.2}\n")
    assert read_layers(path).data == {
        "training": {"plugin": "other", "steps": 3},
        "extraction": {"plugin": "trim", "density": 0.2},
    }


def test_extends_is_relative_to_the_file_that_says_it(write):
    write("a: 1\nb: 1\nc: 1\n", "shared/root.yaml")
    write("extends: root.yaml\nb: 2\nc: 2\n", "shared/middle.yaml")
    path = write("extends: ../shared/middle.yaml\nc: 3\n", "mine/spec.yaml")
    document = read_layers(path)
    assert document.data == {"a": 1, "b": 2, "c": 3}
    files = {key[0]: place.file for key, place in document.values.items() if key}
    assert files == {"a": "shared/root.yaml", "b": "shared/middle.yaml", "c": "mine/spec.yaml"}


def test_a_circle_of_three_is_refused(write):
    write("extends: b.yaml\n", "a.yaml")
    write("extends: c.yaml\n", "b.yaml")
    write("extends: ./a.yaml\n", "c.yaml")
    with pytest.raises(SpecError) as error:
        read_layers(Path("a.yaml"))
    assert "a.yaml -> b.yaml -> c.yaml -> a.yaml" in str(error.value)
    assert error.value.problems[0].where == "c.yaml:1:10"


def test_a_problem_in_a_base_is_told_at_the_base(write):
    write("a: 1\na: 2\n", "base.yaml")
    document = read_layers(write("extends: base.yaml\nb: 1\nb: 2\n"))
    assert [problem.where for problem in document.problems] == ["base.yaml:2:1", "spec.yaml:3:1"]


def test_no_spec_file():
    with pytest.raises(NoInput, match="cannot read the spec") as error:
        load_spec(Path("nowhere.yaml"))
    assert error.value.exit_code == 66
    assert error.value.where == "nowhere.yaml"


def test_a_folder_is_no_spec(tmp_path):
    with pytest.raises(NoInput):
        load_spec(tmp_path)


def test_a_spec_that_is_not_utf8(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(SpecError) as error:
        load_spec(path)
    assert error.value.problems[0].line == 2


@pytest.mark.parametrize(
    ("item", "path", "value"),
    [
        ("training.beta=0.1", ("training", "beta"), 0.1),
        ("training.beta = 1e-3", ("training", "beta"), 1e-3),
        ("search.sampler=random", ("search", "sampler"), {"plugin": "random"}),
        ("behaviors.bank={medical: generic}", ("behaviors", "bank"), {"medical": "generic"}),
        ("behaviors.clinic.medical=generic", ("behaviors", "clinic", "medical"), "generic"),
        ("evaluation.1.rows=9", ("evaluation", 1, "rows"), 9),
        ("name=a=b", ("name",), "a=b"),
    ],
)
def test_set(write, item, path, value):
    spec = write("evaluation: [x, {plugin: y, rows: 1}]\nbehaviors: {clinic: {medical: expert}}\n")
    document = read_layers(spec, [item])
    found = document.data
    for part in path:
        found = found[part]
    assert found == value
    assert document.values[path].file == f"--set {item}"


def test_set_null_takes_out_and_the_last_one_wins(write):
    document = read_layers(write("a: 1\nb: 1\n"), ["a=null", "b=2", "b=3"])
    assert document.data == {"b": 3}


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ("training.beta", "must be KEY=VALUE"),
        ("=3", "must be KEY=VALUE"),
        ("a..b=3", "must be KEY=VALUE"),
        ("name.first=x", "`first` cannot be found in the single value 'demo'"),
        ("list.7=x", "`7` cannot be found in a list of 2"),
        ("a={b", "not YAML"),
    ],
)
def test_a_wrong_set_is_a_usage_error(write, item, what):
    with pytest.raises(UsageError) as error:
        read_layers(write("name: demo\nlist: [1, 2]\n"), [item])
    assert what in str(error.value)
    assert error.value.exit_code == 64
    assert item in str(error.value)
