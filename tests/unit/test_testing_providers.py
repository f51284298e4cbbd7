"""`check_provider` accepts what keeps the contract, and says what does not hold otherwise."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import pytest

from avspec.api import Answer, ProviderOptions, Request
from avspec.errors import ProviderError
from avspec.testing import check_provider


class Parrot:
    """A provider that repeats the question, right in everything; its batches are done at the second look."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[ProviderOptions]] = ProviderOptions
    delivery: ClassVar[frozenset[str]] = frozenset({"concurrency", "mode", "poll"})
    stored: ClassVar[dict[str, Mapping[str, Request]]] = {}

    def __init__(self, options: ProviderOptions) -> None:
        self.options, self.looks = options, 0

    @property
    def model(self) -> str:
        return self.options.model

    @property
    def batches(self) -> "Parrot":
        return self

    async def answer(self, request: Request) -> Answer:
        words = request.prompt.split()
        stop = "length" if len(words) > request.max_tokens else "end"
        return Answer(" ".join(words[: request.max_tokens]), stop)  # type: ignore[arg-type]

    async def close(self) -> None: ...

    async def submit(self, name: str, requests: Mapping[str, Request]) -> str:
        self.stored[name] = requests
        return name

    async def find(self, name: str, requests: Mapping[str, Request], since: datetime) -> str | None:
        return name if name in self.stored else None

    async def collect(self, batch: str) -> Mapping[str, Answer | None] | None:
        if batch not in self.stored:
            raise ProviderError("it is gone")
        self.looks += 1
        if self.looks < 2:
            return None
        return {key: await self.answer(request) for key, request in self.stored[batch].items()}


def test_a_sound_provider_passes() -> None:
    check_provider(Parrot, batches=True, model="parrot", poll=0.001)


async def _long(self: Any, request: Request) -> Answer:
    return Answer(request.prompt)


async def _text(self: Any, request: Request) -> str:
    return request.prompt


async def _odd(self: Any, request: Request) -> Answer:
    return Answer("", "stop")  # type: ignore[arg-type]


async def _less(self: Any, request: Request) -> Answer:
    return Answer("", input_tokens=-1)


async def _nothing(self: Any, *arguments: Any) -> None:
    return None


async def _anything(self: Any, *arguments: Any) -> Any:
    return {}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"delivery": ["poll"]}, r"delivery must be a frozenset"),
        ({"delivery": Parrot.delivery | {"speed"}}, r"options that are not there: \['speed'\]"),
        ({"delivery": Parrot.delivery | {"model"}}, r"must not have `model`"),
        ({"delivery": frozenset({"poll"})}, r"delivery must have \['concurrency', 'mode', 'poll'\]"),
        ({"model": ""}, r"model must be a non-empty string"),
        ({"answer": _text}, r"must return an avspec.api.Answer, it returned 'Name a color.'"),
        ({"answer": _odd}, r"stop must be one of .*, it is 'stop'"),
        ({"answer": _less}, r"input_tokens must be a number from 0, it is -1"),
        ({"answer": _long}, r"cut at max_tokens must have stop 'length'"),
        ({"find": _nothing}, r"find\(\) must return the batch that was handed in"),
        ({"collect": _anything}, r"collect\(\) must return the digests handed in"),
    ],
)
def test_a_broken_provider_is_told(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_provider(type("Broken", (Parrot,), broken), batches=True, model="parrot", poll=0.001)
