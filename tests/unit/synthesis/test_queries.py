import dataclasses
import json
from collections import Counter

import pytest
from scripted import Scripted, job, n

from avspec.api import Answer
from avspec.errors import SpecError
from avspec.synthesis.queries import write_queries

CREATED = {"share": 0}


def gather(ask, file=None, /, **choices):
    wanted = job(file, **choices)
    return write_queries(wanted.recipe, wanted.prompts(), ask, file)


def asked(ask):
    """Return how many pairs each request of each wave asks for."""
    return [[n(request) for request in requests] for _, requests in ask.waves]


def test_the_papers_starts_and_generations():
    ask = Scripted()
    gathered = gather(ask, rows=15 + 75 + 100, personas=CREATED)
    assert asked(ask) == [[5] * 3, [5] * 15, [5] * 20]
    assert len(gathered.queries) == gathered.counts["create-persona"] == 190


@pytest.mark.parametrize(
    ("rows", "waves"),
    [(3, [[1, 1, 1]]), (7, [[3, 2, 2]]), (15, [[5, 5, 5]]), (16, [[5] * 3, [1]]), (28, [[5] * 3, [5, 5, 3]])],
)
def test_no_more_is_asked_than_needed(rows, waves):
    ask = Scripted()
    gathered = gather(ask, rows=rows, personas=CREATED)
    assert asked(ask) == waves
    assert len(gathered.queries) == rows


def test_a_generation_has_parents_from_every_start():
    ask = Scripted()
    gather(ask, rows=15 + 15, personas=CREATED)
    parents = [request.prompt.split("\n")[2] for request in ask.waves[1][1]]
    starts = [f"Person {request.seed}-0" for request in ask.waves[0][1]]
    assert parents == starts


def test_no_deeper_than_the_depth():
    """Half of the answers say nothing, so that there are never enough queries."""
    ask = Scripted(lambda request, answer: Answer("No.") if request.seed % 2 else answer)
    gathered = gather(ask, rows=465, personas={"share": 0, "depth": 2})
    assert [note for note, _ in ask.waves][1:] == [f"personas and queries, generation {i}" for i in (1, 2)]
    assert len(gathered.queries) < 465


def test_more_than_createpersona_can_make_is_an_error_before_anything_is_asked():
    ask = Scripted()
    with pytest.raises(SpecError) as error:
        gather(ask, rows=91, personas={"share": 0, "depth": 1})
    assert error.value.problems[0].what == "CreatePersona should make 91 queries, and makes 90 at most"
    assert ask.waves == []


def test_hub_and_roots_are_asked_at_once_in_the_share_of_the_recipe(personas):
    ask = Scripted()
    gathered = gather(ask, personas, rows=40, personas={"share": 0.7, "hub": "path:x"})
    first = [request.schema is None for request in ask.waves[0][1]]
    assert first == [True] * 28 + [False] * 3
    assert Counter(query.source for query in gathered.queries.values()) == {"persona-hub": 28, "create-persona": 12}
    assert {q.persona for q in gathered.queries.values() if q.source == "persona-hub"} < set(
        personas.read_text().splitlines()
    )


def test_starts_differ_by_their_seeds_alone():
    ask = Scripted()
    gather(ask, rows=15, personas=CREATED)
    requests = ask.requests
    assert len({request.seed for request in requests}) == len(requests) == 3
    assert len({request.prompt for request in requests}) == 1


def test_every_request_is_another_and_follows_the_seed(personas):
    def requests(seed):
        ask = Scripted()
        gather(ask, personas, rows=40, seed=seed, personas={"share": 0.3, "hub": "path:x"})
        return ask.requests

    assert len(set(request.seed for request in requests(0))) == len(requests(0))
    assert requests(0) == requests(0)
    assert not {request.seed for request in requests(0)} & {request.seed for request in requests(1)}


def test_more_rows_ask_again_what_fewer_rows_asked(personas):
    """So that answers which are paid for are used again."""

    def requests(rows):
        ask = Scripted()
        gather(ask, personas, rows=rows, personas={"share": 0.5, "hub": "path:x"})
        return ask.requests

    before, after = requests(50), requests(70)
    assert all(request in after for request in before)


def test_answers_that_give_no_query_are_counted_and_kept(personas):
    answers = [Answer(""), Answer("```\n```"), Answer("Fine?"), Answer("Fine?"), Answer("I must decline.", "refusal")]
    gathered = gather(lambda requests, note: answers, personas, rows=5, personas={"share": 1, "hub": "path:x"})
    assert gathered.counts == {"empty": 1, "unparsed": 1, "persona-hub": 1, "repeated": 1, "refused": 1}
    assert [unparsed.text for unparsed in gathered.unparsed] == ["", "```\n```", "I must decline."]
    assert all(unparsed.asked.startswith("the query of: A cook who owns") for unparsed in gathered.unparsed)
    assert [query.text for query in gathered.queries.values()] == ["Fine?"]


def test_a_query_that_was_cut_off_is_not_used(personas):
    ask = Scripted(lambda request, answer: dataclasses.replace(answer, stop="length"))
    gathered = gather(ask, personas, rows=3, personas={"share": 1, "hub": "path:x"})
    assert not gathered.queries
    assert gathered.counts["unparsed"] == 3
    assert gathered.unparsed[0].why == "cut off after 400 tokens"


def test_the_complete_pairs_of_a_cut_off_answer_are_used_and_the_next_generation_makes_up():
    def cut(request, answer):
        return Answer(answer.text[: answer.text.rindex("query")], "length") if n(request) == 5 else answer

    ask = Scripted(cut)
    gathered = gather(ask, rows=15, personas=CREATED)
    assert asked(ask) == [[5, 5, 5], [3]]
    assert len(gathered.queries) == 15
    assert [unparsed.why for unparsed in gathered.unparsed] == ["4 of 5 personas with queries could be read"] * 3
    assert gathered.unparsed[2].asked == "the roots of start 3"


def test_pairs_nobody_asked_for_are_left():
    def more(request, answer):
        pairs = [{"persona": f"P{request.seed}{i}", "query": f"Q{request.seed}{i}"} for i in range(9)]
        return Answer(json.dumps(pairs))

    assert len(gather(Scripted(more), rows=4, personas=CREATED).queries) == 4


def test_a_model_that_repeats_itself_ends():
    ask = Scripted(lambda request, answer: Answer('{"persona": "A nurse", "query": "Why?"}'))
    gathered = gather(ask, rows=30, personas=CREATED)
    assert len(gathered.queries) == 1
    assert len(ask.waves) == 2  # the generation after the roots brought no new persona to go on from
