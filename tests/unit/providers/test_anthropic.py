"""What Anthropic's protocol has of its own."""

import json

import pytest
from endpoints import make, run
from llm_server import LlmServer

from avspec.api import Answer, Request
from avspec.providers.anthropic import Anthropic, AnthropicOptions

SCHEMA = {
    "type": "object",
    "properties": {"queries": {"type": "array", "minItems": 3, "items": {"type": "string"}}},
    "required": ["queries"],
}


def ask(server: LlmServer, *requests: Request, **options: object) -> list[Answer]:
    async def all_of(provider: Anthropic) -> list[Answer]:
        return [await provider.answer(request) for request in requests]

    answers: list[Answer] = run(make(Anthropic, server, **options), all_of)
    return answers


def test_a_request_is_a_message(server: LlmServer) -> None:
    ask(server, Request("Why?", "Be brief.", max_tokens=7, seed=3), Request("Why?"))
    first, second = (request.body for request in server.sent("/v1/messages"))
    turns = [{"role": "user", "content": "Why?"}]
    assert first == {"model": "small-1", "max_tokens": 7, "system": "Be brief.", "messages": turns}
    assert second == {"model": "small-1", "max_tokens": 1024, "messages": turns}


def test_the_temperature_is_sent_only_when_it_is_set(server: LlmServer) -> None:
    ask(server, Request("Why?"), temperature=0.0)
    assert server.requests[0].body["temperature"] == 0.0


def test_a_schema_becomes_structured_output(server: LlmServer) -> None:
    (answer,) = ask(server, Request("Three queries.", schema=SCHEMA))
    assert len(json.loads(answer.text)["queries"]) >= 3
    form = server.requests[0].body["output_config"]["format"]
    assert form["type"] == "json_schema" and form["schema"]["additionalProperties"] is False
    assert "additionalProperties" not in SCHEMA, "the caller's schema stays as it is"


def test_a_model_without_structured_output_is_asked_in_words_from_then_on() -> None:
    with LlmServer(unknown=["output_config"]) as server:
        ask(server, Request("One.", schema=SCHEMA), Request("Two.", schema=SCHEMA))
    assert ["output_config" in request.body for request in server.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "end"),
        ("stop_sequence", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
    ],
)
def test_stop_reasons(reason: str, stop: str) -> None:
    body = {"content": [], "stop_reason": reason, "usage": {"input_tokens": 1, "output_tokens": 0}}
    assert provider().read(body) == Answer("", stop, 1, 0)  # type: ignore[arg-type]


def test_only_text_is_the_answer_and_cached_tokens_count() -> None:
    blocks = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    usage = {"input_tokens": 1, "cache_read_input_tokens": 20, "cache_creation_input_tokens": None, "output_tokens": 3}
    answer = provider().read({"content": blocks, "stop_reason": "end_turn", "usage": usage})
    assert answer == Answer("AB", "end", 21, 3)


def provider() -> Anthropic:
    return Anthropic(AnthropicOptions(model="small-1"))
