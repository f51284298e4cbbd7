"""Queries: asked for personas drawn from a hub, and made up together with personas by CreatePersona (section 3.1)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from avspec.api import Answer, Request
from avspec.digest import digest
from avspec.errors import Problem, SpecError
from avspec.synthesis import hub
from avspec.synthesis.parsing import PAIRS_SCHEMA, Pair, Unparsed, parse_pairs, parse_query
from avspec.synthesis.prompts import QUERY, RELATED, ROOTS, Prompts
from avspec.synthesis.recipe import Personas, Recipe

CREATED = "create-persona"
QUERY_TOKENS = 400
"""Longest answer, tokens, that is a query; one paragraph takes about 150."""
PAIR_TOKENS = 400
"""Longest answer, tokens, for each persona with its query."""

Ask = Callable[[Sequence[Request], str], list[Answer]]
"""Returns the answers to requests, in their order; the text says what they are for, to show progress."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query and who asks it."""

    text: str
    persona: str
    source: str
    """`persona-hub` or `create-persona`."""


@dataclass
class Gathered:
    """Queries as they come, each once, and what happened to the answers that gave none."""

    queries: dict[str, Query] = field(default_factory=dict)
    """By the first 12 hex digits of the SHA-256 of their text."""
    unparsed: list[Unparsed] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """`refused`, `empty`, `unparsed`, `repeated`, and queries by source."""

    def add(self, text: str, persona: str, source: str) -> bool:
        """Take a query unless it was there before; return whether it is new."""
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        if name in self.queries:
            self.counts["repeated"] += 1
            return False
        self.queries[name] = Query(text, persona, source)
        self.counts[source] += 1
        return True

    def usable(self, answer: Answer, asked: str) -> bool:
        """Return whether an answer says anything, after counting and keeping one that does not."""
        if answer.stop == "refusal":
            self.keep("refused", Unparsed(asked, answer.text, "the model or its provider declined"))
        elif not answer.text.strip():
            self.keep("empty", Unparsed(asked, answer.text, "the answer is empty"))
        else:
            return True
        return False

    def keep(self, count: str, answer: Unparsed) -> None:
        """Count an answer and keep it for a look."""
        self.counts[count] += 1
        self.unparsed.append(answer)


def seed_of(*position: Any) -> int:
    """Return the seed of the request at a position, 31 bits; positions are the recipe's seed and any JSON."""
    return int(digest(position)[:8], 16) >> 1


def from_hub(recipe: Recipe) -> int:
    """Return how many queries are asked for personas of the hub.

    Raises:
        SpecError: The others are more than CreatePersona can make.
    """
    drawn = round(recipe.personas.share * recipe.rows)
    if recipe.rows - drawn > recipe.personas.most:
        what = f"CreatePersona should make {recipe.rows - drawn} queries, and makes {recipe.personas.most} at most"
        raise SpecError([Problem(what, hint="raise `depth`, `branching`, `roots`, `starts` or `share` of `personas`")])
    return drawn


