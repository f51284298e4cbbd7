"""What tokens cost: a small table with its date, and what a spec says instead."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

_TABLE = json.loads((Path(__file__).parents[1] / "data" / "prices.json").read_text("utf-8"))
PRICES_DATE: str = _TABLE["date"]
"""Month the table was written, as YYYY-MM."""
_KNOWN: Mapping[str, Mapping[str, float]] = _TABLE["dollars_per_million_tokens"]
_HERE = "local"  # the provider that runs in this process
# what providers put behind a model's name: -latest, -20250929, -2025-04-14
_DATED = re.compile(r"-(latest|\d{8}|\d{4}-\d{2}-\d{2})$")


class Price(BaseModel):
    """What a model costs."""

    model_config = ConfigDict(frozen=True)

    input: float = Field(ge=0)
    """Dollars per million tokens read."""
    output: float = Field(ge=0)
    """Dollars per million tokens written."""

    def cost(self, input_tokens: float, output_tokens: float, *, batch: bool = False) -> float:
        """Return dollars; a batch costs a part of them."""
        dollars = (self.input * input_tokens + self.output * output_tokens) / 1e6
        return dollars * float(_TABLE["batch_factor"]) if batch else dollars


def price_of(plugin: str, model: str, overrides: Mapping[str, Price]) -> Price | None:
    """Return the price of a model, or None if it is unknown.

    Args:
        plugin: The provider; a model in this process costs nothing.
        model: Its name, with or without a date behind it.
        overrides: What a spec says, by model name.
    """
    if model in overrides:
        return overrides[model]
    if plugin == _HERE:
        return Price(input=0, output=0)
    known = _KNOWN.get(model) or _KNOWN.get(_DATED.sub("", model))  # an old date may have a price of its own
    return Price(**known) if known else None
