"""OpenAI's Batch API: a file of requests, handed in under a name of our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from avspec.api import Answer, Request
from avspec.providers.batches import SKEW, NetworkBatches, known, records

if TYPE_CHECKING:
    from openai.types import Batch

    from avspec.providers.openai import OpenAI

_ENDPOINT: Final = "/v1/chat/completions"
_NAME = "avspec"
"""Key of the batch's metadata under which its name is."""
_DONE = frozenset({"completed", "expired", "cancelled"})


class OpenAIBatches(NetworkBatches):
    """Hands in up to 50,000 requests or 200 MB at once."""

    def __init__(self, provider: OpenAI) -> None:
        super().__init__(provider)
        self.openai = provider

    async def create(self, name: str, requests: Mapping[str, Request]) -> str:
        """Upload the requests and hand them in, in one attempt without retries."""
        lines = [json.dumps(self._line(digest, request)) + "\n" for digest, request in requests.items()]
        client = self.openai.client
        file = known(await client.files.create(file=("avspec.jsonl", "".join(lines).encode()), purpose="batch"))
        batch = await client.with_options(max_retries=0).batches.create(
            input_file_id=file.id, endpoint=_ENDPOINT, completion_window="24h", metadata={_NAME: name}
        )
        return known(batch).id

    def _line(self, digest: str, request: Request) -> dict[str, Any]:
        body = self.openai.parameters(request)
        return {"custom_id": digest, "method": "POST", "url": _ENDPOINT, "body": body}

    async def find(self, name: str, requests: Mapping[str, Request], since: datetime) -> str | None:
        """Return the id of a batch that was handed in under this name at or after a time, or None.

        Raises:
            ProviderError: The provider's list could not be read.
        """
        found: str | None = await self.provider.guarded(lambda: self._find(name, since))
        return found

    async def _find(self, name: str, since: datetime) -> str | None:
        async for batch in self.openai.client.batches.list(limit=100):  # the newest first
            if datetime.fromtimestamp(batch.created_at, UTC) < since - SKEW:
                return None
            named = (batch.metadata or {}).get(_NAME) == name
            if named and batch.status not in ("failed", "cancelling", "cancelled"):
                return batch.id
        return None

    async def look(self, batch: str) -> Mapping[str, Answer | None] | None:
        """Return a batch's answers, or None while it is not done."""
        seen = known(await self.openai.client.batches.retrieve(batch))
        if seen.status == "failed":
            raise self.lost(batch, f"was not accepted: {_errors(seen)}")
        if seen.status not in _DONE:
            return None
        answers = {**await self._answers(seen.error_file_id), **await self._answers(seen.output_file_id)}
        if seen.status != "completed" and not any(answers.values()):
            raise self.lost(batch, "was cancelled" if seen.status == "cancelled" else "expired without answers")
        return answers

    async def _answers(self, file: str | None) -> dict[str, Answer | None]:
        if file is None:
            return {}
        content = await self.openai.client.files.content(file)
        return {record["custom_id"]: self._answer(record) for record in records(content.text)}

    def _answer(self, record: Mapping[str, Any]) -> Answer | None:
        response = record.get("response") or {}
        if response.get("status_code") == 200:
            return self.read(response["body"])
        return self.provider.refusal(response.get("body"))


def _errors(batch: Batch) -> str:
    errors = (batch.errors.data if batch.errors else None) or []
    told = [f"line {error.line}: {error.message}" if error.line else str(error.message) for error in errors[:3]]
    return "; ".join(told) or "the provider does not say why"
