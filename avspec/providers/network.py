"""What the providers on the network share: options, one answer and what may go wrong, learning from 400s."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from avspec.api import Answer, ProviderOptions, Request
from avspec.digest import digest
from avspec.providers.failures import UNREADABLE, Endpoint, Malformed, body_of, explain, reason, status_of

DELIVERY = frozenset({"concurrency", "mode", "poll", "base_url", "timeout", "retries"})
"""Options that change how an answer is fetched, not what it is."""

_CONNECT = 10.0
"""Longest wait for a connection, seconds; a server that is there accepts at once."""


class NetworkOptions(ProviderOptions):
    """What every provider on the network understands."""

    base_url: str | None = Field(None, pattern=r"^https?://\S+$")
    """Address of another server that speaks the same protocol; none needs a key there, but one that is set is sent."""
    temperature: float | None = Field(None, ge=0, le=2)
    """Randomness of the sampling; not sent unless it is set, because some models take none."""
    timeout: float = Field(600, gt=0)
    """Seconds to wait for an answer."""
    retries: int = Field(5, ge=0)
    """How often a request is sent again after a rate limit, an error of the server, a cut connection or a timeout."""


class NetworkProvider(ABC):
    """A provider that sends JSON through an SDK.

    A server that does not know an optional parameter answers 400; the parameter is then left out of this request and
    of all that follow.
    """

    version: ClassVar[str] = "1"
    optional: ClassVar[Mapping[str, str]]
    """Parameters that a server may not know, each with the pattern by which its error names it."""

    def __init__(self, options: NetworkOptions) -> None:
        self.options = options
        self.unknown: set[str] = set()

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self.options.model

    @property
    @abstractmethod
    def endpoint(self) -> Endpoint:
        """Return where requests go."""

    @property
    @abstractmethod
    def failures(self) -> tuple[type[Exception], ...]:
        """Return what is raised when a request fails, by the SDK or by reading the answer."""

    @abstractmethod
    def parameters(self, request: Request) -> dict[str, Any]:
        """Return the JSON body of a request, without what the server turned out not to know."""

    @abstractmethod
    async def send(self, parameters: Mapping[str, Any], headers: Mapping[str, str]) -> object:
        """Send a body and return what came back, a model of the SDK or text that is no JSON."""

    @abstractmethod
    def read(self, body: Mapping[str, Any]) -> Answer:
        """Read an answer, from a live request or a batch.

        Raises:
            Malformed: It is not what the protocol says.
        """

    def refusal(self, body: Any) -> Answer | None:
        """Return the answer that the body of an error stands for, when the provider declines a request by an error."""
        return None

    async def answer(self, request: Request) -> Answer:
        """Return the answer.

        Raises:
            ProviderError: No key, a wrong model, a request the provider does not take, or no answer after all retries.
        """
        broken = 0
        while True:
            parameters = self.parameters(request)
            try:
                return await self._once(parameters)
            except UNREADABLE as error:
                broken += 1
                if broken > self.options.retries:
                    raise explain(error, self.endpoint, retries=broken - 1) from None
            except self.failures as error:
                if declined := self.refusal(body_of(error)):
                    return declined
                if not self.learn(error, parameters):
                    raise explain(error, self.endpoint) from None

    async def _once(self, parameters: Mapping[str, Any]) -> Answer:
        # a provider that knows the header answers a retry of a request that it has answered from its memory
        reply = await self.send(parameters, {"Idempotency-Key": digest(dict(parameters))})
        return self.read(json_of(reply))

    def learn(self, error: Exception, sent: Mapping[str, Any]) -> bool:
        """Note which of the parameters sent the server says it does not know, and return whether there are any."""
        if status_of(error) not in (400, 422):
            return False
        said = f"{getattr(error, 'param', None) or ''} {reason(body_of(error))}"
        refused = {
            name
            for name, pattern in self.optional.items()
            if name in sent and re.search(pattern, said, re.IGNORECASE | re.DOTALL)
        }
        self.unknown |= refused
        return bool(refused)

    async def guarded(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return what a call of the SDK returns, its failures as errors of avspec.

        Raises:
            ProviderError: It failed.
        """
        try:
            return await call()
        except self.failures as error:
            raise explain(error, self.endpoint) from None


def json_of(reply: object) -> dict[str, Any]:
    """Return the JSON that a model of an SDK was made from.

    Raises:
        Malformed: It is no JSON object.
    """
    to_dict = getattr(reply, "to_dict", None)
    if to_dict is None:
        raise Malformed(f"no JSON: {str(reply)[:80]!r}")
    body: dict[str, Any] = to_dict(warnings=False)
    return body


def connect_timeout(timeout: float) -> float:
    """Return the longest wait for a connection, seconds, of a request that may take `timeout`."""
    return min(timeout, _CONNECT)
