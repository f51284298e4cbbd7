import json

import pytest

from avspec.domains.helpfulness import Helpfulness
from avspec.domains.legal import Legal
from avspec.plan.row_params import CardParams
from avspec.rows import write_rows
from avspec.stages import card
from avspec.stages.context import Context

SPLIT = {"train": 0.6, "search": 0.2, "test": 0.2}


@pytest.fixture
def run_card(tmp_path):
    """Describe the bundled rows of a domain as apply does; return the card and what was logged."""

    def run(plugin, **others):
        inputs, said = {"data[d]": tmp_path / "data"}, []
        inputs["data[d]"].mkdir()
        write_rows(inputs["data[d]"] / "rows.jsonl", plugin(plugin.Options()).rows(), SPLIT)
        for kind, value in others.items():
            inputs[f"{kind}[d]"] = tmp_path / kind
            inputs[f"{kind}[d]"].mkdir()
            (inputs[f"{kind}[d]"] / f"{kind}.json").write_text(json.dumps(value))
        out = tmp_path / "card"
        out.mkdir()
        params = CardParams(domain="d", levels=plugin.levels)
        card.run(params, inputs, out, Context(tmp_path, tmp_path, tmp_path, tell=said.append))
        return json.loads((out / "card.json").read_text("utf-8")), said

    return run


def test_rows_that_came_as_they_are_have_a_card(run_card, tmp_path) -> None:
    found, said = run_card(Legal)
    assert found["rows"] == sum(found["splits"].values()) == 80
    assert found["splits"].keys() == {"train", "search", "test"}
    assert found["sources"] == {"legal.jsonl": 80}
    assert found["written"] is None and found["cleaned"] is None
    assert str(tmp_path) not in json.dumps(found)
    assert said == []


def test_the_card_says_how_writing_and_cleaning_went(run_card) -> None:
    written, cleaned = {"model": "m", "unparsed": 2}, {"written": 90, "kept": 80, "dropped": {}}
    found, _ = run_card(Legal, synthesize=written, clean=cleaned)
    assert (found["written"], found["cleaned"]) == (written, cleaned)


def test_lengths_that_tell_the_level_are_logged(run_card) -> None:
    found, said = run_card(Helpfulness)
    assert found["predictable"]["warning"]
    assert len(said) == 1 and "length of a response alone tells its level" in said[0]
