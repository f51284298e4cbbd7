import json

import pytest

from avspec.api import Answer, Request
from avspec.calls.answers import Answers, request_digest, spent
from avspec.errors import Corrupted, StoreBusy

IDENTITY = {"plugin": "openai", "model": "m", "options": {}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers" / "openai-m.jsonl"


def keep(answers, number, *, cost=0.5, run="a"):
    request = Request(f"question {number}")
    digest = request_digest(IDENTITY, request)
    answers.keep(digest, request, Answer(f"answer {number}\nwith «two» lines"), cost=cost, run=run)
    return digest


def test_an_answer_is_found_by_another_process(path):
    with Answers(path) as answers:
        digest = keep(answers, 1)
    with Answers(path) as answers:
        assert answers.get(digest) == Answer("answer 1\nwith «two» lines")
        assert answers.get("0" * 64) is None


@pytest.mark.parametrize(
    "change", [{"prompt": "x"}, {"system": "x"}, {"max_tokens": 9}, {"seed": 1}, {"schema": {"type": "object"}}]
)
def test_everything_in_a_request_decides_its_digest(change):
    assert request_digest(IDENTITY, Request(**{"prompt": "q", **change})) != request_digest(IDENTITY, Request("q"))


def test_half_a_line_is_cut_and_written_again(path):
    with Answers(path) as answers:
        first, second = keep(answers, 1), keep(answers, 2)
    whole = path.read_bytes()
    for cut in range(whole.index(b"\n") + 1, len(whole) - 1, 7):
        path.write_bytes(whole[:cut])
        with Answers(path) as answers:
            assert answers.get(first) is not None
            assert answers.get(second) is None
            keep(answers, 2)
        assert path.read_bytes() == whole


def test_a_broken_line_is_named(path):
    with Answers(path) as answers:
        keep(answers, 1)
    path.write_bytes(b"{broken\n" + path.read_bytes())
    with pytest.raises(Corrupted) as raised, Answers(path):
        pass
    assert raised.value.where == f"{path}:1"


def test_one_process_at_a_time(path):
    with Answers(path), pytest.raises(StoreBusy), Answers(path):
        pass


def test_what_a_run_has_spent(path):
    with Answers(path) as answers:
        for number in range(4):
            keep(answers, number, cost=0.25, run="mine" if number else "other")
        keep(answers, 9, cost=None, run="mine")
    with path.open("ab") as file:
        file.write(json.dumps({"run": "mine", "cost": 100}).encode())  # no end of line: it never counted
    assert spent(path.parent, "mine") == 0.75
    assert spent(path.parent / "nowhere", "mine") == 0


def test_a_broken_line_is_named_when_money_is_counted(path):
    with Answers(path) as answers:
        keep(answers, 1)
    path.write_bytes(path.read_bytes() + b"{broken\n")
    with pytest.raises(Corrupted) as raised:
        spent(path.parent, "a")
    assert raised.value.where == f"{path}:2"
