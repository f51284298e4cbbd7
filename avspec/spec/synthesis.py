"""How rows are written by a language model, as a spec says it: once for all domains, or for one of them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from avspec.spec.plugin import PluginSection
from avspec.spec.section import Section
from avspec.synthesis.recipe import Cleaning, Personas, Recipe, Words


class SynthesisChoices(Section):
    """What one domain may choose for itself; what it does not say, the spec's `synthesis` says for all."""

    provider: PluginSection | None = None
    """The language model, a provider plugin with its options."""
    rows: int | None = Field(default=None, ge=3)
    """Queries to ask for; cleaning leaves fewer rows. 200 by default."""
    personas: Personas | None = None
    """Whose questions are asked (paper, section 3.1)."""
    words: Words | None = None
    """Least and most words of a response, drawn whatever its level; 40 and 120 by default."""
    language: str | None = Field(default=None, pattern=r"^[a-z]{2}$")
    """Language of queries and responses, ISO 639-1; en by default."""
    seed: int | None = None
    """Seed of personas and lengths; 0 by default."""
    clean: Cleaning | None = None
    """What makes a written row unusable."""

    def chosen(self) -> dict[str, Any]:
        """Return what is chosen here, by name."""
        names = SynthesisChoices.model_fields
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class Price(Section):
    """What a model costs."""

    input: float = Field(ge=0)
    """Dollars per million tokens read."""
    output: float = Field(ge=0)
    """Dollars per million tokens written."""


class Synthesis(SynthesisChoices):
    """Rows written by a language model, for all domains with `data: {source: synthesize}` (paper, section 3)."""

    max_cost: float | None = Field(default=None, gt=0)
    """Dollars that the calls of this spec may cost in all; the call that might pass it is not made."""
    prices: dict[str, Price] = Field(default={})
    """Prices of models that avspec does not know, or knows otherwise, by model name."""


def recipe(choices: SynthesisChoices) -> Recipe:
    """Return the recipe of a domain whose choices are complete."""
    return Recipe.model_validate({name: value for name, value in choices.chosen().items() if name != "provider"})
