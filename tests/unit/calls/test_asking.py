import random

import pytest

from avspec.api import Request
from avspec.calls.answers import spent
from avspec.calls.prices import Price
from avspec.errors import Interrupted, OverBudget, ProviderError

DOLLAR = {"m": Price(input=0, output=1000)}
"""A thousand tokens written cost a dollar."""


def requests(count, **more):
    return [Request(f"question {number}", **more) for number in range(count)]


def texts(answers):
    return [answer.text for answer in answers]


def test_answers_stand_in_the_order_of_the_requests(asker, script):
    with asker(options={"concurrency": 4}) as ask:
        assert texts(ask.ask(requests(20), "n")) == [f"QUESTION {number}" for number in range(20)]
    assert script.most == 4, "no more than so many at once"
    assert script.closed == 1


def test_nothing_is_asked_twice(asker, script):
    with asker() as ask:
        ask.ask([*requests(3), *requests(3)], "n")
    with asker() as ask:
        answers = ask.ask(requests(5), "n")
    assert texts(answers)[0] == "QUESTION 0"
    assert sorted(script.asked) == [f"question {number}" for number in range(5)]
    assert (ask.usage.calls, ask.usage.kept) == (2, 3)


def test_what_is_on_disk_needs_no_provider(asker, script):
    with asker() as ask:
        ask.ask(requests(2), "n")
    made = script.made
    with asker() as ask:
        ask.ask(requests(2), "n")
    assert script.made == made


def test_how_a_call_is_made_is_no_part_of_the_question(asker, script):
    with asker(options={"concurrency": 1}) as ask:
        ask.ask(requests(2), "n")
    with asker(options={"concurrency": 9, "poll": 3}) as ask:
        ask.ask(requests(2), "n")
    assert len(script.asked) == 2


def test_a_failure_keeps_what_is_on_its_way(asker, script):
    script.fails["question 0"] = ProviderError("no")
    script.seconds = 0.02
    with asker(options={"concurrency": 4}) as ask, pytest.raises(ProviderError):
        ask.ask(requests(12), "n")
    assert len(script.asked) == 4, "no call is begun after a failure"
    script.fails.clear()
    with asker() as ask:
        ask.ask(requests(12), "n")
    assert len(script.answered) == len(set(script.answered)), "no answer was paid for twice"


def test_a_failure_says_how_many_answers_are_kept(asker, script):
    script.fails["question 4"] = ProviderError("no", hint="wait")
    with asker(options={"concurrency": 1}) as ask, pytest.raises(ProviderError) as raised:
        ask.ask(requests(9), "n")
    assert raised.value.hint == "wait; 4 of 9 answers are kept and not asked for again"


def test_ctrl_c_keeps_what_is_on_its_way(asker, script):
    def progress(done, total, note):
        if done == 3:
            raise Interrupted("stopped")

    with asker(options={"concurrency": 2}, progress=progress) as ask, pytest.raises(Interrupted):
        ask.ask(requests(10), "n")
    with asker() as ask:
        ask.ask(requests(10), "n")
    assert len(script.answered) == len(set(script.answered)) == 10


def test_what_a_third_party_raises_is_told_with_its_name(asker, script):
    script.fails["question 0"] = RuntimeError("boom")
    with asker() as ask, pytest.raises(ProviderError, match=r"'scripted' failed: RuntimeError: boom"):
        ask.ask(requests(1), "n")


def test_the_budget_is_never_passed(asker, script, tmp_path):
    draw = random.Random(0)
    for limit in (0.5, 3.0, 7.3):
        script.tokens = draw.randrange(100, 1000)
        before = spent(tmp_path / "answers", "run")
        asked = [Request(f"{limit} {number}", max_tokens=1000) for number in range(40)]
        with asker(max_cost=before + limit, prices=DOLLAR) as ask, pytest.raises(OverBudget) as raised:
            ask.ask(asked, "n")
        paid = spent(tmp_path / "answers", "run") - before
        assert paid <= limit
        assert paid > limit - 1.001, "another call would not have been sure to fit"
        assert "synthesis.max_cost" in str(raised.value)


def test_money_spent_before_counts(asker, script):
    with asker(max_cost=2.5, prices=DOLLAR) as ask:
        ask.ask(requests(2, max_tokens=1000), "n")
    with asker(max_cost=2.5, prices=DOLLAR) as ask, pytest.raises(OverBudget):
        ask.ask(requests(3, max_tokens=1000), "n")
    with asker(max_cost=2.5, prices=DOLLAR) as ask:
        assert ask.ask(requests(2, max_tokens=1000), "n"), "what is on disk costs nothing"
        assert ask.usage.cost == 2.0


def test_a_limit_needs_a_price(asker):
    with pytest.raises(ProviderError, match="price of 'm' is unknown") as raised:
        asker(max_cost=1)
    assert "synthesis: {prices: {m:" in raised.value.hint
