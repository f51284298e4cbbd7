"""Batches are handed in once, found again after a crash, and read as live answers are."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from endpoints import both, make, run
from llm_server import LlmServer
from llm_wire import Refusal, Rejected

from avspec.api import Answer, Request
from avspec.digest import digest
from avspec.errors import ProviderError
from avspec.providers.anthropic import Anthropic
from avspec.providers.openai import OpenAI

SUBMIT = {Anthropic: "/v1/messages/batches", OpenAI: "/v1/batches"}
START = datetime.now(UTC)


def some(*prompts: str) -> dict[str, Request]:
    return {digest(prompt): Request(prompt, "Be brief.", max_tokens=50) for prompt in prompts}


REQUESTS = some("One?", "Two?", "Three?")


def batches(cls: type[Any], server: LlmServer, use: Any, **options: Any) -> Any:
    return run(make(cls, server, **options), lambda provider: use(provider.batches))


def submit(cls: type[Any], server: LlmServer, name: str = "a", requests: Any = REQUESTS, **options: Any) -> str:
    batch: str = batches(cls, server, lambda api: api.submit(name, requests), **options)
    return batch


def find(cls: type[Any], server: LlmServer, name: str = "a", requests: Any = REQUESTS, since: Any = START) -> Any:
    return batches(cls, server, lambda api: api.find(name, requests, since))


def collect(cls: type[Any], server: LlmServer, batch: str) -> Any:
    return batches(cls, server, lambda api: api.collect(batch))


@both
def test_a_batch_brings_what_live_requests_would(cls: type[Any], server: LlmServer) -> None:
    batch = submit(cls, server)
    assert collect(cls, server, batch) is None
    answers = collect(cls, server, batch)
    assert set(answers) == set(REQUESTS)
    for key, request in REQUESTS.items():
        assert answers[key] == run(make(cls, server), lambda provider, asked=request: provider.answer(asked))


@both
def test_what_failed_is_none_and_what_was_declined_a_refusal(cls: type[Any]) -> None:
    def answer(prompt: str, system: str) -> str:
        if prompt == "Two?":
            raise ValueError("out of memory")
        if prompt == "Three?":
            raise Refusal("No.")
        return "Yes."

    with LlmServer(answer, polls=0) as server:
        answers = collect(cls, server, submit(cls, server))
    one, two, three = (answers[key] for key in REQUESTS)
    assert (one.text, two, three.text, three.stop) == ("Yes.", None, "No.", "refusal")


@both
def test_a_batch_is_found_again_after_a_crash(cls: type[Any], server: LlmServer) -> None:
    assert find(cls, server) is None
    batch = submit(cls, server)
    assert find(cls, server) == batch, "while it is running"
    collect(cls, server, batch), collect(cls, server, batch)
    assert find(cls, server) == batch, "and when it has ended"
    assert find(cls, server, since=datetime.now(UTC) + timedelta(minutes=1)) is None, "but not before its time"


@both
def test_another_batch_is_not_taken_for_ours(cls: type[Any], server: LlmServer) -> None:
    others = some("Four?", "Five?", "Six?")
    batch = submit(cls, server, "b", others)
    assert find(cls, server, requests=some("One?", "Two?")) is None
    collect(cls, server, batch), collect(cls, server, batch)
    assert find(cls, server) is None
    assert find(cls, server, "b", others) == batch


def test_anthropic_takes_no_running_batch_when_several_could_be_ours(server: LlmServer) -> None:
    first, second = submit(Anthropic, server), submit(Anthropic, server, requests=some("Four?", "Five?", "Six?"))
    with pytest.raises(ProviderError, match="cannot be told which is ours"):
        find(Anthropic, server)
    for batch in (first, second):
        collect(Anthropic, server, batch), collect(Anthropic, server, batch)
    assert find(Anthropic, server) == first


def test_openai_finds_a_batch_behind_a_page_of_others(server: LlmServer) -> None:
    first = submit(OpenAI, server, "first")

    async def many(api: Any) -> None:
        for number in range(101):
            await api.submit(f"other-{number}", some("Four?"))

    batches(OpenAI, server, many)
    assert find(OpenAI, server, "first") == first


@both
@pytest.mark.parametrize("kind", ["cut", "malformed", "other", "error"])
def test_a_batch_that_may_have_arrived_is_looked_for_before_it_is_sent_again(
    cls: type[Any], server: LlmServer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes the first attempt and then breaks off."""
    route = server.batches.route

    def take_and_break(method: str, target: str, request: Any, raw: bytes) -> Any:
        taken = route(method, target, request, raw)
        if (method, target) != ("POST", SUBMIT[cls]):
            return taken
        if kind == "cut":
            raise ConnectionAbortedError
        if kind == "error":
            raise Rejected(500, "broken off")
        return {"not": "a batch"} if kind == "other" else b'{"id": "ba'

    monkeypatch.setattr(server.batches, "route", take_and_break)
    batch = submit(cls, server)
    assert [stored.id for stored in server.batches] == [batch]


