"""All checks of written rows, in one order: a row is dropped for the first reason that holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from avspec.cleaning.duplicates import Seen, similarity
from avspec.cleaning.endings import cut_off, declined
from avspec.cleaning.language import other_language
from avspec.cleaning.leaks import leaked
from avspec.cleaning.words import words
from avspec.synthesis.recipe import Cleaning
from avspec.synthesis.written import WrittenRow

REASONS = {
    "short": "too few words",
    "refused": "the model declined to write it",
    "truncated": "cut off before its end",
    "leak": "repeats its instruction",
    "language": "in another language",
    "same-responses": "two levels say nearly the same",
    "near-duplicate": "nearly the same query as an earlier one",
}
"""Reasons in the order they are looked for, and what they mean."""

OPTIONS = {
    "short": "least_words",
    "refused": "refusals",
    "truncated": "truncated",
    "leak": "leaks",
    "language": "language",
    "same-responses": "near_duplicates",
    "near-duplicate": "near_duplicates",
}
"""The option of `Cleaning` that each reason comes from."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is not used, and why."""

    row: WrittenRow
    reason: str
    """One of `REASONS`."""
    detail: str
    """Where in the row, and what was found."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Rows that are used, and those that are not."""

    kept: tuple[WrittenRow, ...]
    dropped: tuple[Dropped, ...]


def clean(rows: Sequence[WrittenRow], rules: Cleaning, levels: Sequence[str], language: str) -> Cleaned:
    """Look at every row, in order.

    Args:
        rows: The rows as they were written.
        rules: What makes a row unusable.
        levels: The domain's levels, least to most preferred.
        language: The language that was asked for, ISO 639-1.
    """
    seen = Seen(rules.near_duplicates)
    kept, dropped = [], []
    for row in rows:
        found = next(_findings(row, rules, levels, language), None) or _repetition(row, seen)
        if found is not None:
            dropped.append(Dropped(row, *found))
            continue
        seen.add(row.id, row.query)
        kept.append(row)
    return Cleaned(tuple(kept), tuple(dropped))


def _findings(row: WrittenRow, rules: Cleaning, levels: Sequence[str], language: str) -> Iterator[tuple[str, str]]:
    """Yield reason and detail of all that is wrong with a row by itself."""
    responses = [(level, row.responses[level]) for level in levels]
    for name, text in [("query", row.query), *((level, response.text) for level, response in responses)]:
        if (count := len(words(text))) < rules.least_words:
            yield "short", f"{name}: {count} words"
    for level, response in responses:
        if rules.refusals and response.stop == "refusal":
            yield "refused", f"{level}: the provider says so"
        # at the lowest level declining is what was asked for
        if rules.refusals and level != levels[0] and declined(response.text, language):
            yield "refused", f"{level}: {response.text[:60]}"
    for level, response in responses:
        if rules.truncated and cut_off(response.text, response.stop):
            yield "truncated", f"{level}: ... {response.text[-60:]}"
        if run := leaked(response.text, response.instruction, rules.leaks):
            yield "leak", f"{level}: {run}"
    if rules.language:
        for name, text in [("query", row.query), *((level, response.text) for level, response in responses)]:
            if other := other_language(text, language):
                yield "language", f"{name}: {other}"
    for (one, left), (two, right) in combinations(responses, 2):
        if (like := similarity(left.text, right.text)) >= rules.near_duplicates:
            yield "same-responses", f"{one} and {two}: similarity {like:.2f}"


def _repetition(row: WrittenRow, seen: Seen) -> tuple[str, str] | None:
    found = seen.like(row.query)
    return ("near-duplicate", f"of {found[0]}: similarity {found[1]:.2f}") if found else None
