import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from avspec import registry
from avspec.api import Answer, ProviderOptions
from avspec.calls.asking import Asker

sys.path.insert(0, str(Path(__file__).parents[2]))


class Scripted:
    """A provider of a third party: answers with the prompt in capitals, and does what the test says on the way."""

    version = "1"
    Options = ProviderOptions
    delivery = frozenset({"concurrency", "mode", "poll"})
    script = SimpleNamespace()

    def __init__(self, options):
        self.options, self.model = options, options.model
        self.script.made += 1
        if self.script.batches is not None:
            self.batches = self.script.batches

    async def answer(self, request):
        script = self.script
        script.asked.append(request.prompt)
        script.now += 1
        script.most = max(script.most, script.now)
        await asyncio.sleep(script.seconds)
        script.now -= 1
        if request.prompt in script.fails:
            raise script.fails[request.prompt]
        script.answered.append(request.prompt)
        return Answer(request.prompt.upper(), input_tokens=1000, output_tokens=script.tokens)

    async def close(self):
        self.script.closed += 1


@pytest.fixture
def script(monkeypatch):
    """What the provider `scripted` does, and what it was asked."""
    told = SimpleNamespace(
        asked=[], answered=[], fails={}, seconds=0.001, tokens=1000, now=0, most=0, made=0, closed=0, batches=None
    )
    Scripted.script = told
    load, create = registry.load, registry.create
    monkeypatch.setattr(registry, "load", lambda g, n: Scripted if n == "scripted" else load(g, n))
    made = lambda g, n, o=None: Scripted(ProviderOptions(**o)) if n == "scripted" else create(g, n, o)  # noqa: E731
    monkeypatch.setattr(registry, "create", made)
    return told


@pytest.fixture
def asker(tmp_path, script):
    """Make an asker of the scripted provider."""

    def make(*, options=(), **more):
        every = {"model": "m", **dict(options)}
        return Asker("scripted", every, folder=tmp_path / "answers", run="run", **more)

    return make
