"""Both providers on the network, pointed at a local server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from llm_server import LlmServer

from avspec.providers.anthropic import Anthropic
from avspec.providers.openai import OpenAI

KEY = "sk-test-0123456789abcdef"
PATHS = {Anthropic: "/v1/messages", OpenAI: "/v1/chat/completions"}
KEYS = {Anthropic: "ANTHROPIC_API_KEY", OpenAI: "OPENAI_API_KEY"}

both = pytest.mark.parametrize("cls", [Anthropic, OpenAI])


def make(cls: type[Any], server: LlmServer, **options: Any) -> Any:
    """Return a provider of the server."""
    url = server.url if cls is Anthropic else server.openai_url
    return cls(cls.Options(**{"model": "small-1", "base_url": url, "retries": 2, "timeout": 5} | options))


def run(provider: Any, use: Callable[[Any], Awaitable[Any]]) -> Any:
    """Use a provider in an event loop of its own, and close it."""

    async def used() -> Any:
        try:
            return await use(provider)
        finally:
            await provider.close()

    return asyncio.run(used())
