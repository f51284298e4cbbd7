"""How a domain's rows are written by a language model: what a spec may choose, with the paper's values in the docs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from avspec.api import Options


def _ordered(words: tuple[int, ...]) -> tuple[int, ...]:
    if not 5 <= words[0] <= words[1]:
        raise ValueError("must be two numbers, the least words (5 or more) first")
    return words


Words = Annotated[tuple[int, ...], Field(min_length=2, max_length=2), AfterValidator(_ordered)]
"""Least and most words of a response."""


class Personas(Options):
    """Whose questions are asked (paper, section 3.1)."""

    hub: str = Field(default="hf:proj-persona/PersonaHub", pattern=r"^(hf:\S+|path:.+)$")
    """Personas to draw from: a data set of the hub, `hf:ID`, or a file, `path:FILE`, of lines of text or JSON lines
    with `persona`; a path starts at the spec's own folder."""
    share: float = Field(default=0.5, ge=0, le=1)
    """Share of the queries whose personas are drawn from `hub`; the others are made up by CreatePersona."""
    starts: int = Field(default=3, ge=1)
    """CreatePersona: independent starts; the paper's are 3."""
    roots: int = Field(default=5, ge=1)
    """CreatePersona: personas with queries that each start begins with; the paper's are 5."""
    branching: int = Field(default=5, ge=1)
    """CreatePersona: related personas made from each; the paper's are 5."""
    depth: int = Field(default=4, ge=0)
    """CreatePersona: generations after the roots, at most; fewer when there are enough queries."""

    @property
    def most(self) -> int:
        """Return how many persona-query pairs CreatePersona can make with these settings."""
        generations: list[int] = [self.branching**generation for generation in range(self.depth + 1)]
        return self.starts * self.roots * sum(generations)


class Cleaning(Options):
    """What makes a written row unusable; a row is dropped as a whole, because training needs every level of it."""

    near_duplicates: float = Field(default=0.7, gt=0, le=1)
    """Jaccard similarity of word 3-grams from which on the later of two queries, or of two responses of one row, is a
    repetition."""
    refusals: bool = True
    """Drop rows with a response that the provider or model declined to write; at the lowest level, where declining is
    what was asked for, only if the provider says so."""
    truncated: bool = True
    """Drop rows with a response that was cut off at its length limit, or does not end a sentence."""
    leaks: int = Field(default=8, ge=0)
    """Drop rows with a response that repeats as many words in a row of the instruction for its level; 0 allows it."""
    language: bool = True
    """Drop rows with a query or a response that is in another language than the recipe's."""
    least_words: int = Field(default=5, ge=1)
    """Drop rows with a query or a response of fewer words."""


class Recipe(Options):
    """How a domain's rows are written."""

    rows: int = Field(default=200, ge=3)
    """Queries to ask for; cleaning leaves fewer rows."""
    personas: Personas = Personas()
    """Whose questions are asked."""
    words: Words = (40, 120)
    """Least and most words of a response. Each response's length is drawn between them whatever its level, so that
    length does not tell the level (paper, section 3.2)."""
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Language of queries and responses, ISO 639-1."""
    seed: int = 0
    """Seed of the personas, the lengths and, where a provider allows it, of its sampling."""
    clean: Cleaning = Cleaning()
    """What makes a row unusable."""
