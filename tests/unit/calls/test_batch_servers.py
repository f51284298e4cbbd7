"""Batches of the real providers, handed in to a server that speaks their protocols."""

import pytest
from llm_server import LlmServer

from avspec.api import Request
from avspec.calls.answers import answers_path
from avspec.calls.asking import Asker
from avspec.providers.batches import NetworkBatches

ASKED = [Request(f"question {number}") for number in range(6)]


class Crash(BaseException):
    """The process dies here."""


@pytest.fixture(params=["openai", "anthropic"])
def plugin(request):
    return request.param


@pytest.fixture
def server():
    with LlmServer(lambda prompt, system: prompt.upper()) as running:
        yield running


@pytest.fixture
def asker(tmp_path, plugin, server):
    def make(**options):
        url = server.openai_url if plugin == "openai" else server.url
        every = {"model": "m", "base_url": url, "mode": "batch", "poll": 0.01, **options}
        return Asker(plugin, every, folder=tmp_path / "answers", run="run")

    return make


def crash(monkeypatch, *, after):
    submit = NetworkBatches.submit

    async def dying(self, name, requests):
        if after:
            await submit(self, name, requests)
        raise Crash

    monkeypatch.setattr(NetworkBatches, "submit", dying)


@pytest.mark.parametrize("after", [False, True], ids=["before it was handed in", "before the id was written"])
def test_a_crash_hands_in_nothing_twice(asker, server, monkeypatch, after):
    with monkeypatch.context() as dying:
        crash(dying, after=after)
        with pytest.raises(Crash), asker() as ask:
            ask.ask(ASKED, "n")
    assert len(server.batches) == after
    with asker() as ask:
        assert [answer.text for answer in ask.ask(ASKED, "n")] == [request.prompt.upper() for request in ASKED]
    assert len(server.batches) == 1


def test_a_crash_after_the_id_was_written_is_picked_up(asker, server, monkeypatch):
    async def dying(self, batch):
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(NetworkBatches, "collect", dying)
        with pytest.raises(Crash), asker() as ask:
            ask.ask(ASKED, "n")
    with asker() as ask:
        assert len(ask.ask(ASKED, "n")) == 6
    assert len(server.batches) == 1


def test_a_batch_and_live_calls_share_their_answers(asker, server, tmp_path):
    with asker() as ask:
        ask.ask(ASKED, "n")
    arrived = len(server.requests)
    with asker(mode="live") as ask:
        ask.ask(ASKED, "n")
    assert len(server.requests) == arrived
    assert answers_path(tmp_path / "answers", ask.identity).exists()
