"""Language models that answer requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from pydantic import Field

from avspec.api.options import Options


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a language model."""

    prompt: str
    """The user's turn."""
    system: str = ""
    """The system's turn; empty for none."""
    max_tokens: int = 1024
    """Longest answer, tokens."""
    schema: Mapping[str, Any] | None = None
    """JSON Schema that the answer should follow; None for free text. The prompt asks for that JSON in words, too: a
    provider without structured output ignores the schema."""
    seed: int = 0
    """Tells apart requests that are otherwise alike; a provider that can seed its sampling uses it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a language model said to one request."""

    text: str
    stop: Literal["end", "length", "refusal"] = "end"
    """Why it ended: by itself, at `max_tokens`, or because the model or its provider declined."""
    input_tokens: int = 0
    output_tokens: int = 0


class Batches(Protocol):
    """A provider's batch API: cheaper, and done within hours."""

    async def submit(self, name: str, requests: Mapping[str, Request]) -> str:
        """Hand in requests by their digests, under a name of our own, and return the provider's id of the batch.

        Raises:
            ProviderError: It was not accepted.
        """
        ...

    async def find(self, name: str, requests: Mapping[str, Request], since: datetime) -> str | None:
        """Return the id of a batch that was handed in under this name at or after a time, or None if there is none.

        Asked after a crash between handing in and writing down, so that nothing is handed in, and paid, twice.
        """
        ...

    async def collect(self, batch: str) -> Mapping[str, Answer | None] | None:
        """Return the answers by digest, None for one that failed; None for the whole while the batch is not done.

        Raises:
            BatchLost: The batch is gone, expired without answers or was cancelled: it may be handed in anew.
            ProviderError: The provider could not be asked; the batch may still be there.
        """
        ...


class Provider(Protocol):
    """A language model that answers requests, over the network or in this process.

    `model` is its name, under which prices are found. `delivery` names the options that do not change what is
    answered, only how (concurrency, timeouts, addresses, batch mode): they are left out of every digest.
    An optional attribute `batches` is its batch API, an `avspec.api.Batches`.
    """

    version: ClassVar[str]
    Options: ClassVar[type[ProviderOptions]]
    delivery: ClassVar[frozenset[str]]

    @property
    def model(self) -> str:
        """Return the model's name."""
        ...

    async def answer(self, request: Request) -> Answer:
        """Return the answer, after as many retries as the options allow.

        Called up to `options.concurrency` times at once, always from one event loop.

        Raises:
            ProviderError: No key, a wrong model, a request the provider does not take, or no answer after all retries.
        """
        ...

    async def close(self) -> None:
        """Let go of connections or models."""
        ...


class ProviderOptions(Options):
    """What every provider understands."""

    model: str
    """Name of the model."""
    concurrency: int = Field(8, ge=1)
    """Requests on their way at once."""
    mode: Literal["live", "batch"] = "live"
    """`live`: one request at a time each; `batch`: the provider's batch API, cheaper and done within hours."""
    poll: float = Field(60, gt=0)
    """Seconds between two looks at a batch."""
