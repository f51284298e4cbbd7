import pytest

from avspec.api import Answer, Request
from avspec.errors import BatchLost, ProviderError


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
