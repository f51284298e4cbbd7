"""Batches: handed in once, found again after any crash, collected when they are done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from avspec.api import Batches, Request
from avspec.calls.answers import Journal, read_lines
from avspec.errors import BatchLost, ProviderError

if TYPE_CHECKING:
    from avspec.calls.asking import Asker

_MOST = 10_000  # requests of one batch; providers take 50,000 and more, but not unlimited bytes
_TRIES = 2  # a request that failed inside one batch is handed in with one more
_TICK = 1.0  # seconds between two looks at whether the user wants to stop


@dataclass
class _Batch:
    """A batch as the ledger knows it."""

    name: str
    digests: tuple[str, ...]
    since: datetime
    run: str = ""
    """Name of the run that pays."""
    worst: float = 0.0
    """Dollars that it costs at worst."""
    id: str | None = None


class BatchCalls:
    """One list of requests, handed in as a batch.

    The ledger, a file beside the answers, has a line before a batch is handed in, one with the provider's id after it,
    and one when its answers are kept. Whatever happens in between, the next call finds out where it stands.
    """

    def __init__(self, asker: Asker, total: int, note: str) -> None:
        self.asker, self.total, self.note = asker, total, note

    async def make(self, missing: Mapping[str, Request]) -> None:
        """Get the answers: from batches handed in earlier, then from new ones.

        Raises:
            OverBudget: The batch might cost more than is left.
            ProviderError: The provider has no batches, does not take this one, or some requests fail twice.
        """
        open_batches = getattr(self.asker.provider, "batches", None)
        if open_batches is None:
            hint = "write `mode: live`, or leave it out"
            raise ProviderError(f"the provider {self.asker.plugin!r} has no batches", where="mode: batch", hint=hint)
        with Journal(_ledger(self.asker.answers.path)) as ledger:
            calls = _Handed(self, open_batches, ledger)
            left = await calls.resume(missing)
            for _ in range(_TRIES):
                left = await calls.new(left)
        if left:
            hint = "run the same command again to hand them in once more, or write `mode: live`"
            what = f"{len(left)} of {len(missing)} requests failed in {_TRIES} batches; the others are kept"
            raise ProviderError(what, where=f"{self.asker.plugin} {self.asker.model}", hint=hint)


def pending(folder: Path, run: str) -> dict[str, float]:
    """Return the dollars at worst of the batches, of any model, that a run has handed in and not collected, by name."""
    batches = (batch for path in sorted(_ledgers(folder).glob("*.jsonl")) for batch in _unfinished(read_lines(path)))
    return {batch.name: batch.worst for batch in batches if batch.run == run}


def _ledgers(folder: Path) -> Path:
    return folder / "batches"  # a folder of its own: what lies beside answers is read as answers


def _ledger(answers: Path) -> Path:
    return _ledgers(answers.parent) / answers.name


class _Handed:
    """The batches of one provider, those of earlier calls among them."""

    def __init__(self, calls: BatchCalls, batches: Batches, ledger: Journal) -> None:
        self.calls, self.asker, self.batches, self.ledger = calls, calls.asker, batches, ledger

    async def resume(self, missing: Mapping[str, Request]) -> dict[str, Request]:
        """Collect what earlier calls handed in; return what is still missing."""
        left = dict(missing)
        for batch in _unfinished(record for _, record in self.ledger.lines()):
            requests = {digest: left[digest] for digest in batch.digests if digest in left}
            if all(self.asker.answers.get(digest) is not None for digest in batch.digests):
                self._finish(batch)  # the crash came just after its last answer
            if not requests:
                continue
            if batch.id is None:
                batch.id = await self._found(batch, requests)
                if batch.id is None:
                    self._finish(batch)  # it never reached the provider
                    continue
            self.asker.log(f"a batch of {len(batch.digests)} requests was handed in before: waiting for it")
            left = {**left, **await self._collect(batch, requests)}
            left = {digest: request for digest, request in left.items() if self.asker.answers.get(digest) is None}
        return left

    async def _found(self, batch: _Batch, requests: Mapping[str, Request]) -> str | None:
        """Ask the provider whether it has a batch that we have no id of, and note the id."""
        every = {digest: requests.get(digest, Request("")) for digest in batch.digests}
        found = await self.batches.find(batch.name, every, batch.since)
        if found is not None:
            self.ledger.add({"name": batch.name, "id": found})
        return found

    async def new(self, requests: Mapping[str, Request]) -> dict[str, Request]:
        """Hand requests in and collect them, part after part; return those that failed."""
        failed: dict[str, Request] = {}
        digests = list(requests)
        for start in range(0, len(digests), _MOST):
            failed |= await self._part({digest: requests[digest] for digest in digests[start : start + _MOST]})
        return failed

    async def _part(self, requests: Mapping[str, Request]) -> dict[str, Request]:
        worst = self.asker.budget.worst(list(requests.values()))
        batch = _Batch(f"avspec-{uuid4().hex}", tuple(requests), datetime.now(UTC), self.asker.run, worst)
        async with self.asker.budget.reserve(list(requests.values())):
            said = {"name": batch.name, "digests": list(batch.digests), "since": batch.since.isoformat()}
            self.ledger.add({**said, "run": batch.run, "worst": worst})
            batch.id = await self.batches.submit(batch.name, requests)
            self.ledger.add({"name": batch.name, "id": batch.id})
            return await self._collect(batch, requests)

    async def _collect(self, batch: _Batch, requests: Mapping[str, Request]) -> dict[str, Request]:
        """Wait for a batch and keep all its answers, as all are paid; return those of the requests that failed."""
        assert batch.id is not None
        try:
            while (answers := await self.batches.collect(batch.id)) is None:
                await self._wait()
        except BatchLost:
            self._finish(batch)  # the next call hands in anew
            raise
        for digest in batch.digests:
            if (answer := answers.get(digest)) is not None and self.asker.answers.get(digest) is None:
                self.asker.keep(digest, requests.get(digest), answer)
        self._finish(batch)
        return {digest: request for digest, request in requests.items() if answers.get(digest) is None}

    def _finish(self, batch: _Batch) -> None:
        """Note that there is nothing more to come of a batch."""
        self.ledger.add({"name": batch.name, "done": True})
        self.asker.budget.pending.pop(batch.name, None)

    async def _wait(self) -> None:
        """Wait until the next look is due, and let the user stop: the batch goes on at the provider."""
        left = float(self.asker.options.get("poll", 60))
        while left > 0:
            try:
                self.asker.progress(0, self.calls.total, f"{self.calls.note}, batch at {self.asker.plugin}")
            except BaseException:
                self.asker.log("the batch goes on at the provider; the same command picks it up again")
                raise
            await asyncio.sleep(min(_TICK, left))
            left -= _TICK


def _unfinished(records: Iterable[Mapping[str, Any]]) -> list[_Batch]:
    found: dict[str, _Batch] = {}
    for record in records:
        name = str(record["name"])
        if "digests" in record:
            since = datetime.fromisoformat(record["since"])
            paid = str(record.get("run", "")), float(record.get("worst", 0))
            found[name] = _Batch(name, tuple(record["digests"]), since, *paid)
        elif "id" in record and name in found:
            found[name].id = str(record["id"])
        elif record.get("done"):
            found.pop(name, None)
    return list(found.values())
