"""A domain's rows, written by a language model: queries first, then a response to each for every level (section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from avspec.synthesis.hub import SOURCE
from avspec.synthesis.parsing import Unparsed
from avspec.synthesis.prompts import Prompts, language_name
from avspec.synthesis.queries import CREATED, Ask, Gathered, write_queries
from avspec.synthesis.recipe import Recipe
from avspec.synthesis.responses import draw_words, instruction, read_response, response_request
from avspec.synthesis.written import WrittenRow

__all__ = ["COUNTS", "Ask", "Job", "Written", "write_rows"]

COUNTS = ("wanted", SOURCE, CREATED, "repeated", "refused", "empty", "unparsed")
"""What is counted: queries asked for; written, by source; seen before; and answers that were declined, empty or not
wholly understood."""


@dataclass(frozen=True)
class Job:
    """What is to be written."""

    domain: str
    """Name of the domain, with which the ids of its rows begin."""
    levels: tuple[str, ...]
    recipe: Recipe
    slots: Mapping[str, str]
    """The domain plugin's, see `avspec.synthesis.prompts.SLOTS`."""
    templates: Mapping[str, str]
    """See `avspec.synthesis.prompts.templates_for`."""
    personas: Path | None = None
    """The file of `recipe.personas.hub` if it is `path:FILE`."""

    def prompts(self) -> Prompts:
        """Return the templates with the domain's slots and the language filled in."""
        return Prompts(self.templates, {**self.slots, "language": language_name(self.recipe.language)}, self.domain)


@dataclass(frozen=True)
class Written:
    """What was written."""

    rows: list[WrittenRow]
    unparsed: list[Unparsed]
    """Answers that gave no query, or fewer than they should."""
    counts: Mapping[str, int]
    """See `COUNTS`."""


def write_rows(job: Job, ask: Ask) -> Written:
    """Have rows written.

    The same job asks the same requests in the same order as long as it gets the same answers.

    Args:
        job: What is to be written.
        ask: Returns the answers to requests, in their order; the text says what they are for.

    Raises:
        DataError, NoInput: There are no personas to draw from, or not enough.
        PluginError: A prompt cannot be rendered.
        SpecError: More queries are wanted than CreatePersona can make.
    """
    gathered = write_queries(job.recipe, job.prompts(), ask, job.personas)
    counts = gathered.counts | {"wanted": job.recipe.rows}
    return Written(_respond(job, ask, gathered), gathered.unparsed, {name: counts.get(name, 0) for name in COUNTS})


def _respond(job: Job, ask: Ask, gathered: Gathered) -> list[WrittenRow]:
    """Have the responses to all queries written at once."""
    queries = {f"{job.domain}-{name}": query for name, query in gathered.queries.items()}
    if not queries:
        return []
    prompts = job.prompts()
    words = {key: draw_words(job.recipe, *key) for key in product(queries, job.levels)}
    requests = [
        response_request(job.recipe, prompts, row_id, queries[row_id].text, level, count)
        for (row_id, level), count in words.items()
    ]
    answers = dict(zip(words, ask(requests, "responses"), strict=True))
    written = {
        (row_id, level): read_response(answers[row_id, level], count, instruction(prompts, level, count))
        for (row_id, level), count in words.items()
    }
    return [
        WrittenRow(
            row_id, query.text, query.persona, query.source, {level: written[row_id, level] for level in job.levels}
        )
        for row_id, query in queries.items()
    ]
