from itertools import pairwise

import pytest

from avspec.annotation.agreement import agreement
from avspec.annotation.items import Options, draw_items
from avspec.annotation.labels import (
    FOLDER,
    Labels,
    annotator_name,
    fingerprint,
    label_files,
    open_labels,
    read_all,
    read_as_of,
)
from avspec.annotation.told import agreement_text
from avspec.api import Row
from avspec.errors import Corrupted, UsageError

LEVELS = ("avoidance", "generic", "expert")


@pytest.fixture
def items():
    rows = [Row(f"r{n}", "medical", f"Query {n}?", {level: f"{level} {n}" for level in LEVELS}) for n in range(9)]
    return draw_items({"medical": rows}, {"medical": LEVELS}, Options(("medical",), queries=5, shared=3), seed=1)


def labels(tmp_path, name, given, judge=False):
    return Labels(tmp_path / name, name, judge, 0, given)


def truth(items):
    return {name: item.level for name, item in items.all.items()}


def test_everybody_right_is_kappa_one(items, tmp_path):
    both = [labels(tmp_path, name, truth(items)) for name in ("ann", "ben")]
    found = agreement(items, both)
    assert found["mean_kappa"] == 1.0
    table = found["confusion"][0]
    assert table["mean"]["expert"] == {"avoidance": 0, "generic": 0, "expert": 1, "unclear": 0}
    assert table["labels"] == list(LEVELS)


def test_kappa_against_a_table_done_by_hand(items, tmp_path):
    names = list(items.all)[:4]
    one = dict(zip(names, ("expert", "expert", "generic", "generic"), strict=True))
    two = dict(zip(names, ("expert", "generic", "generic", "generic"), strict=True))
    found = agreement(items, [labels(tmp_path, "ann", one), labels(tmp_path, "ben", two)])
    # 3 of 4 alike; by chance 1/2 * 1/4 + 1/2 * 3/4 = 1/2
    assert found["pairs"][0]["kappa"] == pytest.approx((0.75 - 0.5) / 0.5)
    assert found["pairs"][0]["same"] == 0.75


def test_kappa_counts_only_what_both_labeled(items, tmp_path):
    names = list(items.all)
    one = {name: items.all[name].level for name in names[:6]}
    two = {name: items.all[name].level for name in names[3:9]}
    assert agreement(items, [labels(tmp_path, "ann", one), labels(tmp_path, "ben", two)])["pairs"][0]["items"] == 3


def test_one_label_for_everything_has_no_kappa(items, tmp_path):
    same = dict.fromkeys(items.all, "generic")
    found = agreement(items, [labels(tmp_path, "ann", same), labels(tmp_path, "ben", same)])
    assert found["pairs"][0]["kappa"] is None
    assert found["mean_kappa"] is None
    assert "kappa is not defined" in agreement_text(found)


def test_a_judge_stands_beside_the_people(items, tmp_path):
    unsure = truth(items) | {next(iter(items.all)): "unclear"}
    people = [labels(tmp_path, name, truth(items)) for name in ("ann", "ben")]
    found = agreement(items, [*people, labels(tmp_path, "openai:m", unsure, judge=True)])
    assert found["mean_kappa"] == 1.0, "the judge is not among the people"
    assert 0.5 < found["judges"]["openai:m (judge)"] < 1
    assert found["annotators"]["openai:m (judge)"]["unclear"] == 1
    assert found["confusion"][0]["mean"]["generic"]["generic"] == 1.0


def test_labels_survive_half_a_line(tmp_path):
    ann = open_labels(tmp_path, "Ann")
    ann.add("a", "expert")
    ann.add("b", "generic")
    ann.add("a", "avoidance")
    with ann.path.open("ab") as file:
        file.write(b'{"item": "c", "lab')
    (found,) = read_all(tmp_path)
    assert found.given == {"a": "avoidance", "b": "generic"}
    found.add("c", "expert")
    assert read_all(tmp_path)[0].given["c"] == "expert"


