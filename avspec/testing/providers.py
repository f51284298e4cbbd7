"""The conformance suite of providers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from avspec.api import Answer, ProviderOptions, Request
from avspec.digest import digest
from avspec.errors import ProviderError
from avspec.testing.requirements import build, require

_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"type": "string"}}},
    "required": ["questions"],
    "additionalProperties": False,
}
_STOPS = ("end", "length", "refusal")
_LOOKS = 100
"""Looks at a batch before it counts as never done."""


def check_provider(cls: type[Any], *, batches: bool = False, **options: Any) -> None:
    """Check a provider: what it says of itself, single and simultaneous answers, and a schema.

    It asks six questions of a few tokens each, of the real model if the options lead to one. With `batches` the batch
    API is checked, too: it is handed in, found again and waited for, `poll` seconds between two looks.

    Raises:
        AssertionError: The contract of `avspec.api.Provider` does not hold.
    """
    provider = build(cls, options)
    require(issubclass(cls.Options, ProviderOptions), f"{cls.__name__}.Options must extend avspec.api.ProviderOptions")
    _check_delivery(cls)
    require(isinstance(provider.model, str) and bool(provider.model), "model must be a non-empty string")
    asyncio.run(_check_and_close(provider, _check_answers))
    if batches:
        later = build(cls, options)  # as after a crash: another process looks for the batch
        asyncio.run(
            _check_and_close(
                build(cls, options), lambda first: _check_batches(first, later, cls.Options(**options).poll)
            )
        )


def _check_delivery(cls: type[Any]) -> None:
    delivery = getattr(cls, "delivery", None)
    require(isinstance(delivery, frozenset), f"{cls.__name__}.delivery must be a frozenset of names of options")
    unknown = sorted(cls.delivery - set(cls.Options.model_fields))
    require(not unknown, f"{cls.__name__}.delivery names options that are not there: {unknown}")
    require("model" not in cls.delivery, "delivery must not have `model`: it changes what is answered")
    shared = {"concurrency", "mode", "poll"}
    require(shared <= cls.delivery, f"delivery must have {sorted(shared)}: they do not change what is answered")


async def _check_and_close(provider: Any, check: Callable[[Any], Awaitable[None]]) -> None:
    try:
        await check(provider)
    finally:
        await provider.close()


async def _check_answers(provider: Any) -> None:
    request = Request("Name a color.", system="Answer in one sentence.", max_tokens=32)
    _check_answer(await provider.answer(request))
    together = [replace(request, seed=seed) for seed in range(3)]
    for answer in await asyncio.gather(*map(provider.answer, together)):
        _check_answer(answer)
    short = await provider.answer(replace(request, prompt="Tell a long story.", max_tokens=1))
    _check_answer(short)
    require(short.stop != "end" or len(short.text.split()) <= 1, "an answer cut at max_tokens must have stop 'length'")
    asked = "Ask two questions. Answer with JSON alone: an object with `questions`, a list of strings."
    _check_answer(await provider.answer(Request(asked, max_tokens=128, schema=_SCHEMA)))


def _check_answer(answer: Any) -> None:
    require(isinstance(answer, Answer), f"answer() must return an avspec.api.Answer, it returned {answer!r}")
    require(isinstance(answer.text, str), f"text must be a string, it is {answer.text!r}")
    require(answer.stop in _STOPS, f"stop must be one of {_STOPS}, it is {answer.stop!r}")
    for name in ("input_tokens", "output_tokens"):
        count = getattr(answer, name)
        require(isinstance(count, int) and count >= 0, f"{name} must be a number from 0, it is {count!r}")


async def _check_batches(provider: Any, later: Any, poll: float) -> None:
    batches = provider.batches
    asked = [Request(f"Name {count} colors.", max_tokens=32) for count in (2, 3)]
    requests = {digest({"prompt": request.prompt}): request for request in asked}
    since = datetime.now(UTC)
    batch = await batches.submit("avspec-check", requests)
    require(isinstance(batch, str) and bool(batch), f"submit() must return the batch's id, it returned {batch!r}")
    found = await later.batches.find("avspec-check", requests, since)
    await later.close()
    require(found == batch, f"find() must return the batch that was handed in, {batch}, it returned {found}")
    answers = await batches.collect(batch)
    for _ in range(_LOOKS):
        if answers is not None:
            break
        await asyncio.sleep(poll)
        answers = await batches.collect(batch)
    require(answers is not None, f"the batch was not done after {_LOOKS} looks")
    require(set(answers) == set(requests), f"collect() must return the digests handed in, it returned {set(answers)}")
    for answer in filter(None, answers.values()):
        _check_answer(answer)
    require(await batches.find("avspec-never", {}, since) is None, "find() must return None for what is not there")
    try:
        await batches.collect("batch_nowhere")
    except ProviderError:
        return
    raise AssertionError("collect() must raise a ProviderError for a batch that is not there")
