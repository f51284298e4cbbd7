"""What is annotated: queries drawn once for a run, who gets which, and in which order (paper, section 3.3).

RUN/annotations/items.json = {format_version, seed, options, levels: {DOMAIN: [level]}, data: {DOMAIN: key},
    meanings: {DOMAIN: {level: text}}, queries: [{domain, row, query, responses: {level: {id, text}}}]}

The texts stand in the file itself: a label stays the label of what was read, whatever becomes of the rows. The first
`shared` queries are everybody's; the others are dealt out by seat, and a seat is taken in the order of arrival.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from avspec.annotation.definitions import definition
from avspec.api import Row
from avspec.errors import Corrupted, NewerFormat

FILE_NAME = "items.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How many queries are drawn, and from where."""

    domains: tuple[str, ...]
    split: str = "all"
    """train, search, test or all."""
    queries: int = 30
    """Queries of each annotator; the paper's are 30."""
    shared: int = 15
    """Those of them that everybody gets; the paper's are 15."""
    annotators: int = 3
    """Seats; the paper's annotators are 3. Whoever comes later shares the seat of one who came before."""


@dataclass(frozen=True, slots=True)
class Item:
    """One response to label."""

    id: str
    """Says nothing about the level."""
    domain: str
    level: str
    """The level it was written for: what annotators must not see."""
    query: str
    response: str


@dataclass(frozen=True, slots=True)
class Query:
    """A row that was drawn: an item for each level."""

    domain: str
    row: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Items:
    """Everything that is annotated in one run."""

    options: Options
    seed: int
    levels: Mapping[str, tuple[str, ...]]
    """Domain to its levels, least to most preferred."""
    data: Mapping[str, str]
    """Domain to the key of the data artifact that the rows came from."""
    queries: tuple[Query, ...]
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Domain to what its plugin or the spec says of levels that are its own."""

    def meaning(self, domain: str, level: str) -> str:
        """Return what a level of a domain means, as annotators and judges read it."""
        return self.meanings.get(domain, {}).get(level) or definition(level, self.levels[domain])

    @property
    def all(self) -> dict[str, Item]:
        """Return every item by its id."""
        return {item.id: item for query in self.queries for item in query.items}

    @property
    def query_of(self) -> dict[str, tuple[str, str]]:
        """Return the domain and row of every item's id."""
        return {item.id: (query.domain, query.row) for query in self.queries for item in query.items}

    def seat(self, number: int) -> tuple[Query, ...]:
        """Return the queries of a seat: those that are shared, and its own part of the others."""
        shared, others = self.queries[: self.options.shared], self.queries[self.options.shared :]
        own = min(self.options.queries - len(shared), len(others))
        start = (number % self.options.annotators) * own
        return shared + tuple(others[(start + offset) % len(others)] for offset in range(own))

    def order(self, number: int, name: str) -> list[Item]:
        """Return the items of a seat in an annotator's own order, the same at every call.

        All levels of a query come up, each in another round through the queries: two responses to one query are
        never neighbors, unless there is only one query.
        """
        draw = random.Random(f"{self.seed} {name}")
        queries = self.seat(number)
        levels = [draw.sample(query.items, len(query.items)) for query in queries]
        rounds: list[Item] = []
        before = -1
        for turn in range(max(map(len, levels), default=0)):
            indices = [index for index in draw.sample(range(len(queries)), len(queries)) if turn < len(levels[index])]
            if indices[0] == before:
                indices.append(indices.pop(0))
            rounds += [levels[index][turn] for index in indices]
            before = indices[-1]
        return rounds


def draw_items(
    rows: Mapping[str, Sequence[Row]],
    levels: Mapping[str, Sequence[str]],
    options: Options,
    seed: int,
    data: Mapping[str, str] | None = None,
    meanings: Mapping[str, Mapping[str, str]] | None = None,
) -> Items:
    """Draw the queries of a run, as evenly from the domains as their rows allow.

    Args:
        rows: Domain to the rows to draw from.
        levels: Domain to its levels.
        options: How many queries.
        seed: Decides the draw, the items' ids and everybody's order.
        data: Domain to the key of the artifact with its rows.
        meanings: Domain to what its own levels mean.
    """
    draw = random.Random(seed)
    shuffled = [draw.sample(list(part), len(part)) for part in rows.values()]
    pool = [row for row in chain.from_iterable(zip_longest(*shuffled)) if row is not None]
    own = options.queries - options.shared
    drawn = pool[: options.shared + own * options.annotators]
    ids = iter(draw.sample(range(16**11, 16**12), sum(len(levels[row.domain]) for row in drawn)))
    return Items(
        options=options,
        seed=seed,
        levels={domain: tuple(levels[domain]) for domain in rows},
        data=dict(data or {}),
        meanings=dict(meanings or {}),
        queries=tuple(
            Query(
                row.domain,
                row.id,
                tuple(
                    Item(f"{next(ids):012x}", row.domain, level, row.query, row.responses[level])
                    for level in levels[row.domain]
                ),
            )
            for row in drawn
        ),
    )


def items_text(items: Items) -> str:
    """Return the text of items.json."""
    value = {
        "format_version": FORMAT_VERSION,
        "seed": items.seed,
        "options": asdict(items.options),
        "levels": items.levels,
        "data": items.data,
        "meanings": items.meanings,
        "queries": [_query_json(query) for query in items.queries],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _query_json(query: Query) -> dict[str, Any]:
    responses = {item.level: {"id": item.id, "text": item.response} for item in query.items}
    return {"domain": query.domain, "row": query.row, "query": query.items[0].query, "responses": responses}


def read_items(folder: Path) -> Items | None:
    """Read the items of a folder of annotations, or return None if there are none.

    Raises:
        NewerFormat: A newer avspec drew them.
        Corrupted: The file is broken.
    """
    path = folder / FILE_NAME
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format_version"] > FORMAT_VERSION:
            raise NewerFormat(f"{FILE_NAME} was made by a newer avspec", where=str(path), hint="update avspec")
        return _items(value)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "put a copy of the file back; without it the labels have no meaning"
        raise Corrupted("the items to annotate are not readable", where=str(path), hint=hint) from error


def _items(value: Mapping[str, Any]) -> Items:
    options = {**value["options"], "domains": tuple(value["options"]["domains"])}
    return Items(
        options=Options(**options),
        seed=value["seed"],
        levels={domain: tuple(levels) for domain, levels in value["levels"].items()},
        data=value["data"],
        meanings=value.get("meanings", {}),
        queries=tuple(_query(entry) for entry in value["queries"]),
    )


def _query(entry: Mapping[str, Any]) -> Query:
    items = (
        Item(response["id"], entry["domain"], level, entry["query"], response["text"])
        for level, response in entry["responses"].items()
    )
    return Query(entry["domain"], entry["row"], tuple(items))
