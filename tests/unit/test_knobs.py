import pytest

from avspec import knobs
from avspec.knobs import blocks_of, in_order, joined, spelled, whole


def test_names():
    assert knobs.knobs(("a", "b"), 1) == ("a", "b")
    assert knobs.knobs(("a", "b"), 2) == ("a/1", "a/2", "b/1", "b/2")
    assert knobs.domain_of("a/12") == knobs.domain_of("a") == "a"
    assert (blocks_of("model"), blocks_of("blocks(3)")) == (1, 3)


def test_a_domain_means_all_of_its_blocks_and_a_block_overrides_it():
    assert spelled({"a": 0.5, "a/2": 1.0}, 2) == {"a/1": 0.5, "a/2": 1.0}
    assert spelled({"a": 0.5}, 1) == {"a": 0.5}


def test_equal_blocks_are_the_whole_vector():
    assert joined({"a/1": 0.5, "a/2": 0.5, "b/1": 0.0, "b/2": 0.0}) == {"a": 0.5, "b": 0.0}
    apart = {"a/1": 0.5, "a/2": 0.5, "b/1": 0.0, "b/2": 0.1}
    assert joined(apart) == apart


def test_whole_and_mean():
    assert whole({"a/1": 0.5, "a/2": 0.5}, "a") == 0.5
    assert whole({"a/1": 0.5, "a/2": 0.0}, "a") is None
    assert whole({}, "a") == 0.0
    assert knobs.mean({"a/1": 0.5, "a/2": 0.0}, "a") == 0.25


def test_order_is_that_of_the_domains_and_blocks_count():
    given = {f"b/{block}": float(block) for block in (10, 2, 1)}
    assert list(in_order(given, ["a", "b"])) == ["a", "b/1", "b/2", "b/10"]


@pytest.mark.parametrize("bad", ["blocks(0)", "blocks", "layers", "blocks(2) "])
def test_other_granularities_are_problems(bad, tmp_path):
    from avspec.errors import SpecError
    from avspec.spec import load_spec

    path = tmp_path / "spec.yaml"
    path.write_text(
        "apiVersion: avspec/v1\nname: x\nmodel: {base: hf:a/b}\ndomains: {medical: {plugin: medical}}\n"
        f"behaviors: {{x: {{medical: expert}}}}\nsearch: {{granularity: '{bad}'}}\n"
    )
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert caught.value.problems[0].line == 6
