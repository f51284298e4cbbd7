"""What holds for both providers: faults that pass, errors in words, keys that stay secret."""

import logging
from typing import Any

import pytest
from endpoints import KEY, KEYS, PATHS, both, make, run
from llm_server import LlmServer

from avspec.api import Request
from avspec.errors import ProviderError
from avspec.providers.anthropic import Anthropic
from avspec.providers.openai import OpenAI
from avspec.testing import check_provider

QUESTION = Request("What does a deductible mean?", "You are brief.", max_tokens=40)


def ask(cls: type[Any], server: LlmServer, request: Request = QUESTION, **options: Any) -> Any:
    return run(make(cls, server, **options), lambda provider: provider.answer(request))


def fail(cls: type[Any], server: LlmServer, **options: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        ask(cls, server, **options)
    return caught.value


@both
def test_the_conformance_suite_passes(cls: type[Any], server: LlmServer) -> None:
    url = server.url if cls is Anthropic else server.openai_url
    check_provider(cls, batches=True, model="small-1", base_url=url, poll=0.01)


@both
def test_a_passing_fault_costs_a_retry_and_not_the_answer(cls: type[Any], server: LlmServer) -> None:
    usual = ask(cls, server)
    for kind in ("rate_limit", "error", "malformed"):
        server.fault(kind)
        assert ask(cls, server) == usual
    assert len(server.requests) == 1 + 3 * 2
    assert len(server.completed) == 1 + 3


@both
@pytest.mark.parametrize("kind", ["cut", "cut_amid", "hang"])
def test_a_connection_that_breaks_is_made_again(cls: type[Any], server: LlmServer, kind: str) -> None:
    server.fault(kind)
    assert ask(cls, server, timeout=1).stop == "length"
    assert len(server.requests) == 2


@both
def test_the_server_says_when_to_come_back(cls: type[Any], server: LlmServer) -> None:
    server.fault("rate_limit", retry_after=0.8)
    ask(cls, server)
    first, second = (request.at for request in server.requests)
    assert second - first >= 0.8, "the SDK's own first wait is at most half a second"


@both
def test_attempts_for_one_request_carry_one_key(cls: type[Any], server: LlmServer) -> None:
    server.fault("error")
    ask(cls, server)
    ask(cls, server, Request("Another question."))
    first, again, other = (request.headers["idempotency-key"] for request in server.requests)
    assert first == again != other


@both
def test_retries_that_are_used_up_are_counted(cls: type[Any], server: LlmServer) -> None:
    server.fault("rate_limit", times=9)
    error = fail(cls, server, retries=3)
    assert error.what == "the provider answered 429, after 3 retries: Rate limit reached, try again later"
    assert "`concurrency`" in error.hint
    assert len(server.requests) == 4


@both
def test_no_retries_means_one_attempt(cls: type[Any], server: LlmServer) -> None:
    server.fault("malformed", times=9)
    assert "after 0 retries" in fail(cls, server, retries=0).what
    assert len(server.requests) == 1


@both
def test_a_missing_key_names_its_variable(cls: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS[cls])
    with pytest.raises(ProviderError, match="no API key") as caught:
        run(cls(cls.Options(model="small-1")), lambda provider: provider.answer(QUESTION))
    assert caught.value.where == KEYS[cls]
    assert f"`{KEYS[cls]}=... avspec apply" in caught.value.hint


@both
def test_another_server_needs_no_key(cls: type[Any], server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS[cls])
    assert ask(cls, server).text
    server.fault("unauthorized")
    error = fail(cls, server)
    assert (error.what[:20], error.hint) == ("an API key is needed", f"set the key in {KEYS[cls]}")


@both
@pytest.mark.parametrize("value", ["sk-test-\u2026masked", "two words"])
def test_a_key_that_cannot_be_one_is_not_shown(
    cls: type[Any], server: LlmServer, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(KEYS[cls], value)
    error = fail(cls, server)
    assert error.where == KEYS[cls] and value not in str(error)


@both
def test_a_wrong_model_says_where_to_change_it(cls: type[Any]) -> None:
    with LlmServer(models=["small-1"]) as server:
        error = fail(cls, server, model="large-9")
    assert "there is no model 'large-9' here" in error.what
    assert error.where == f"{cls.__name__.lower()}, {server.url}{'/v1' if cls is OpenAI else ''}"
    assert error.hint == "change `model` of this provider in the spec"


@both
def test_a_wrong_key_is_not_in_the_error(cls: type[Any]) -> None:
    with LlmServer(keys=["another"]) as server:
        error = fail(cls, server)
    assert error.what == "the API key was not accepted: Incorrect API key provided: [removed]"
    assert error.hint == f"check the key in {KEYS[cls]}"
    assert KEY not in repr(vars(error)) and error.__cause__ is None


@both
def test_a_request_the_provider_does_not_take_tells_its_reason(cls: type[Any], server: LlmServer) -> None:
    server.fault("bad_request")
    error = fail(cls, server)
    assert "does not take the request (400) for 'small-1': max_tokens: 9 is too many for this model" in error.what
    assert len(server.requests) == 1, "asking again would not help"


@both
def test_a_server_out_of_reach_is_named(cls: type[Any], server: LlmServer) -> None:
    error = fail(cls, server, base_url="http://user:secret@127.0.0.1:9/v1?token=secret", retries=0)
    assert error.what.startswith("no answer, after 0 retries: ")
    assert error.where.endswith("http://127.0.0.1:9/v1")
    assert "secret" not in str(error) and "`base_url`" in error.hint


@both
def test_a_server_that_hangs_is_given_up(cls: type[Any], server: LlmServer) -> None:
    server.fault("hang")
    error = fail(cls, server, timeout=0.2, retries=0)
    assert error.what == "no answer within 0.2 seconds, after 0 retries"


@both
def test_an_address_without_the_protocol_is_told(cls: type[Any], server: LlmServer) -> None:
    assert "there is nothing at this address" in fail(cls, server, base_url=f"{server.url}/elsewhere").what


@both
@pytest.mark.parametrize("kind", ["page", "malformed"])
def test_what_is_not_the_protocol_is_told(cls: type[Any], server: LlmServer, kind: str) -> None:
    server.fault(kind, times=2)
    error = fail(cls, server, retries=1)
    assert "the answer is not what the protocol says, after 1 retry" in error.what
    assert "something else may be answering there" in error.hint


@both
def test_refusals_lengths_and_tokens_are_told(cls: type[Any], server: LlmServer) -> None:
    server.fault("refusal")
    refused = ask(cls, server)
    assert (refused.text, refused.stop) == ("I cannot help.", "refusal")
    cut = ask(cls, server, Request("Why?", "Be brief.", max_tokens=5))
    assert (len(cut.text.split()), cut.stop, cut.input_tokens, cut.output_tokens) == (5, "length", 3, 5)
    assert ask(cls, server, Request("Why?")).stop == "end"


@both
def test_an_answer_that_repeats_the_key_loses_it(cls: type[Any]) -> None:
    with LlmServer(lambda prompt, system: f"Your key is {KEY}, sk-other-0123456 is not.") as server:
        assert ask(cls, server).text == "Your key is [removed], sk-other-0123456 is not."


@both
def test_keys_do_not_reach_the_logs(cls: type[Any], server: LlmServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.fault("error")
    provider = make(cls, server)
    run(provider, lambda used: used.answer(QUESTION))
    assert caplog.records, "the SDKs log their requests"
    assert KEY not in "".join(map(logging.Formatter().format, caplog.records))
    assert KEY not in repr(vars(provider)) and KEY in server.requests[0].headers["authorization"]


@both
def test_a_provider_only_imports_its_sdk_when_it_asks(cls: type[Any], server: LlmServer) -> None:
    provider = make(cls, server)
    assert "client" not in vars(provider)
    ask(cls, server)
    assert [request.path for request in server.requests] == [PATHS[cls]]
