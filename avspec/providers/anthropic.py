"""Anthropic's models, through its official SDK."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from avspec.api import Answer, Request
from avspec.providers.failures import UNREADABLE, Endpoint, Malformed
from avspec.providers.keys import Key, environment_key
from avspec.providers.network import DELIVERY, NetworkOptions, NetworkProvider, connect_timeout

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

    from avspec.providers.anthropic_batches import AnthropicBatches

KEY = "ANTHROPIC_API_KEY"
"""Name of the environment variable with the key."""

_STOPS: Mapping[str, Any] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


class AnthropicOptions(NetworkOptions):
    """Options of `anthropic`."""


class Anthropic(NetworkProvider):
    """Claude, and what speaks the same protocol at another `base_url`; the key is in ANTHROPIC_API_KEY.

    The protocol has no seed: `Request.seed` is not sent.
    """

    Options: ClassVar[type[AnthropicOptions]] = AnthropicOptions
    delivery: ClassVar[frozenset[str]] = DELIVERY
    optional: ClassVar[Mapping[str, str]] = {"output_config": r"output_config|output.format|structured.output"}

    @cached_property
    def key(self) -> Key:
        """Return the key.

        Raises:
            ProviderError: It is not set.
        """
        return environment_key(KEY, needed=self.options.base_url is None)

    @cached_property
    def client(self) -> AsyncAnthropic:
        """Return the SDK's client, made on first use, because importing the SDK takes a second.

        Raises:
            ProviderError: There is no key.
        """
        from anthropic import AsyncAnthropic, Timeout

        seconds = self.options.timeout
        return AsyncAnthropic(
            api_key=self.key.value,
            base_url=self.options.base_url,
            timeout=Timeout(seconds, connect=connect_timeout(seconds)),
            max_retries=self.options.retries,
        )

    @property
    def endpoint(self) -> Endpoint:
        """Return where requests go."""
        return Endpoint("anthropic", self.model, str(self.client.base_url), self.key, self.options.timeout)

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """Return what is raised when a request fails, by the SDK or by reading the answer."""
        from anthropic import APIError

        return (APIError, *UNREADABLE)

    @property
    def batches(self) -> AnthropicBatches:
        """Return the Message Batches API."""
        return self._batches

    @cached_property
    def _batches(self) -> AnthropicBatches:
        from avspec.providers.anthropic_batches import AnthropicBatches

        return AnthropicBatches(self)

    def parameters(self, request: Request) -> dict[str, Any]:
        """Return the JSON body of a request."""
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": request.max_tokens,
            "messages": [{"role": "user", "content": request.prompt}],
        }
        if request.system:
            body["system"] = request.system
        if self.options.temperature is not None:
            body["temperature"] = self.options.temperature
        if request.schema is not None and "output_config" not in self.unknown:
            body["output_config"] = {"format": _format(request.schema)}
        return body

    async def send(self, parameters: Mapping[str, Any], headers: Mapping[str, str]) -> object:
        """Send a body to the Messages API."""
        rest = {name: value for name, value in parameters.items() if name not in ("model", "max_tokens", "messages")}
        return await self.client.messages.create(
            model=parameters["model"],
            max_tokens=parameters["max_tokens"],
            messages=parameters["messages"],
            extra_body=rest,  # `temperature` is no argument of this SDK any more, older models still take it
            extra_headers=headers,
        )

    def read(self, body: Mapping[str, Any]) -> Answer:
        """Read a message.

        Raises:
            Malformed: It is not what the protocol says.
        """
        try:
            text = "".join(block["text"] for block in body["content"] if block["type"] == "text")
            usage = body["usage"]
            cached = ("cache_creation_input_tokens", "cache_read_input_tokens")
            read = usage["input_tokens"] + sum(usage.get(name) or 0 for name in cached)
            return Answer(self.key.cut(text), _STOPS.get(body["stop_reason"], "end"), read, usage["output_tokens"])
        except (KeyError, TypeError, AttributeError) as error:
            raise Malformed(f"no message: {type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Close the connections."""
        if "client" in self.__dict__:
            await self.client.close()


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the structured output that a schema asks for, in the part of JSON Schema that the provider takes."""
    from anthropic import transform_schema

    return {"type": "json_schema", "schema": transform_schema(dict(schema))}
