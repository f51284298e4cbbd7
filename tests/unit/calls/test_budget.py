import asyncio
import random

import pytest

from avspec.api import Answer, Request
from avspec.calls.answers import spent
from avspec.calls.budget import Budget
from avspec.calls.prices import Price
from avspec.errors import OverBudget

PRICES = {"m": Price(input=100, output=1000)}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_answers_cost_the_limit_is_not_passed(asker, script, tmp_path, monkeypatch, seed):
    draw = random.Random(seed)
    most = {f"question {number} {seed}": draw.randrange(1, 2000) for number in range(60)}
    limit, at_once = draw.uniform(0.5, 30), draw.randrange(1, 12)
    highest = 0.0

    async def answer(self, request):
        nonlocal highest
        highest = max(highest, ask.budget.spent + ask.budget.reserved)
        await asyncio.sleep(draw.uniform(0, 0.003))
        written = draw.choice([request.max_tokens, draw.randrange(0, request.max_tokens + 1)])
        return Answer("x", input_tokens=draw.randrange(0, 10), output_tokens=written)

    asked = [Request(prompt, max_tokens=tokens) for prompt, tokens in most.items()]
    with asker(max_cost=limit, prices=PRICES, options={"concurrency": at_once}) as ask:
        monkeypatch.setattr(type(ask.provider), "answer", answer)
        try:
            ask.ask(asked, "n")
        except OverBudget:
            assert ask.budget.spent > limit - PRICES["m"].cost(100, 2000), "it stops only when little is left"
    paid = spent(tmp_path / "answers", "run")
    assert 0 < paid <= limit
    assert paid == pytest.approx(ask.budget.spent)
    assert highest <= limit, "nor would it be if every call on its way cost its worst"


def test_a_call_waits_for_others_that_may_cost_less_than_feared():
    budget = Budget(1.5, 0.0, Price(input=0, output=1000), model="m", batch=False)
    order = []

    async def call(name, seconds, cost):
        async with budget.reserve([Request(name, max_tokens=1000)]):
            order.append(f"{name} asks")
            await asyncio.sleep(seconds)
            order.append(f"{name} is back")
            budget.pay(cost)

    async def both():
        await asyncio.gather(call("first", 0.01, 0.2), call("second", 0, 0.2))

    asyncio.run(both())
    assert order == ["first asks", "first is back", "second asks", "second is back"]


def test_over_budget_says_what_is_spent_and_what_is_kept(asker):
    with asker(max_cost=1.2, prices=PRICES) as ask, pytest.raises(OverBudget) as raised:
        ask.ask([Request("a", max_tokens=1000), Request("b", max_tokens=1000)], "n")
    assert str(raised.value) == (
        "the next call might cost $1.0064, $1.1000 are spent, and `synthesis.max_cost` is $1.2\n"
        "  hint: raise it and run the same command again: every answer so far is kept and not paid for twice"
    )


def test_what_is_free_may_be_asked_where_the_limit_is_passed(asker):
    with asker(prices=PRICES) as ask:
        ask.ask([Request("a")], "n")
    with asker(max_cost=0.5, prices={"m": Price(input=0, output=0)}) as ask:
        assert ask.ask([Request("b")], "n")
