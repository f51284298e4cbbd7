"""What the batch APIs share: handing in without paying twice, and the errors."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from avspec.api import Answer, Request
from avspec.errors import BatchLost, ProviderError
from avspec.providers.failures import RETRIED, Malformed, body_of, explain, reason, status_of
from avspec.providers.network import NetworkProvider, json_of

T = TypeVar("T")

SKEW = timedelta(seconds=5)
"""How far the provider's clock may be behind ours, and timestamps be rounded down."""

_LONGEST = 60.0
"""Longest wait between two attempts to hand in, seconds."""


class NetworkBatches(ABC):
    """The batch API of a provider on the network."""

    def __init__(self, provider: NetworkProvider) -> None:
        self.provider = provider

    @abstractmethod
    async def create(self, name: str, requests: Mapping[str, Request]) -> str:
        """Hand in, in one attempt without retries, and return the provider's id of the batch."""

    @abstractmethod
    async def find(self, name: str, requests: Mapping[str, Request], since: datetime) -> str | None:
        """Return the id of a batch that was handed in at or after a time, or None."""

    @abstractmethod
    async def look(self, batch: str) -> Mapping[str, Answer | None] | None:
        """Return a batch's answers, or None while it is not done."""

    async def submit(self, name: str, requests: Mapping[str, Request]) -> str:
        """Hand in requests by their digests, under a name of our own, and return the provider's id of the batch.

        Where it is not known whether an attempt arrived, the provider's list is looked at before the next one.

        Raises:
            ProviderError: It was not accepted.
        """
        since = datetime.now(UTC)
        for attempt in range(self.provider.options.retries + 1):
            try:
                return await self.create(name, requests)
            except self.provider.failures as error:
                status = status_of(error)
                if status in (404, 405, 501) and "model" not in reason(body_of(error)).lower():
                    raise self._no_batches() from None
                passing = status is None or status in RETRIED or status >= 500
                if not passing or attempt == self.provider.options.retries:
                    raise explain(error, self.provider.endpoint, retries=attempt) from None
                await asyncio.sleep(_wait(error, attempt))
            if status != 429 and (found := await self.find(name, requests, since)):
                return found
        raise AssertionError("the last attempt returns or raises")

    async def collect(self, batch: str) -> Mapping[str, Answer | None] | None:
        """Return the answers by digest, None for one that failed; None for the whole while the batch is not done.

        Raises:
            BatchLost: The batch is gone, expired without answers or was cancelled.
            ProviderError: The provider could not be asked.
        """
        try:
            return await self.look(batch)
        except self.provider.failures as error:
            if status_of(error) == 404:
                raise self.lost(batch, f"is gone: {reason(body_of(error))}") from None
            raise explain(error, self.provider.endpoint) from None

    def read(self, body: Any) -> Answer | None:
        """Return one answer of a batch, None if it is not what the protocol says."""
        try:
            return self.provider.read(body)
        except Malformed:
            return None

    def lost(self, batch: str, what: str) -> BatchLost:
        """Return the error for a batch that will bring no answers."""
        hint = "run the same command again to ask anew, or with `mode: live` to ask at once"
        told = self.provider.endpoint.error(f"the batch {batch} {what}", hint)
        return BatchLost(told.what, where=told.where, hint=told.hint)

    def _no_batches(self) -> ProviderError:
        return self.provider.endpoint.error(
            "this server has no batch API", "set `mode: live` for this provider in the spec"
        )


def known(reply: T) -> T:
    """Return what the server says of a batch or a file.

    Raises:
        Malformed: It has no id.
    """
    if not json_of(reply).get("id"):
        raise Malformed("it has no `id`")
    return reply


def records(text: str) -> Iterator[dict[str, Any]]:
    """Read JSON lines.

    Raises:
        JSONDecodeError: A line is no JSON.
    """
    return (json.loads(line) for line in text.split("\n") if line.strip())


def _wait(error: Exception, attempt: int) -> float:
    """Return how long to wait, seconds: what the server asks for, else twice as long each time."""
    response = getattr(error, "response", None)
    asked = response.headers.get("retry-after", "") if response is not None else ""
    try:
        return min(float(asked), _LONGEST)
    except ValueError:
        return float(min(0.5 * 2**attempt, 8.0))
