"""What a language model answered, as personas and queries: tolerant of everything around and of a missing end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

PAIRS_SCHEMA = {
    "type": "object",
    "properties": {
        "pairs": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"persona": {"type": "string"}, "query": {"type": "string"}},
                "required": ["persona", "query"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["pairs"],
    "additionalProperties": False,
}
"""JSON Schema of several personas with queries."""


class Pair(NamedTuple):
    """A persona with its query."""

    persona: str
    query: str


@dataclass(frozen=True, slots=True)
class Unparsed:
    """An answer of which nothing, or not everything, could be used; kept for a look."""

    asked: str
    """What it answers, in a few words."""
    text: str
    why: str


# A value ends at a quote after which JSON goes on, so that quotes a model forgot to escape stay inside it.
_MEMBER = re.compile(
    r'"(?P<key>persona|query)[ _]?(?P<number>\d*)"\s*:\s*"(?P<value>(?:\\.|[^\\])*?)"(?=\s*(?:,\s*["{}\]]|[}\]]|\Z))',
    re.IGNORECASE | re.DOTALL,
)
_LINE = re.compile(r"^[\W\d]*(?P<key>persona|query)[ _]?(?P<number>\d*)\W*?:\W*?(?P<value>[^\s*_].*)$", re.I | re.M)
_FENCE = re.compile(r"\A```\w*\s*?\n(?P<inside>.*?)(?:\n?```\s*)?\Z", re.DOTALL)
_PREAMBLE = re.compile(
    r"\A(?:sure|certainly|of course|okay|here)\b"
    r"(?:[^\n:]{0,90}\b(?:query|message|question)\b[^\n:]{0,60}:|[^\n]{0,150}:\s*\n)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\A[\W_]*(?:query|message|question)[\W_]*?:[\s*_]*", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "“": "”", "”": "”", "«": "»", "„": "“"}


def parse_pairs(text: str) -> list[Pair]:
    """Return the personas with queries in an answer, in their order; none when it has none.

    Understands JSON of any nesting whose members are `persona` and `query`, numbered or not, whole or cut off, in code
    fences or among other text, with trailing commas; and, when there is no such JSON, lines `Persona 1: ...`.
    """
    return list(_pairs(_MEMBER, text)) or list(_pairs(_LINE, text))


def _pairs(pattern: re.Pattern[str], text: str) -> Iterator[Pair]:
    """Yield a pair as soon as a persona and a query of the same number have been seen, whichever came first."""
    open_pairs: dict[str, dict[str, str]] = {}
    for match in pattern.finditer(text):
        pair = open_pairs.setdefault(match["number"], {})
        pair[match["key"].lower()] = _plain(match["value"])
        if len(pair) == 2:
            del open_pairs[match["number"]]
            if pair["persona"] and pair["query"]:
                yield Pair(**pair)


def _plain(value: str) -> str:
    """Return a JSON string's text, on one line: a query is one paragraph."""
    try:
        value = json.loads(f'"{value}"', strict=False)
    except json.JSONDecodeError:  # quotes or backslashes the model did not escape
        value = value.replace('\\"', '"').replace("\\n", " ")
    return _one_line(value)


def _one_line(text: str) -> str:
    # half a surrogate pair cannot be written as UTF-8
    return " ".join(text.encode(errors="ignore").decode().split())


def parse_query(text: str) -> str:
    """Return the query in an answer that should be nothing else, on one line; empty when there is none.

    Takes off code fences, an opening remark, a label, quotation marks, and JSON around it.
    """
    text = text.strip()
    if fenced := _FENCE.match(text):
        text = fenced["inside"].strip()
    if member := _MEMBER.search(text):
        return _plain(member["value"]) if member["key"].lower() == "query" else _after(text)
    text = _LABEL.sub("", _PREAMBLE.sub("", text)).strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1]
    return _one_line(text)


def _after(text: str) -> str:
    """Return the query of the first persona."""
    return next((pair.query for pair in parse_pairs(text)), "")
