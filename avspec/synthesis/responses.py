"""Responses: one request for each query and level, with a length that does not depend on the level (section 3.2)."""

from __future__ import annotations

import math
import random

from avspec.api import Answer, Request
from avspec.synthesis.prompts import RESPONSE, Prompts, level_template
from avspec.synthesis.queries import seed_of
from avspec.synthesis.recipe import Recipe
from avspec.synthesis.written import WrittenResponse

PARAGRAPH_WORDS = 80
"""Words of a paragraph, about."""
TOKENS_PER_WORD = 2.5
"""Most tokens a word may take: English needs 1.35 on average, other languages more."""


def draw_words(recipe: Recipe, row_id: str, level: str) -> int:
    """Return how many words a response should have: uniform in the logarithm between the recipe's least and most.

    The draw of each row and level is one of its own, from the same distribution whatever the level.
    """
    low, high = recipe.words
    position = random.Random(seed_of(recipe.seed, "words", row_id, level)).random()
    return min(high, int(low * ((high + 1) / low) ** position))


def mean_words(recipe: Recipe) -> float:
    """Return the expected number of words of a response."""
    low, high = recipe.words
    return (high - low) / math.log(high / low) if high > low else float(low)


def paragraphs(words: int) -> int:
    """Return how many paragraphs a response of so many words has."""
    return max(1, round(words / PARAGRAPH_WORDS))


def instruction(prompts: Prompts, level: str, words: int) -> str:
    """Return a level's instruction as it is sent, without the query."""
    return prompts.render(level_template(level), words=words, num_paras=paragraphs(words))


def response_request(recipe: Recipe, prompts: Prompts, row_id: str, query: str, level: str, words: int) -> Request:
    """Ask for the response of one level to a query."""
    prompt = prompts.render(
        RESPONSE,
        instruction=instruction(prompts, level, words),
        words=words,
        num_paras=paragraphs(words),
        query=query,
    )
    return Request(
        prompt,
        max_tokens=math.ceil(TOKENS_PER_WORD * words) + 40,
        seed=seed_of(recipe.seed, "response", row_id, level),
    )


def read_response(answer: Answer, words: int, sent: str) -> WrittenResponse:
    """Return a response as it came, whatever it is: cleaning judges it."""
    return WrittenResponse(answer.text.strip(), answer.stop, words, sent)
