"""A local server that speaks both protocols, and an environment with nothing but a key for each."""

from collections.abc import Iterator

import pytest
from endpoints import KEY, KEYS
from llm_server import LlmServer


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in KEYS.values():
        monkeypatch.setenv(name, KEY)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as running:
        yield running