def test_responses_to_one_query_are_never_neighbors(items):
    order = items.order(0, "ann")
    rows = [items.query_of[item.id] for item in order]
    assert len(order) == 15
    assert all(one != other for one, other in pairwise(rows))
    assert [item.id for item in items.order(0, "ben")] != [item.id for item in order]


def test_seats_share_what_is_shared(items):
    seats = [{query.row for query in items.seat(number)} for number in range(3)]
    assert all(len(seat) == 5 for seat in seats)
    assert len(seats[0] & seats[1] & seats[2]) == 3


def test_the_interval_of_kappa_is_around_it_and_shrinks_with_agreement(items, tmp_path):
    some = {name: "generic" if n % 5 == 0 else item.level for n, (name, item) in enumerate(items.all.items())}
    few = [labels(tmp_path, "ann", truth(items)), labels(tmp_path, "ben", some)]
    (pair,) = agreement(items, few)["pairs"]
    low, high = pair["interval"]
    assert 0 < low < pair["kappa"] < high <= 1
    (same,) = agreement(items, [labels(tmp_path, name, truth(items)) for name in ("ann", "ben")])["pairs"]
    assert same["interval"] == [1.0, 1.0]


def test_labels_as_written_are_counted_with_their_interval(items, tmp_path):
    given = truth(items)
    wrong = next(name for name, level in given.items() if level != "expert")
    found = agreement(items, [labels(tmp_path, "ann", given | {wrong: "expert"})])["annotators"]["ann"]
    assert found["as_written"] == (len(given) - 1) / len(given)
    assert found["interval"][0] < found["as_written"] < found["interval"][1]


def test_an_annotator_without_labels_breaks_nothing(items, tmp_path):
    found = agreement(items, [labels(tmp_path, "ann", {}), labels(tmp_path, "ben", truth(items))])
    assert found["annotators"]["ann"]["as_written"] is None
    assert found["pairs"][0]["kappa"] is None
    assert "no response labeled by both yet" in agreement_text(found)


def test_labels_are_read_as_they_were_while_people_go_on(tmp_path):
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "items.json").write_text("{}")
    open_labels(folder, "Ben")
    assert fingerprint(tmp_path) == {} and label_files(tmp_path) == [], "nobody has labeled anything"
    ann = open_labels(folder, "Ann")
    ann.add("a", "expert")
    before = fingerprint(tmp_path)
    assert set(before) == {"items.json", "labels/Ann.jsonl"}
    ann.add("a", "generic")
    assert [labels.given for labels in read_as_of(folder, before)] == [{"a": "expert"}]
    (folder / "items.json").write_text("{ }")
    assert read_as_of(folder, before) is None


def test_a_broken_line_is_named(tmp_path):
    ann = open_labels(tmp_path, "Ann")
    with ann.path.open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(Corrupted) as error:
        read_all(tmp_path)
    assert error.value.where == f"{ann.path}:2"


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\\b", ".hidden", "con", "x" * 41, "end.", "a\0b", "a:b"])
def test_names_are_no_paths(name):
    with pytest.raises(UsageError, match="cannot be the name"):
        annotator_name(name)


def test_the_same_name_in_other_capitals_is_the_same_annotator(tmp_path):
    open_labels(tmp_path, annotator_name("  Zo\u0065\u0308 \n Li ")).add("a", "expert")
    again = open_labels(tmp_path, annotator_name("zo\u00eb li"))
    assert again.given == {"a": "expert"} and again.annotator == "Zo\u00eb Li"
    assert open_labels(tmp_path, "Ben").seat == 1


def test_a_label_that_does_not_fit_on_the_disk_is_not_counted(tmp_path, monkeypatch):
    ann = open_labels(tmp_path, "Ann")
    ann.add("a", "expert")
    before = ann.path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        ann.add("b", "expert")
    assert ann.given == {"a": "expert"}
    assert ann.path.read_bytes() == before