@both
def test_a_batch_that_was_not_taken_is_sent_again(cls: type[Any], server: LlmServer) -> None:
    server.fault("rate_limit", path=SUBMIT[cls])
    server.fault("error", path=SUBMIT[cls])
    assert submit(cls, server)
    assert (len(server.sent(SUBMIT[cls])), len(server.batches)) == (3, 1)


@both
def test_a_batch_that_is_never_taken_says_how_often_it_was_tried(cls: type[Any], server: LlmServer) -> None:
    server.fault("rate_limit", times=9, path=SUBMIT[cls])
    with pytest.raises(ProviderError, match="the provider answered 429, after 2 retries"):
        submit(cls, server)


@both
def test_a_batch_that_breaks_a_rule_tells_the_reason(cls: type[Any], server: LlmServer) -> None:
    with pytest.raises(ProviderError, match="there must be one"):
        submit(cls, server, requests={})


@both
def test_a_server_without_batches_is_told(cls: type[Any], server: LlmServer) -> None:
    server.fault("error", status=404, message="Not Found", path="/v1/messages/batches")
    server.fault("error", status=404, message="Not Found", path="/v1/files")
    with pytest.raises(ProviderError, match="this server has no batch API") as caught:
        submit(cls, server)
    assert "`mode: live`" in caught.value.hint


@both
@pytest.mark.parametrize(
    ("state", "what"),
    [("expired", "expired without answers"), ("cancelled", "was cancelled"), ("gone", "is gone")],
)
def test_a_batch_that_brings_nothing_is_an_error(cls: type[Any], server: LlmServer, state: str, what: str) -> None:
    batch = submit(cls, server)
    server.batches.stored[batch].state = state
    with pytest.raises(ProviderError, match=f"the batch {batch} {what}") as caught:
        collect(cls, server, batch)
    assert "run the same command again" in caught.value.hint


def test_a_file_that_openai_does_not_accept_tells_the_line(server: LlmServer) -> None:
    batch = submit(OpenAI, server)
    server.batches.stored[batch].state = "failed"
    with pytest.raises(ProviderError, match=r"was not accepted: line 1: Not JSON\."):
        collect(OpenAI, server, batch)
    assert find(OpenAI, server) is None


def test_openai_keeps_the_answers_of_a_batch_that_expired_halfway(server: LlmServer) -> None:
    batch = submit(OpenAI, server)
    collect(OpenAI, server, batch), collect(OpenAI, server, batch)
    stored = server.batches.stored[batch]
    key = list(REQUESTS)[1]
    expired = {"code": "batch_expired", "message": "This request could not be executed before the window expired."}
    stored.results[1] = {"id": "batch_req_1", "custom_id": key, "response": None, "error": expired}
    stored.state = "expired"
    answers = collect(OpenAI, server, batch)
    assert [digest_ for digest_, answer in answers.items() if answer is None] == [key]


def test_openai_reads_a_prompt_that_the_content_filter_blocked_as_a_refusal(server: LlmServer) -> None:
    batch = submit(OpenAI, server)
    collect(OpenAI, server, batch), collect(OpenAI, server, batch)
    body = {"error": {"code": "content_filter", "message": "Blocked."}}
    record = server.batches.stored[batch].results[0]
    record["response"] = {"status_code": 400, "request_id": "req_1", "body": body}
    assert collect(OpenAI, server, batch)[record["custom_id"]] == Answer("Blocked.", "refusal")


@both
def test_results_that_break_off_are_fetched_again(cls: type[Any], server: LlmServer) -> None:
    batch = submit(cls, server)
    collect(cls, server, batch)
    server.fault("cut_amid", path="/v1/messages/batches/msgbatch_1/results")
    server.fault("cut_amid", path="/v1/files/")
    assert len(collect(cls, server, batch)) == 3
    assert len(server.faults) == 1, "one of the two was met"


def test_the_ids_of_a_batch_are_the_digests(server: LlmServer) -> None:
    for cls in (Anthropic, OpenAI):
        submit(cls, server)
    for stored in server.batches:
        assert [entry["custom_id"] for entry in stored.entries] == list(REQUESTS)
    assert json.dumps(stored.metadata) == '{"avspec": "a"}'
