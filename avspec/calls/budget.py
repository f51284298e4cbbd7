"""What calls may cost: no call is made that might pass the limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from avspec.api import Request
from avspec.calls.prices import Price
from avspec.errors import OverBudget, ProviderError


class Budget:
    """Dollars paid, dollars that calls on their way may cost at worst, and a limit for both together."""

    def __init__(self, limit: float | None, spent: float, price: Price | None, *, model: str, batch: bool) -> None:
        if limit is not None and price is None:
            raise ProviderError(
                f"`synthesis.max_cost` cannot be kept: the price of {model!r} is unknown",
                hint=f"say it in the spec, dollars per million tokens: `synthesis: {{prices: {{{model}: "
                "{input: 1, output: 4}}}`",
            )
        self.limit, self.spent, self.price, self.batch = limit, spent, price, batch
        self.reserved = 0.0
        self.pending: dict[str, float] = {}
        """Dollars that batches of earlier calls, not collected yet, may cost at worst, by their names."""
        self._changed = asyncio.Condition()

    def worst(self, requests: Sequence[Request]) -> float:
        """Return what requests cost at worst, in dollars: every answer as long as it may be."""
        if self.price is None:
            return 0.0
        read = sum(_most_tokens(request) for request in requests)
        written = sum(request.max_tokens for request in requests)
        return self.price.cost(read, written, batch=self.batch)

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """Return what an answer cost, in dollars, or None where the price is unknown."""
        return None if self.price is None else self.price.cost(input_tokens, output_tokens, batch=self.batch)

    def pay(self, cost: float | None) -> None:
        """Count what an answer cost."""
        self.spent += cost or 0.0

    @asynccontextmanager
    async def reserve(self, requests: Sequence[Request]) -> AsyncIterator[None]:
        """Hold the worst cost of requests while they are on their way; wait while others might use it up.

        Raises:
            OverBudget: Nothing is on its way that could cost less than feared, and the limit might still be passed.
        """
        worst = self.worst(requests)
        async with self._changed:
            while not self.fits(worst):
                if not self.reserved:
                    raise self._over(worst)
                await self._changed.wait()
            self.reserved += worst
        try:
            yield
        finally:
            async with self._changed:
                self.reserved = max(0.0, self.reserved - worst) if self.reserved - worst > 1e-12 else 0.0
                self._changed.notify_all()

    def fits(self, worst: float) -> bool:
        """Say whether that much more is within the limit, whatever the calls on their way cost."""
        if self.limit is None or not worst:  # what is free fits even where the limit is passed
            return True
        return self.spent + sum(self.pending.values()) + self.reserved + worst <= self.limit

    def _over(self, worst: float) -> OverBudget:
        assert self.limit is not None
        what = "the next batch" if self.batch else "the next call"
        waiting = sum(self.pending.values())
        pending = f", batches not collected yet might cost ${waiting:.4f}" if waiting else ""
        return OverBudget(
            f"{what} might cost ${worst:.4f}, ${self.spent:.4f} are spent{pending}, "
            f"and `synthesis.max_cost` is ${self.limit:g}",
            hint="raise it and run the same command again: every answer so far is kept and not paid for twice",
        )


def _most_tokens(request: Request) -> int:
    """Return more tokens than a prompt has: tokens are rarely shorter than two bytes, and schemas are sent along."""
    schema = len(str(dict(request.schema))) if request.schema else 0
    return (len(request.prompt.encode()) + len(request.system.encode()) + schema) // 2 + 64
