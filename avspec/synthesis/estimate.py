"""What writing a domain's rows will take, in calls and tokens, before anything is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from avspec.api import Request
from avspec.synthesis.queries import (
    from_hub,
    query_request,
    related_counts,
    related_request,
    root_counts,
    root_request,
)
from avspec.synthesis.responses import mean_words, response_request
from avspec.synthesis.writing import Job

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_WORD = 1.35
PERSONA_WORDS, QUERY_WORDS = 15, 80
"""Typical lengths."""
PAIR_TOKENS = 20
"""Tokens of the JSON around a persona and its query."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Calls exactly, if every answer can be parsed and no query comes twice; tokens about."""

    calls: int
    input_tokens: int
    output_tokens: int

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


def estimate(job: Job) -> Estimate:
    """Return what writing rows takes.

    Raises:
        PluginError: A prompt cannot be rendered.
        SpecError: More queries are wanted than CreatePersona can make.
    """
    return sum([_drawn(job), *_created(job), *_responses(job)], Estimate(0, 0, 0))


def _drawn(job: Job) -> Estimate:
    request = query_request(job.recipe, job.prompts(), _text(PERSONA_WORDS), 0)
    return _calls(request, from_hub(job.recipe), QUERY_WORDS * TOKENS_PER_WORD)


def _created(job: Job) -> Iterable[Estimate]:
    """Yield the cost of CreatePersona's requests, as `write_queries` makes them."""
    personas, prompts = job.recipe.personas, job.prompts()
    needed = job.recipe.rows - from_hub(job.recipe)
    counts = root_counts(personas, needed)
    for pairs, calls in Counter(counts).items():
        yield _pairs(root_request(job.recipe, prompts, pairs, 0), pairs, calls)
    while (needed := needed - sum(counts)) > 0:
        counts = related_counts(personas, needed, sum(counts))
        for pairs, calls in Counter(counts).items():
            yield _pairs(related_request(job.recipe, prompts, _text(PERSONA_WORDS), pairs, 1, 0), pairs, calls)


def _pairs(request: Request, pairs: int, calls: int) -> Estimate:
    return _calls(request, calls, pairs * ((PERSONA_WORDS + QUERY_WORDS) * TOKENS_PER_WORD + PAIR_TOKENS))


def _responses(job: Job) -> Iterable[Estimate]:
    """Yield the cost of all responses of each level."""
    words, prompts = mean_words(job.recipe), job.prompts()
    for level in job.levels:
        request = response_request(job.recipe, prompts, "", _text(QUERY_WORDS), level, round(words))
        yield _calls(request, job.recipe.rows, words * TOKENS_PER_WORD)


def _calls(request: Request, calls: int, output_tokens: float) -> Estimate:
    tokens = len(request.prompt) / CHARACTERS_PER_TOKEN
    return Estimate(calls, round(calls * tokens), round(calls * output_tokens))


def _text(words: int) -> str:
    """Return a text as long as so many words of English."""
    return "words " * words
