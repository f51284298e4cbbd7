"""What OpenAI's protocol has of its own, and what servers that speak it do differently."""

import asyncio
import json
from typing import Any

import pytest
from endpoints import make, run
from llm_server import LlmServer
from pydantic import ValidationError

from avspec.api import Answer, Request
from avspec.errors import ProviderError
from avspec.providers.openai import OpenAI, OpenAIOptions

SCHEMA = {
    "type": "object",
    "properties": {
        "query": {"type": "string"},
        "about": {"type": "object", "properties": {"age": {"type": "integer"}}},
    },
}


def ask(server: LlmServer, *requests: Request, **options: Any) -> list[Answer]:
    async def all_of(provider: OpenAI) -> list[Answer]:
        return [await provider.answer(request) for request in requests]

    answers: list[Answer] = run(make(OpenAI, server, **options), all_of)
    return answers


def bodies(server: LlmServer) -> list[dict[str, Any]]:
    return [request.body for request in server.sent("/v1/chat/completions")]


def test_a_request_is_a_chat_completion(server: LlmServer) -> None:
    ask(server, Request("Why?", "Be brief.", max_tokens=7, seed=3), Request("Why?"))
    first, second = bodies(server)
    system, user = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}
    assert first == {"model": "small-1", "max_tokens": 7, "seed": 3, "messages": [system, user]}
    assert second == {"model": "small-1", "max_tokens": 1024, "seed": 0, "messages": [user]}


def test_the_temperature_is_sent_only_when_it_is_set(server: LlmServer) -> None:
    ask(server, Request("Why?"), temperature=0.5)
    assert bodies(server)[0]["temperature"] == 0.5


def test_the_key_comes_from_the_variable_that_is_named(server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "other-key")
    ask(server, Request("Why?"), api_key_env="OTHER_KEY")
    assert server.requests[0].headers["authorization"] == "Bearer other-key"


def test_a_schema_becomes_a_strict_response_format(server: LlmServer) -> None:
    (answer,) = ask(server, Request("A query.", schema=SCHEMA))
    assert set(json.loads(answer.text)) == {"query", "about"}
    form = bodies(server)[0]["response_format"]["json_schema"]
    assert form["strict"] and form["schema"]["required"] == ["query", "about"]
    assert form["schema"]["properties"]["about"]["additionalProperties"] is False
    assert "required" not in SCHEMA, "the caller's schema stays as it is"


def test_a_server_without_structured_output_is_asked_in_words_from_then_on() -> None:
    with LlmServer(unknown=["response_format"]) as server:
        ask(server, Request("One.", schema=SCHEMA), Request("Two.", schema=SCHEMA))
        assert ["response_format" in body for body in bodies(server)] == [True, False, False]


def test_requests_that_learn_at_the_same_time_are_all_answered() -> None:
    async def together(provider: OpenAI) -> list[Answer]:
        requests = [Request(f"{number}?", schema=SCHEMA) for number in range(8)]
        return list(await asyncio.gather(*map(provider.answer, requests)))

    with LlmServer(unknown=["response_format", "seed"], delay=0.05) as server:
        assert len({answer.text for answer in run(make(OpenAI, server), together)}) == 8
        assert len(server.completed) == 8


def test_a_server_that_wants_the_newer_name_of_the_limit_gets_it() -> None:
    with LlmServer(unknown=["max_tokens"]) as server:
        answers = ask(server, Request("One.", max_tokens=3), Request("Two.", max_tokens=3))
        assert [answer.stop for answer in answers] == ["length", "length"]
        assert ["max_completion_tokens" in body for body in bodies(server)] == [False, True, True]


def test_a_server_that_knows_no_limit_at_all_is_an_error() -> None:
    with (
        LlmServer(unknown=["max_tokens", "max_completion_tokens"]) as server,
        pytest.raises(ProviderError, match="Unsupported parameter: 'max_completion_tokens'"),
    ):
        ask(server, Request("One."))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (None, "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("http://127.0.0.1:11434/v1", "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_server_is_likely_to_know(url: str | None, name: str) -> None:
    provider = OpenAI(OpenAIOptions(model="small-1", base_url=url))
    assert provider.parameters(Request("Why?", max_tokens=9))[name] == 9


def test_a_prompt_that_the_content_filter_blocks_is_a_refusal(server: LlmServer) -> None:
    server.fault("content_filter")
    assert ask(server, Request("Why?")) == [Answer("The prompt was blocked by the content policy", "refusal")]


@pytest.mark.parametrize(
    ("choice", "text", "stop"),
    [
        ({"message": {"content": "A"}, "finish_reason": "stop"}, "A", "end"),
        ({"message": {"content": "A"}, "finish_reason": None}, "A", "end"),
        ({"message": {"content": "A"}, "finish_reason": "length"}, "A", "length"),
        ({"message": {"content": None}, "finish_reason": "length"}, "", "length"),
        ({"message": {"content": "A"}, "finish_reason": "content_filter"}, "A", "refusal"),
        ({"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}, "No.", "refusal"),
    ],
)
def test_finish_reasons(choice: dict[str, Any], text: str, stop: str) -> None:
    provider = OpenAI(OpenAIOptions(model="small-1"))
    assert provider.read({"choices": [choice]}) == Answer(text, stop)  # type: ignore[arg-type]


def test_an_error_with_status_200_tells_its_reason() -> None:
    provider = OpenAI(OpenAIOptions(model="small-1"))
    with pytest.raises(ValueError, match=r"no chat completion.*upstream is down"):
        provider.read({"error": {"message": "upstream is down"}})


def test_an_account_without_credit_is_told(server: LlmServer) -> None:
    server.fault("error", status=402, message="You exceeded your current quota")
    with pytest.raises(ProviderError, match="the account has no credit left: You exceeded") as caught:
        ask(server, Request("Why?"))
    assert caught.value.hint.startswith("add credit")


def test_an_address_needs_its_scheme() -> None:
    with pytest.raises(ValidationError, match="base_url"):
        OpenAIOptions(model="small-1", base_url="localhost:8000/v1")
