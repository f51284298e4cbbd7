import pytest

from avspec.api import Answer, Request
from avspec.calls.answers import spent
from avspec.calls.prices import Price
from avspec.errors import BatchLost, Interrupted, OverBudget, ProviderError


class Crash(BaseException):
    """The process dies here."""


class Api:
    """A batch API that remembers what was handed in, as the real ones do."""

    def __init__(self):
        self.batches, self.names, self.looks = {}, {}, 0
        self.crash = self.lost = None
        self.failing = set()

    async def submit(self, name, requests):
        if self.crash == "before submit":
            raise Crash
        key = f"batch-{len(self.batches)}"
        self.batches[key], self.names[name] = dict(requests), key
        if self.crash == "after submit":
            raise Crash
        return key

    async def find(self, name, requests, since):
        return self.names.get(name)

    async def collect(self, batch):
        self.looks += 1
        if self.crash == "while it runs":
            raise Crash
        if self.lost:
            raise self.lost
        if self.looks % 2:
            return None
        found = self.batches[batch].items()
        return {d: None if r.prompt in self.failing else Answer(r.prompt.upper()) for d, r in found}


@pytest.fixture
def api(script):
    script.batches = Api()
    return script.batches


BATCH = {"mode": "batch", "poll": 0.01}
ASKED = [Request(f"question {number}") for number in range(5)]


def test_a_list_is_one_batch(asker, api, script):
    with asker(options=BATCH) as ask:
        assert [answer.text for answer in ask.ask(ASKED, "n")][4] == "QUESTION 4"
    assert len(api.batches) == 1
    assert script.asked == [], "no live call was made"
    with asker(options=BATCH) as ask:
        ask.ask(ASKED, "n")
    assert len(api.batches) == 1


@pytest.mark.parametrize("moment", ["before submit", "after submit", "while it runs"])
def test_a_crash_hands_nothing_in_twice(asker, api, moment):
    api.crash = moment
    with pytest.raises(Crash), asker(options=BATCH) as ask:
        ask.ask(ASKED, "n")
    api.crash = None
    with asker(options=BATCH) as ask:
        assert len(ask.ask(ASKED, "n")) == 5
    assert len(api.batches) == 1


def test_a_batch_is_picked_up_beside_new_requests(asker, api):
    api.crash = "while it runs"
    with pytest.raises(Crash), asker(options=BATCH) as ask:
        ask.ask(ASKED[:3], "n")
    api.crash = None
    with asker(options=BATCH) as ask:
        ask.ask(ASKED, "n")
    assert [len(batch) for batch in api.batches.values()] == [3, 2]


def test_what_fails_is_handed_in_once_more_and_then_told(asker, api):
    api.failing = {"question 2"}
    with asker(options=BATCH) as ask, pytest.raises(ProviderError, match="1 of 5 requests failed in 2 batches"):
        ask.ask(ASKED, "n")
    assert [len(batch) for batch in api.batches.values()] == [5, 1]
    api.failing = set()
    with asker(options=BATCH) as ask:
        assert len(ask.ask(ASKED, "n")) == 5
    assert [len(batch) for batch in api.batches.values()] == [5, 1, 1]


def test_a_lost_batch_is_handed_in_anew_by_the_next_call(asker, api):
    api.lost = BatchLost("expired")
    with asker(options=BATCH) as ask, pytest.raises(BatchLost):
        ask.ask(ASKED, "n")
    api.lost = None
    with asker(options=BATCH) as ask:
        ask.ask(ASKED, "n")
    assert len(api.batches) == 2


def test_a_provider_out_of_reach_keeps_its_batch(asker, api):
    api.lost = ProviderError("no network")
    with asker(options=BATCH) as ask, pytest.raises(ProviderError, match="no network"):
        ask.ask(ASKED, "n")
    api.lost = None
    with asker(options=BATCH) as ask:
        assert len(ask.ask(ASKED, "n")) == 5
    assert len(api.batches) == 1, "it was not handed in again"


def test_a_provider_without_batches_says_so(asker, script):
    with asker(options=BATCH) as ask, pytest.raises(ProviderError, match="'scripted' has no batches"):
        ask.ask(ASKED, "n")


def crashed(asker, api, asked, **more):
    """Hand in a batch and die while it runs."""
    api.crash = "while it runs"
    with pytest.raises(Crash), asker(options=BATCH, **more) as ask:
        ask.ask(asked, "n")
    api.crash = None


def test_answers_that_are_not_asked_for_any_more_are_kept_too(asker, api):
    crashed(asker, api, ASKED)
    with asker(options=BATCH) as ask:
        assert len(ask.ask(ASKED[:3], "n")) == 3
    with asker(options=BATCH) as ask:
        assert [answer.text for answer in ask.ask(ASKED, "n")][4] == "QUESTION 4"
    assert [len(batch) for batch in api.batches.values()] == [5], "all five were paid with the first batch"


DOLLAR = {"prices": {"m": Price(input=0, output=1000)}, "max_cost": 3}
LONG = [Request(f"long {number}", max_tokens=1000) for number in range(5)]
"""Half a dollar each at worst, in a batch."""


def test_a_batch_that_is_not_collected_counts_against_the_limit(asker, api):
    crashed(asker, api, LONG, **DOLLAR)
    other = [Request(f"other {number}", max_tokens=1000) for number in range(2)]
    with (
        asker(options=BATCH, **DOLLAR) as ask,
        pytest.raises(OverBudget, match=r"not collected yet might cost \$2.5000"),
    ):
        ask.ask(other, "n")
    with asker(options={**BATCH, "model": "n"}, prices={"n": DOLLAR["prices"]["m"]}, max_cost=3) as ask:
        assert ask.budget.pending, "nor may another model spend it"
    assert len(api.batches) == 1
    with asker(options=BATCH, **DOLLAR) as ask:
        ask.ask(LONG, "n")  # collected, and cheaper than feared
        assert len(ask.ask(other, "n")) == 2
        assert not ask.budget.pending


def test_a_crash_after_the_last_answer_leaves_nothing_pending(asker, api, tmp_path):
    with asker(options=BATCH, **DOLLAR) as ask:
        ask.ask(LONG, "n")
    (ledger,) = (tmp_path / "answers" / "batches").glob("*.jsonl")
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:-1]))  # the line that says it is done
    with asker(options=BATCH, **DOLLAR) as ask:
        assert ask.budget.pending
        ask.ask([*LONG, Request("one more", max_tokens=10)], "n")
        assert not ask.budget.pending
    assert [len(batch) for batch in api.batches.values()] == [5, 1]


def test_a_batch_that_might_be_too_dear_is_not_handed_in(asker, api, tmp_path):
    with asker(options=BATCH, **{**DOLLAR, "max_cost": 2.4}) as ask, pytest.raises(OverBudget, match="the next batch"):
        ask.ask(LONG, "n")
    assert not api.batches
    assert spent(tmp_path / "answers", "run") == 0


def test_ctrl_c_leaves_the_batch_at_the_provider(asker, api):
    def progress(done, total, note):
        if "batch at" in note:
            raise Interrupted("stopped")

    told = []
    with asker(options=BATCH, progress=progress, log=told.append) as ask, pytest.raises(Interrupted):
        ask.ask(ASKED, "n")
    assert told == ["the batch goes on at the provider; the same command picks it up again"]
    with asker(options=BATCH, log=told.append) as ask:
        assert len(ask.ask(ASKED, "n")) == 5
    assert told[1] == "a batch of 5 requests was handed in before: waiting for it"
    assert len(api.batches) == 1
