import hashlib
import math
from statistics import fmean

import pytest
from scripted import LEVELS, Scripted, job

from avspec.api import Answer
from avspec.errors import PluginError
from avspec.synthesis.estimate import estimate
from avspec.synthesis.recipe import Recipe
from avspec.synthesis.responses import draw_words, mean_words
from avspec.synthesis.writing import COUNTS, Job, write_rows
from avspec.synthesis.written import read_written, write_written

CREATED = {"share": 0}


def test_a_row_has_a_response_for_each_level_and_an_id_of_its_query():
    ask = Scripted()
    written = write_rows(job(rows=10, personas=CREATED), ask)
    assert len(written.rows) == 10
    for row in written.rows:
        assert row.id == f"cooking-{hashlib.sha256(row.query.encode()).hexdigest()[:12]}"
        assert tuple(row.responses) == LEVELS
        assert row.persona.startswith("Person")
        assert row.source == "create-persona"
    texts = [response.text for row in written.rows for response in row.responses.values()]
    assert texts == [f"Text {request.seed}." for request in ask.waves[-1][1]]
    assert len(set(texts)) == 30


def test_counts():
    written = write_rows(job(rows=10, personas=CREATED), Scripted())
    assert tuple(written.counts) == COUNTS
    assert {name: count for name, count in written.counts.items() if count} == {"wanted": 10, "create-persona": 10}
    assert written.unparsed == []


def test_all_responses_are_asked_for_at_once_with_query_length_and_instruction():
    ask = Scripted()
    written = write_rows(job(rows=4, personas=CREATED), ask)
    note, requests = ask.waves[-1]
    assert note == "responses"
    asked = iter(requests)
    for row in written.rows:
        for response in row.responses.values():
            request = next(asked)
            assert request.prompt.startswith(response.instruction)
            assert request.prompt.endswith(row.query)
            assert row.query not in response.instruction
            assert f"about {response.words} words" in request.prompt
            assert request.max_tokens == math.ceil(2.5 * response.words) + 40


def test_the_same_job_asks_and_writes_the_same(tmp_path, personas):
    choice = {"hub": "path:x"}
    first, second = (write_rows(job(personas, rows=20, personas=choice), Scripted()) for _ in range(2))
    assert first == second
    other = write_rows(job(personas, rows=20, personas=choice, seed=1), Scripted())
    assert not {row.id for row in other.rows} & {row.id for row in first.rows}
    write_written(tmp_path / "written.jsonl", first.rows)
    assert read_written(tmp_path / "written.jsonl") == first.rows


def test_a_response_is_kept_as_it_came():
    def change(request, answer):
        return answer if request.schema else Answer(" I can't. ", "refusal")

    (row, *_) = write_rows(job(rows=3, personas=CREATED), Scripted(change)).rows
    assert {(response.text, response.stop) for response in row.responses.values()} == {("I can't.", "refusal")}


def test_without_queries_no_response_is_asked_for():
    ask = Scripted(lambda request, answer: Answer("I am sorry."))
    written = write_rows(job(rows=3, personas=CREATED), ask)
    assert written.rows == []
    assert written.counts["unparsed"] == len(written.unparsed) == 3
    assert len(ask.waves) == 1


@pytest.mark.parametrize("words", [(40, 120), (5, 5), (20, 1000)])
def test_lengths_do_not_depend_on_the_level(words):
    recipe = Recipe(words=words)
    ids = [f"row-{index}" for index in range(2000)]
    drawn = {level: [draw_words(recipe, row, level) for row in ids] for level in LEVELS}
    low, high = words
    assert all(low <= count <= high for counts in drawn.values() for count in counts)
    for counts in drawn.values():
        # a standard error of the mean of 2,000 is below 2 % of it, whatever the range
        assert fmean(counts) == pytest.approx(mean_words(recipe), rel=0.08)
    for level in LEVELS[1:]:
        for quarter in (0.25, 0.5, 0.75):
            first, other = (sorted(drawn[name])[int(quarter * len(ids))] for name in (LEVELS[0], level))
            assert first == pytest.approx(other, rel=0.15)


def test_lengths_of_one_rows_levels_are_independent():
    recipe = Recipe(words=(20, 1000))
    logs = [[math.log(draw_words(recipe, f"row-{i}", level)) for level in LEVELS] for i in range(2000)]
    columns = list(zip(*logs, strict=True))
    centered = [[value - fmean(column) for value in column] for column in columns]
    scale = [math.sqrt(fmean(value * value for value in column)) for column in centered]
    for a in range(3):
        for b in range(a):
            products = (x * y for x, y in zip(centered[a], centered[b], strict=True))
            assert abs(fmean(products) / (scale[a] * scale[b])) < 0.1  # 4 standard errors of 2,000


def test_lengths_are_uniform_in_the_logarithm():
    recipe = Recipe(words=(10, 1000))
    counts = [draw_words(recipe, f"row-{index}", "expert") for index in range(4000)]
    assert sum(count < 100 for count in counts) / 4000 == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(
    "choices",
    [
        {"rows": 3, "personas": {"share": 0}},
        {"rows": 40, "personas": {"share": 1}},
        {"rows": 80, "personas": {"share": 0.5}},
        {"rows": 333, "personas": {"share": 0.1}},
        {"rows": 30, "personas": {"share": 0, "starts": 2, "roots": 2, "branching": 3}},
        {"rows": 12, "personas": {"share": 0.2, "starts": 20, "roots": 1, "depth": 0}},
    ],
)
def test_the_estimate_counts_the_calls_that_are_made(personas, choices):
    choices["personas"]["hub"] = "path:x"
    wanted, ask = job(personas, **choices), Scripted()
    written = write_rows(wanted, ask)
    assert len(written.rows) == choices["rows"]
    assert estimate(wanted).calls == len(ask.requests)


def test_the_estimate_of_tokens_is_near_what_is_sent(personas):
    wanted, ask = job(personas, rows=80, personas={"hub": "path:x"}), Scripted()
    write_rows(wanted, ask)
    expected = estimate(wanted)
    sent = sum(len(request.prompt) for request in ask.requests) / 4
    # the scripted queries are much shorter than the 80 words expected of a model
    assert sent < expected.input_tokens < sent + 80 * 3 * 80 * 1.6
    asked = sum(draw_words(wanted.recipe, row.id, level) for row in write_rows(wanted, ask).rows for level in LEVELS)
    queries = 80 * 80 * 1.35
    assert expected.output_tokens - queries == pytest.approx(asked * 1.35, rel=0.15)


def test_the_estimate_finds_a_missing_slot_before_anything_is_asked():
    wanted = job(rows=3, personas=CREATED)
    with pytest.raises(PluginError, match="portal"):
        estimate(Job(wanted.domain, wanted.levels, wanted.recipe, {"domain": "tax"}, wanted.templates))
