import json
import random

import pytest

from avspec.api import Row
from avspec.card.card import data_card, source_of
from avspec.domains.medical import Medical
from avspec.rows import split_of

LEVELS = ("avoidance", "generic", "expert")
SPLIT = {"train": 0.6, "search": 0.2, "test": 0.2}


def card(rows):
    return data_card(rows, LEVELS, {row.id: split_of(row.id, SPLIT) for row in rows})


def made(words_of, count=60):
    """Rows of random words; `words_of` says how many words a level gets."""
    draw = random.Random(0)
    text = lambda level: " ".join(f"w{draw.randrange(500)}" for _ in range(words_of(level, draw)))  # noqa: E731
    return [
        Row(
            f"r{n}",
            "medical",
            f"query {n} {draw.random()}",
            {level: text(level) for level in LEVELS},
            "a/b/rows.jsonl:3",
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def bundled():
    return card(list(Medical(Medical.Options()).rows()))


def test_counts_add_up(bundled):
    assert bundled["rows"] == 80
    assert bundled["sources"] == {"medical.jsonl": 80}
    assert sum(bundled["splits"].values()) == 80
    assert all(sum(one["counts"]) == 80 for one in bundled["lengths"]["levels"].values())
    assert len(bundled["lengths"]["edges"]) == len(bundled["lengths"]["levels"]["expert"]["counts"]) + 1


def test_words_tell_the_level_of_the_bundled_rows_and_length_hardly(bundled):
    found = bundled["predictable"]
    assert found["chance"] == pytest.approx(1 / 3)
    assert found["words"]["interval"][0] > 0.6
    assert found["length"]["accuracy"] < found["words"]["accuracy"]


def test_length_that_tells_the_level_is_warned_of():
    telling = card(made(lambda level, draw: 10 + 20 * LEVELS.index(level) + draw.randrange(5)))
    assert telling["predictable"]["length"]["accuracy"] > 0.95
    assert telling["predictable"]["warning"]


def test_length_that_tells_nothing_is_not():
    silent = card(made(lambda level, draw: draw.randrange(10, 60)))
    assert not silent["predictable"]["warning"]
    low, high = silent["predictable"]["length"]["interval"]
    assert low < 1 / 3 < high


def test_responses_of_one_row_never_help_to_judge_each_other():
    """Each row has words of its own in all levels: a classifier that saw two of them learns nothing of the third."""
    rows = [Row(f"r{n}", "m", f"q {n}", dict.fromkeys(LEVELS, f"only{n} word{n} of{n} mine{n}")) for n in range(30)]
    assert card(rows)["predictable"]["words"]["accuracy"] <= 0.4


def test_the_most_similar_queries_come_first():
    rows = made(lambda level, draw: 12, count=20)
    twin = Row("twin", "medical", rows[3].query + " indeed", rows[3].responses)
    pair = card([*rows, twin])["nearest"][0]
    assert set(pair["ids"]) == {"r3", "twin"}
    assert 0.5 < pair["similarity"] < 1


def test_a_test_query_that_training_has_seen_is_found_among_pairs_that_are_more_alike():
    rows = made(lambda level, draw: 12, count=40)
    splits = {row.id: "train" for row in rows} | {"r39": "test"}
    seen = Row("r39", "medical", f"{rows[7].query} tomorrow perhaps", rows[39].responses)
    twins = [Row(f"twin{n}", "medical", rows[n].query, rows[n].responses) for n in range(10, 14)]
    found = data_card([*rows[:-1], seen, *twins], LEVELS, splits | {twin.id: "train" for twin in twins})
    assert all(pair["splits"] == ["train", "train"] for pair in found["nearest"])
    assert [pair["ids"] for pair in found["nearest_across"]] == [["r39", "r7"]]
    assert found["nearest_across"][0]["splits"] == ["test", "train"]
    assert 0.3 < found["nearest_across"][0]["similarity"] < 1


@pytest.mark.parametrize("signs", ["abc", "👍👎🤷"])
def test_responses_without_a_word_have_a_card(signs):
    responses = dict(zip(LEVELS, signs, strict=True))
    found = card([Row(f"r{n}", "m", "?" * (n + 1), responses) for n in range(20)])
    assert found["predictable"]["words"]["accuracy"] == 1
    assert len(found["nearest"]) == 3


def test_no_folder_of_this_machine_is_told(bundled):
    assert source_of(Row("r", "m", "q", {}, "/home/somebody/rows.jsonl:17")) == "rows.jsonl"
    assert source_of(Row("r", "m", "q", {}, "persona-hub")) == "persona-hub"
    assert "/" not in json.dumps(bundled["sources"])


def test_one_row_has_a_card():
    assert card(made(lambda level, draw: 9, count=1))["predictable"] is None
