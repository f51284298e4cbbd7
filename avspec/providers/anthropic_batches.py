"""Anthropic's Message Batches API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from avspec.api import Answer, Request
from avspec.providers.batches import SKEW, NetworkBatches, known, records

if TYPE_CHECKING:
    from anthropic.types.messages import MessageBatch

    from avspec.providers.anthropic import Anthropic

_PAGE = 100


class AnthropicBatches(NetworkBatches):
    """Hands in up to 100,000 requests or 256 MB at once; a digest in hex is within the 64 characters of an id.

    Batches have no names: one is found again by when it was made and how many requests it has, and once it has ended
    by the ids of these.
    """

    def __init__(self, provider: Anthropic) -> None:
        super().__init__(provider)
        self.anthropic = provider
        self._taken: set[str] = set()

    async def create(self, name: str, requests: Mapping[str, Request]) -> str:
        """Hand in, in one attempt without retries."""
        client = self.anthropic.client.with_options(max_retries=0)
        entries: list[Any] = [
            {"custom_id": digest, "params": self.anthropic.parameters(request)} for digest, request in requests.items()
        ]
        batch = known(await client.messages.batches.create(requests=entries))
        self._taken.add(batch.id)
        return batch.id

    async def find(self, name: str, requests: Mapping[str, Request], since: datetime) -> str | None:
        """Return the id of a batch with these requests that was handed in at or after a time, or None.

        A batch that is still running shows only its number of requests: it is taken if it is the only one.

        Raises:
            ProviderError: The provider's list could not be read, or several that run may be the one.
        """
        found: str | None = await self.provider.guarded(lambda: self._find(requests, since))
        if found:
            self._taken.add(found)
        return found

    async def _find(self, requests: Mapping[str, Request], since: datetime) -> str | None:
        running: list[str] = []
        async for batch in self.anthropic.client.messages.batches.list(limit=_PAGE):  # the newest first
            if batch.created_at < since - SKEW:
                break
            if batch.id in self._taken or _size(batch) != len(requests) or batch.cancel_initiated_at:
                continue
            if batch.processing_status != "ended":
                running.append(batch.id)
            elif batch.results_url and set(await self._results(batch.id)) == set(requests):
                return batch.id
        if len(running) > 1:
            raise self.provider.endpoint.error(
                f"{len(running)} batches of {len(requests)} requests are running, and it cannot be told which is ours",
                "run the same command again when they have ended: nothing is handed in twice",
            )
        return running[0] if running else None

    async def look(self, batch: str) -> Mapping[str, Answer | None] | None:
        """Return a batch's answers, or None while it is not done."""
        seen = known(await self.anthropic.client.messages.batches.retrieve(batch))
        if seen.processing_status != "ended":
            return None
        counts = seen.request_counts
        if not counts.succeeded and not counts.errored:
            cause = "was cancelled" if counts.canceled else "expired without answers"
            raise self.lost(batch, cause)
        if not seen.results_url:
            raise self.lost(batch, "was archived, its results are no longer there")
        results = await self._results(batch)
        return {digest: self._answer(result) for digest, result in results.items()}

    def _answer(self, result: Mapping[str, Any]) -> Answer | None:
        return self.read(result["message"]) if result["type"] == "succeeded" else None

    async def _results(self, batch: str) -> dict[str, Mapping[str, Any]]:
        # `batches.results` streams, and the SDK does not retry a stream that breaks off
        text = await self.anthropic.client.get(f"/v1/messages/batches/{batch}/results", cast_to=str)
        return {record["custom_id"]: record["result"] for record in records(text)}


def _size(batch: MessageBatch) -> int:
    counts = batch.request_counts
    return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
