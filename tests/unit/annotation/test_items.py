from collections import Counter

import pytest

from avspec.annotation.definitions import own_meanings
from avspec.annotation.items import FILE_NAME, Options, draw_items, items_text, read_items
from avspec.api import Row
from avspec.domains.custom import Custom
from avspec.domains.medical import Medical
from avspec.errors import Corrupted, NewerFormat

LEVELS = {"medical": ("avoidance", "generic", "expert"), "safety": ("unsafe", "safe")}


def drawn(counts, **options):
    rows = {
        domain: [
            Row(f"{domain}-{n}", domain, f"Query {n}?", {x: f"{x} {n}" for x in LEVELS[domain]}) for n in range(count)
        ]
        for domain, count in counts.items()
    }
    return draw_items(rows, LEVELS, Options(tuple(counts), **options), seed=4, meanings={"safety": {"safe": "Kind."}})


def test_what_is_written_can_be_read(tmp_path):
    items = drawn({"medical": 9, "safety": 9}, queries=6, shared=2)
    (tmp_path / FILE_NAME).write_text(items_text(items), encoding="utf-8")
    assert read_items(tmp_path) == items
    assert read_items(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("text", "error"), [("{", Corrupted), ("{}", Corrupted), ('{"format_version": 9}', NewerFormat)]
)
def test_items_that_are_not_readable(tmp_path, text, error):
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(error):
        read_items(tmp_path)


def test_the_papers_numbers_are_the_default():
    items = drawn({"medical": 80})
    seats = [{query.row for query in items.seat(number)} for number in range(3)]
    assert [len(seat) for seat in seats] == [30, 30, 30]
    assert {len(one & other) for one in seats for other in seats if one is not other} == {15}


def test_domains_are_drawn_evenly_as_far_as_their_rows_go():
    items = drawn({"medical": 40, "safety": 4}, queries=10, shared=4)
    assert Counter(query.domain for query in items.seat(0)[:4]) == {"medical": 2, "safety": 2}
    assert Counter(query.domain for query in items.queries)["safety"] == 4


def test_few_rows_are_shared_more():
    items = drawn({"medical": 5}, queries=4, shared=2)
    for number in range(5):
        seat = [query.row for query in items.seat(number)]
        assert len(seat) == len(set(seat)) == 4
    assert len(drawn({"medical": 2}, queries=30, shared=15).seat(2)) == 2


def test_ids_and_orders_say_nothing_about_levels():
    items = drawn({"medical": 40}, queries=30, shared=30)
    by_id = [items.all[name].level for name in sorted(items.all)]
    thirds = [Counter(by_id[start : start + 30]) for start in (0, 30, 60)]
    assert all(3 < count < 20 for third in thirds for count in third.values())
    by_order = [item.level for item in items.order(0, "ann")]
    assert all(3 < count < 20 for start in (0, 30, 60) for count in Counter(by_order[start : start + 30]).values())


def test_a_level_means_what_its_domain_says_or_else_what_we_know_or_its_place():
    items = drawn({"medical": 3, "safety": 3})
    assert items.meaning("safety", "safe") == "Kind."
    assert items.meaning("medical", "expert").startswith("gives specific, detailed advice")
    custom = {
        "domain": "cooking",
        "instructions": {"curt": "Reply in {{ language }} to a {{ domain }} question, curtly."},
    }
    assert own_meanings(Custom, custom, ("curt", "expert")) == {
        "curt": "Reply in English to a cooking question, curtly."
    }
    assert own_meanings(Medical, {}, LEVELS["medical"]) == {}
    assert own_meanings(Medical, {}, ("low", "high")) == {}, "rows from a file have no instructions"
