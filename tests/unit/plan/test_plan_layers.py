"""More blocks than layers are told when planning, wherever the base says how many it has."""

import json

import pytest

from avspec.errors import ModelError


def say(bench, config, granularity="blocks(4)"):
    (bench.root / "model" / "config.json").write_text(config)
    bench.edit("evaluations: 20", f"evaluations: 20, granularity: {granularity}")


@pytest.mark.parametrize("config", [{"num_hidden_layers": 3}, {"text_config": {"num_hidden_layers": 3}}])
def test_more_blocks_than_layers(bench, config):
    say(bench, json.dumps(config))
    with pytest.raises(ModelError, match=r"4 blocks are too many .* has 3") as raised:
        bench.stages()
    assert raised.value.where == "search.granularity"
    assert "up to 3" in raised.value.hint


@pytest.mark.parametrize("config", ['{"num_hidden_layers": 4}', "{}", "not json", "[]", '{"text_config": null}'])
def test_enough_layers_or_nothing_said(bench, config):
    say(bench, config)
    assert bench.stages()


def test_a_variant_is_asked_too(bench):
    say(bench, '{"num_hidden_layers": 1}', "model")
    bench.file.write_text(bench.file.read_text() + "variants:\n  fine: {search: {granularity: blocks(2)}}\n")
    with pytest.raises(ModelError, match=r"has 1\b"):
        bench.stages()
