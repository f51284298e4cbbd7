"""Variants in the plan: only what differs is made anew, under the key it would have in a spec of its own."""

import pytest

from avspec.errors import SpecError
from avspec.plan import graph
from avspec.spec import load_spec

PLAIN = "variants:\n  plain: {training: {anchors: 0}}\n"


def with_variants(bench, text):
    bench.file.write_text(bench.file.read_text() + text)


def test_a_variant_adds_only_the_stages_that_differ(bench):
    before = [stage.address for stage in bench.stages()]
    with_variants(bench, "variants:\n  wide: {search: {high: 2}}\n  other: {search: {seed: 5}}\n")
    added = [stage.address for stage in bench.stages() if stage.address not in before]
    assert added == ["sweep@wide", "search@wide", "evaluate@wide", "search@other", "evaluate@other", "variants"]
    found = {stage.address: stage.inputs for stage in bench.stages()}
    assert found["search@other"] == found["search"], "the sweep is the spec's own"
    assert found["search@wide"][-1] == "sweep@wide"
    assert found["report"][-1] == "variants"
    assert {"search", "search@wide", "evaluate@other", "extract[medical]"} <= set(found["variants"])


def test_its_keys_are_those_of_a_spec_that_says_the_same(bench):
    with_variants(bench, PLAIN)
    variant = graph.keys(bench.stages())
    bench.edit("anchors: 0.5", "anchors: 0")
    bench.edit(PLAIN, "")
    alone = graph.keys(bench.stages())
    for address in ("train[medical]", "extract[legal]", "sweep", "search", "evaluate"):
        assert variant[f"{address}@plain"] == alone[address]


def test_the_spec_itself_keeps_its_keys(bench):
    before = graph.keys(bench.stages())
    with_variants(bench, PLAIN)
    after = graph.keys(bench.stages())
    assert {a: k for a, k in after.items() if a in before and a != "report"} == {
        a: k for a, k in before.items() if a != "report"
    }
    assert after["report"] != before["report"]


def test_what_two_variants_share_is_made_once(bench):
    with_variants(
        bench,
        "variants:\n  a: {training: {anchors: 0}}\n  b: {training: {anchors: 0}, search: {seed: 1}}\n",
    )
    found = [stage.address for stage in bench.stages() if stage.address.endswith("@b")]
    assert found == ["search@b", "evaluate@b"]


def test_a_target_means_the_specs_own_stage_and_a_kind_all_of_them(bench):
    with_variants(bench, PLAIN)
    stages = bench.stages()
    assert graph.addresses(stages, ["search"]) == {"search"}
    assert graph.addresses(stages, ["search@plain"]) == {"search@plain"}
    assert "train[medical]@plain" in graph.addresses(stages, ["train"])


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("variants:\n  plain: {training: {beta: -1}}\n", "must be greater than 0", 15),
        ("variants:\n  plain: {data: {rows: 3}}\n", "unknown key `data`", 15),
        ("variants:\n  plain: {extraction: tirm}\n", "no extractor plugin is called", 15),
        ("variants:\n  main: {training: {anchors: 0}}\n", "a variant cannot be called `main`", 15),
        ("variants:\n  Plain: {training: {anchors: 0}}\n", "`Plain` is no name", 15),
        ("variants:\n  plain: {search: {low: 3}}\n", "is empty", 15),
    ],
)
def test_a_broken_variant_is_a_problem_where_it_stands(bench, text, what, line):
    bench.edit("  court: {legal: expert}\n", "  court: {legal: expert}\n" + text)
    with pytest.raises(SpecError) as caught:
        load_spec(bench.file)
    (problem,) = caught.value.problems
    assert what in problem.what
    assert problem.line == line


def test_another_plugin_leaves_the_first_ones_options_behind(bench):
    with_variants(bench, "variants:\n  kept: {extraction: {plugin: trim, keep: 0.3}}\n")
    stage = bench.stage("extract[medical]@kept")
    assert (stage.params.plugin, stage.params.options["keep"]) == ("trim", 0.3)
