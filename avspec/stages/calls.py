"""How stages ask language models: answers where the run keeps them, within the budget of its spec."""

from collections.abc import Mapping
from typing import Any

from avspec.calls.asking import Asker
from avspec.calls.prices import Price
from avspec.stages.context import Context


def asker(provider: str, options: Mapping[str, Any], ctx: Context) -> Asker:
    """Return an asker of one model, not yet opened.

    Args:
        provider: Name of the provider plugin.
        options: Its options.
        ctx: The stage's surroundings.

    Raises:
        ProviderError: The spec limits the cost, and the model's price is unknown.
    """
    settings = ctx.settings
    return Asker(
        provider,
        options,
        folder=ctx.answers,
        run=settings.get("synthesis.run", ""),
        max_cost=settings.get("synthesis.max_cost"),
        prices={name: Price(**price) for name, price in settings.get("synthesis.prices", {}).items()},
        progress=ctx.progress,
        log=ctx.log,
    )