def root_counts(personas: Personas, needed: int) -> list[int]:
    """Return how many pairs each start asks for, spread evenly over the starts."""
    needed = min(needed, personas.starts * personas.roots)
    counts = [needed // personas.starts + (start < needed % personas.starts) for start in range(personas.starts)]
    return [count for count in counts if count]


def related_counts(personas: Personas, needed: int, parents: int) -> list[int]:
    """Return how many pairs are asked for from each of the first parents; those that are not needed get none."""
    needed = min(needed, parents * personas.branching)
    return [min(personas.branching, needed - begun) for begun in range(0, needed, personas.branching)]


def query_request(recipe: Recipe, prompts: Prompts, persona: str, position: int) -> Request:
    """Ask for the query of a persona."""
    return Request(
        prompts.render(QUERY, persona=persona), max_tokens=QUERY_TOKENS, seed=seed_of(recipe.seed, "query", position)
    )


def root_request(recipe: Recipe, prompts: Prompts, count: int, start: int) -> Request:
    """Ask for the pairs that a start of CreatePersona begins with."""
    return _pairs_request(prompts.render(ROOTS, n=count), count, seed_of(recipe.seed, "roots", start))


def related_request(recipe: Recipe, prompts: Prompts, persona: str, count: int, *position: int) -> Request:
    """Ask for pairs related to a persona; the position is its generation and its place there."""
    prompt = prompts.render(RELATED, persona=persona, n=count)
    return _pairs_request(prompt, count, seed_of(recipe.seed, "related", *position))


def _pairs_request(prompt: str, count: int, seed: int) -> Request:
    return Request(prompt, max_tokens=100 + PAIR_TOKENS * count, schema=PAIRS_SCHEMA, seed=seed)


def write_queries(recipe: Recipe, prompts: Prompts, ask: Ask, file: Path | None = None) -> Gathered:
    """Have the queries of a domain written.

    The personas of the hub and the roots of CreatePersona are asked about at once, then each generation at once.

    Args:
        recipe: How many, from where.
        prompts: What to ask.
        ask: Asks.
        file: The file of `recipe.personas.hub`, if it is `path:FILE`.

    Raises:
        DataError, NoInput: There are no such personas, or not enough.
        PluginError: A prompt cannot be rendered.
        SpecError: More queries are wanted than CreatePersona can make.
    """
    gathered = Gathered()
    drawn = from_hub(recipe)
    needed = recipe.rows - drawn
    personas = hub.draw_personas(recipe.personas.hub, drawn, recipe.seed, file)
    asked = [query_request(recipe, prompts, persona, index) for index, persona in enumerate(personas)]
    counts = root_counts(recipe.personas, needed)
    asked += [root_request(recipe, prompts, count, start) for start, count in enumerate(counts)]
    answers = ask(asked, "personas and queries")
    _read_queries(gathered, personas, answers[: len(personas)])
    roots = _read_pairs(gathered, counts, answers[len(personas) :], "the roots of start")
    _descend(recipe, prompts, ask, gathered, roots)
    return gathered


def _descend(recipe: Recipe, prompts: Prompts, ask: Ask, gathered: Gathered, parents: Sequence[Pair]) -> None:
    """Ask for related pairs, generation by generation, until there are enough or the depth is reached."""
    wanted = recipe.rows - from_hub(recipe)
    for generation in range(1, recipe.personas.depth + 1):
        counts = related_counts(recipe.personas, wanted - gathered.counts[CREATED], len(parents))
        if not counts:
            return
        asked = [
            related_request(recipe, prompts, parent.persona, count, generation, index)
            for index, (parent, count) in enumerate(zip(parents, counts, strict=False))  # the last parents get none
        ]
        answers = ask(asked, f"personas and queries, generation {generation}")
        parents = _read_pairs(gathered, counts, answers, f"generation {generation}, parent")


def _read_queries(gathered: Gathered, personas: Sequence[str], answers: Iterable[Answer]) -> None:
    for persona, answer in zip(personas, answers, strict=True):
        asked = f"the query of: {persona}"
        if not gathered.usable(answer, asked):
            continue
        text = parse_query(answer.text)
        if answer.stop == "length":
            gathered.keep("unparsed", Unparsed(asked, answer.text, f"cut off after {QUERY_TOKENS} tokens"))
        elif not text:
            gathered.keep("unparsed", Unparsed(asked, answer.text, "there is no query in it"))
        else:
            gathered.add(text, persona, hub.SOURCE)


def _read_pairs(gathered: Gathered, counts: Sequence[int], answers: Sequence[Answer], asked: str) -> list[Pair]:
    """Take the new pairs of a generation and return them, the first of every answer first.

    In that order the next generation, which may need only some of them as parents, has some from each answer.
    """
    new: list[list[Pair]] = []
    for index, (count, answer) in enumerate(zip(counts, answers, strict=True), start=1):
        pairs = _pairs(gathered, count, answer, f"{asked} {index}")
        new.append([pair for pair in pairs if gathered.add(pair.query, pair.persona, CREATED)])
    return [pair for pair in chain.from_iterable(zip_longest(*new)) if pair is not None]


def _pairs(gathered: Gathered, count: int, answer: Answer, asked: str) -> list[Pair]:
    if not gathered.usable(answer, asked):
        return []
    pairs = parse_pairs(answer.text)[:count]
    if len(pairs) < count:
        why = f"{len(pairs)} of {count} personas with queries could be read"
        gathered.keep("unparsed", Unparsed(asked, answer.text, why))
    return pairs
