"""OpenAI's models, and every server that speaks its protocol (vLLM, Ollama, llama.cpp), through the official SDK."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from avspec.api import Answer, Request
from avspec.providers.failures import UNREADABLE, Endpoint, Malformed, code_of, reason
from avspec.providers.keys import Key, environment_key
from avspec.providers.network import DELIVERY, NetworkOptions, NetworkProvider, connect_timeout

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from avspec.providers.openai_batches import OpenAIBatches

_UNKNOWN = r"unsupported|unknown|unrecognized|not (?:supported|permitted|allowed)|unexpected|extra"
_LIMITS = ("max_tokens", "max_completion_tokens")
_DECLINED = frozenset({"content_filter", "content_policy", "content_policy_violation"})


class OpenAIOptions(NetworkOptions):
    """Options of `openai`."""

    api_key_env: str = Field("OPENAI_API_KEY", min_length=1)
    """Name of the environment variable with the key; with a `base_url` it may be unset."""


class OpenAI(NetworkProvider):
    """GPT, and what speaks the same protocol at another `base_url`.

    The longest answer is `max_completion_tokens` for OpenAI itself, whose newer models take nothing else, and
    `max_tokens` elsewhere, because local servers may know nothing else; a server that says so gets the other.
    """

    Options: ClassVar[type[OpenAIOptions]] = OpenAIOptions
    delivery: ClassVar[frozenset[str]] = DELIVERY | {"api_key_env"}
    optional: ClassVar[Mapping[str, str]] = {
        "response_format": r"response_format|json_schema|structured.output",
        "seed": rf"\bseed\b.*({_UNKNOWN})|({_UNKNOWN}).*\bseed\b",
        **{name: rf"\b{name}\b.*({_UNKNOWN})|({_UNKNOWN}).*\b{name}\b" for name in _LIMITS},
    }

    def __init__(self, options: OpenAIOptions) -> None:
        super().__init__(options)
        self._variable = options.api_key_env

    @cached_property
    def key(self) -> Key:
        """Return the key, or a placeholder for a server that needs none.

        Raises:
            ProviderError: It is not set.
        """
        return environment_key(self._variable, needed=self.options.base_url is None)

    @cached_property
    def client(self) -> AsyncOpenAI:
        """Return the SDK's client, made on first use, because importing the SDK takes a second.

        Raises:
            ProviderError: There is no key.
        """
        from openai import AsyncOpenAI, Timeout

        seconds = self.options.timeout
        return AsyncOpenAI(
            api_key=self.key.value,
            base_url=self.options.base_url,
            timeout=Timeout(seconds, connect=connect_timeout(seconds)),
            max_retries=self.options.retries,
        )

    @property
    def endpoint(self) -> Endpoint:
        """Return where requests go."""
        return Endpoint("openai", self.model, str(self.client.base_url), self.key, self.options.timeout)

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """Return what is raised when a request fails, by the SDK or by reading the answer."""
        from openai import APIError

        return (APIError, *UNREADABLE)

    @property
    def batches(self) -> OpenAIBatches:
        """Return the Batch API."""
        return self._batches

    @cached_property
    def _batches(self) -> OpenAIBatches:
        from avspec.providers.openai_batches import OpenAIBatches

        return OpenAIBatches(self)

    def parameters(self, request: Request) -> dict[str, Any]:
        """Return the JSON body of a request."""
        turns = [("system", request.system), ("user", request.prompt)]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": role, "content": text} for role, text in turns if text],
            self._limit(): request.max_tokens,
        }
        if self.options.temperature is not None:
            body["temperature"] = self.options.temperature
        if "seed" not in self.unknown:
            body["seed"] = request.seed
        if request.schema is not None and "response_format" not in self.unknown:
            body["response_format"] = _format(request.schema)
        return body

    def _limit(self) -> str:
        host = self.client.base_url.host
        first, second = reversed(_LIMITS) if host.endswith(("openai.com", "openai.azure.com")) else _LIMITS
        return second if first in self.unknown else first

    def learn(self, error: Exception, sent: Mapping[str, Any]) -> bool:
        """Note which of the parameters sent the server says it does not know, and return whether there are any."""
        return super().learn(error, sent) and not self.unknown.issuperset(_LIMITS)

    async def send(self, parameters: Mapping[str, Any], headers: Mapping[str, str]) -> object:
        """Send a body to the Chat Completions API."""
        rest = {name: value for name, value in parameters.items() if name not in ("model", "messages")}
        return await self.client.chat.completions.create(
            model=parameters["model"], messages=parameters["messages"], extra_body=rest, extra_headers=headers
        )

    def read(self, body: Mapping[str, Any]) -> Answer:
        """Read a chat completion.

        Raises:
            Malformed: It is not what the protocol says.
        """
        try:
            choice = body["choices"][0]
            message, ended = choice["message"], choice.get("finish_reason")
            refusal, usage = message.get("refusal"), body.get("usage") or {}
            declined = refusal or ended == "content_filter"
            return Answer(
                self.key.cut(refusal or message.get("content") or ""),
                "refusal" if declined else "length" if ended == "length" else "end",
                usage.get("prompt_tokens") or 0,
                usage.get("completion_tokens") or 0,
            )
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            said = f": {body['error']}" if isinstance(body, Mapping) and body.get("error") else ""
            raise Malformed(f"no chat completion, {type(error).__name__}: {error}{said}") from error

    def refusal(self, body: Any) -> Answer | None:
        """Return a refusal for the body of an error by which the provider's content filter declines a request."""
        return Answer(self.key.hide(reason(body)), "refusal") if code_of(body) in _DECLINED else None

    async def close(self) -> None:
        """Close the connections."""
        if "client" in self.__dict__:
            await self.client.close()


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the response format that a schema asks for."""
    closed = _closed(copy.deepcopy(dict(schema)))
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": closed, "strict": True}}


def _closed(part: Any) -> Any:
    """Make every object in a schema have exactly its properties, which `strict` demands."""
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    part = {name: _closed(item) for name, item in part.items()}
    if part.get("type") == "object":
        part |= {"additionalProperties": False, "required": list(part.get("properties", {}))}
    return part
