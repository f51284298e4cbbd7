"""Asking a language model many things: what was answered before is read from disk, the rest is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from avspec import registry
from avspec.api import Answer, Provider, Request
from avspec.calls.answers import Answers, answers_path, request_digest, spent
from avspec.calls.batching import BatchCalls, pending
from avspec.calls.budget import Budget
from avspec.calls.prices import Price, price_of
from avspec.errors import AvspecError, ProviderError

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Usage:
    """What asking took, so far."""

    calls: int = 0
    """Requests that were answered now."""
    kept: int = 0
    """Requests whose answers were on disk."""
    input_tokens: int = 0
    """Tokens read, for all answers, whenever they were given."""
    output_tokens: int = 0
    """Tokens written, for all answers."""
    cost: float | None = 0.0
    """Dollars, for all answers, at the prices of today; None where the price is unknown."""


class Asker:
    """One model, its answers on disk and the money it may cost; a context manager that holds the file of answers."""

    def __init__(
        self,
        plugin: str,
        options: Mapping[str, Any],
        *,
        folder: Path,
        run: str,
        max_cost: float | None = None,
        prices: Mapping[str, Price] | None = None,
        progress: Progress = lambda done, total, note: None,
        log: Callable[[str], None] = lambda message: None,
    ) -> None:
        """Take what decides the answers, and who is told of them.

        Args:
            plugin: Name of the provider plugin.
            options: Its options.
            folder: Folder of all answers.
            run: Name of the run that pays.
            max_cost: Dollars that the run may have paid at the end; None for no limit.
            prices: Prices by model name that go before avspec's own.
            progress: Told after each answer how many of a list there are; may raise to stop the asking.
            log: Told what a user should read.
        """
        self.plugin, self.options = plugin, dict(options)
        cls = registry.load("providers", plugin)
        checked = cls.Options(**self.options)
        self.model, self.concurrency, self.batch = checked.model, checked.concurrency, checked.mode == "batch"
        kept = {name: value for name, value in checked.model_dump(mode="json").items() if name not in cls.delivery}
        self.identity = {"plugin": plugin, "model": self.model, "version": cls.version, "options": kept}
        self.folder, self.run, self.progress, self.log = folder, run, progress, log
        self.price = price_of(plugin, self.model, prices or {})
        self.answers = Answers(answers_path(folder, self.identity))
        paid = 0.0 if max_cost is None else spent(folder, run)  # reads every answer there is
        self.budget = Budget(max_cost, paid, self.price, model=self.model, batch=self.batch)
        if max_cost is not None:
            self.budget.pending = pending(folder, run)
        self.usage = Usage(cost=None if self.price is None else 0.0)
        self._provider: Provider | None = None

    def __enter__(self) -> Self:
        self.answers.__enter__()
        self._loop = asyncio.Runner()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._provider is not None:
                self._loop.run(self._provider.close())
        finally:
            self._loop.close()
            self.answers.__exit__(kind, error, trace)

    @property
    def provider(self) -> Provider:
        """Return the provider, made when something has really to be asked: what is on disk needs no key."""
        if self._provider is None:
            made: Provider = registry.create("providers", self.plugin, self.options)
            self._provider = made
        return self._provider

    def ask(self, requests: Sequence[Request], note: str) -> list[Answer]:
        """Return the answers in the order of the requests; each is on disk before it is returned.

        Args:
            requests: What to ask; requests that are alike are asked once.
            note: What they are, for the progress.

        Raises:
            OverBudget: The next call might cost more than is left.
            ProviderError: The model does not answer.
            AvspecError: Whatever `progress` raises; calls that are on their way are awaited and kept before.
        """
        digests = [request_digest(self.identity, request) for request in requests]
        wanted = dict(zip(digests, requests, strict=True))
        found = {digest: answer for digest in wanted if (answer := self.answers.get(digest)) is not None}
        missing = {digest: request for digest, request in wanted.items() if digest not in found}
        self.progress(len(found), len(wanted), note)
        if missing:
            calls = BatchCalls(self, len(wanted), note) if self.batch else _LiveCalls(self, len(wanted), note)
            with self._explained():
                self._loop.run(calls.make(missing))
        answers = {digest: found.get(digest) or self._kept(digest) for digest in wanted}
        self._count(answers.values(), calls=len(missing))
        return [answers[digest] for digest in digests]

    def keep(self, digest: str, request: Request | None, answer: Answer) -> None:
        """Put an answer that came just now on disk, and count what it cost."""
        cost = self.budget.cost(answer.input_tokens, answer.output_tokens)
        self.answers.keep(digest, request, answer, cost=cost, run=self.run)
        self.budget.pay(cost)

    def _kept(self, digest: str) -> Answer:
        answer = self.answers.get(digest)
        assert answer is not None, "what was asked is on disk"
        return answer

    def _count(self, answers: Any, calls: int) -> None:
        every = list(answers)
        read, written = sum(a.input_tokens for a in every), sum(a.output_tokens for a in every)
        cost = self.budget.cost(read, written)
        before = self.usage
        self.usage = Usage(
            calls=before.calls + calls,
            kept=before.kept + len(every) - calls,
            input_tokens=before.input_tokens + read,
            output_tokens=before.output_tokens + written,
            cost=None if cost is None or before.cost is None else before.cost + cost,
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what a third party's provider raises into an error with its name."""
        try:
            yield
        except AvspecError:
            raise
        except Exception as error:  # whatever a third party's code does
            reason = f"{type(error).__name__}: {error}"
            raise ProviderError(f"the provider {self.plugin!r} failed: {reason}") from error


class _LiveCalls:
    """One list of requests, each a call of its own, so many at once."""

    def __init__(self, asker: Asker, total: int, note: str) -> None:
        self.asker, self.total, self.note = asker, total, note
        self.failure: BaseException | None = None

    async def make(self, missing: Mapping[str, Request]) -> None:
        """Make the calls; after a failure no new one is begun, and those on their way are awaited and kept."""
        self.done = self.total - len(missing)
        waiting = iter(missing.items())
        await asyncio.gather(*(self._work(waiting) for _ in range(min(self.asker.concurrency, len(missing)))))
        if isinstance(self.failure, ProviderError):
            told = f"{self.done} of {self.total} answers are kept and not asked for again"
            self.failure.hint = "; ".join(part for part in (self.failure.hint, told) if part)
        if self.failure is not None:
            raise self.failure

    async def _work(self, waiting: Iterator[tuple[str, Request]]) -> None:
        for digest, request in waiting:
            if self._over():
                return
            try:
                async with self.asker.budget.reserve([request]):
                    if self._over():  # while this one waited for money
                        return
                    answer = await self.asker.provider.answer(request)
                    self.asker.keep(digest, request, answer)
                self.done += 1
                self.asker.progress(self.done, self.total, self.note)
            except BaseException as error:  # Ctrl+C comes through the progress
                self.failure = self.failure or error
                return

    def _over(self) -> bool:
        return self.failure is not None
