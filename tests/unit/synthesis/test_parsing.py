import json

import pytest

from avspec.synthesis.parsing import PAIRS_SCHEMA, Pair, parse_pairs, parse_query

TWO = [Pair("A nurse", "Are eggs fine?"), Pair("A smith", "Is it broken?")]
ASKED = json.dumps({"pairs": [pair._asdict() for pair in TWO]})


@pytest.mark.parametrize(
    "text",
    [
        ASKED,
        json.dumps([pair._asdict() for pair in TWO], indent=2),
        f"```json\n{ASKED}\n```",
        f"Here are two people:\n{ASKED}\nShall I invent more?",
        ASKED.replace("}]", ",},]"),
        '{"persona1": "A nurse", "query1": "Are eggs fine?", "persona2": "A smith", "query2": "Is it broken?"}',
        '"Persona 1": "A nurse",\n"Query 1": "Are eggs fine?",\n"Persona 2": "A smith",\n"Query 2": "Is it broken?"',
        '{"persona1": "A nurse", "persona2": "A smith", "query1": "Are eggs fine?", "query2": "Is it broken?"}',
        ASKED[:-2] + ', {"persona": "A cook", "query": "I have been fee',
        ASKED[:-2] + ', {"persona": "A cook"',
        '{"1": {"query": "Are eggs fine?", "persona": "A nurse"}, "b":{"query": "Is it broken?", "persona":"A smith"}}',
        '{"persona": "A nurse", "query": "Are eggs fine?"}\n{"persona": "A smith", "query": "Is it broken?"}',
        '[{"persona": "A nurse", "query": "Are\neggs fine?"}, {"persona": "A smith", "query": "Is it\\n\\nbroken?"}]',
        ASKED[:-2] + ', {"persona": "", "query": "Who am I?"}]}',
        "**Persona 1:** A nurse\n**Query 1:** Are eggs fine?\n\n**Persona 2:** A smith\n**Query 2:** Is it broken?",
        "1. Persona: A nurse\n   Query: Are eggs fine?\n2. Persona: A smith\n   Query: Is it broken?",
    ],
    ids=[
        *("as asked", "a list", "a code fence", "text around", "trailing commas", "numbered keys", "no braces"),
        *("personas before queries", "cut off in a query", "cut off after a persona", "numbered objects, query first"),
        *("JSON lines", "line breaks", "an empty persona", "labeled lines", "a numbered list"),
    ],
)
def test_pairs_are_found(text):
    assert parse_pairs(text) == TWO


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (r"He said \"rest\", was he right?", 'He said "rest", was he right?'),
        ('He said "rest" was he right?', 'He said "rest" was he right?'),
        (r"Is 37.5 \u00b0C a fever?", "Is 37.5 °C a fever?"),
        (r"My note says {\"persona\": \"x\", \"query\": \"y\"}.", 'My note says {"persona": "x", "query": "y"}.'),
        (r"C:\docs", r"C:\docs"),
        (r"half \ud83d a pair", "half a pair"),
    ],
    ids=["escaped quotes", "quotes not escaped", "unicode", "JSON in it", "a stray backslash", "half a surrogate pair"],
)
def test_a_querys_text_is_what_was_meant(query, said):
    assert parse_pairs(f'[{{"persona": "A nurse", "query": "{query}"}}]') == [Pair("A nurse", said)]


@pytest.mark.parametrize("text", ["", "I cannot do that.", "{}", '{"pairs": []}', '{"persona": 7, "query": null}'])
def test_no_pairs(text):
    assert parse_pairs(text) == []


def test_every_json_that_follows_the_schema_is_read_as_it_is():
    texts = ['"', "\\", '", "', '"}, {"persona": "', "a: b", "[1, 2]", "```", "é €", "{{ x }}", "query", '\\"]']
    pairs = [Pair(f"P {a} p", f"Q {b} q") for a in texts for b in texts]
    assert PAIRS_SCHEMA["required"] == ["pairs"]
    assert parse_pairs(json.dumps({"pairs": [pair._asdict() for pair in pairs]})) == pairs


@pytest.mark.parametrize(
    "text",
    [
        "Are eggs fine?",
        "  Are\n eggs fine?\n",
        '"Are eggs fine?"',
        "“Are eggs fine?”",
        "```\nAre eggs fine?\n```",
        "Query: Are eggs fine?",
        '**Query:** "Are eggs fine?"',
        "Here is a message from this person:\n\nAre eggs fine?",
        "Sure! Here's the query: Are eggs fine?",
        '{"query": "Are eggs fine?"}',
        '```json\n{"persona": "A nurse", "query": "Are eggs fine?"}\n```',
    ],
)
def test_a_query_without_its_wrapping(text):
    assert parse_query(text) == "Are eggs fine?"


@pytest.mark.parametrize(
    "text", ['Is "raw" milk safe?', '"Raw" or "cooked"', "Here in Ohio it rains. Two things: mold, rats."]
)
def test_a_query_that_only_looks_wrapped(text):
    assert parse_query(text) == text


@pytest.mark.parametrize("text", ["", "``` \n```", '{"persona": "A nurse"}', "Query:"])
def test_no_query(text):
    assert parse_query(text) == ""
