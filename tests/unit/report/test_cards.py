import json

import pytest
from synthetic import World

from avspec.api import Row
from avspec.card.card import data_card
from avspec.domains.medical import Medical
from avspec.report.html import report_html
from avspec.report.markdown import report_markdown
from avspec.report.results import results
from avspec.rows import split_of

LEVELS = ("avoidance", "generic", "expert")
SPLIT = {"train": 0.6, "search": 0.2, "test": 0.2}
WRITTEN = {
    "provider": "openai",
    "model": "gpt-4.1",
    "rows_asked": 100,
    "counts": {},
    "unparsed": 3,
    "usage": {"calls": 390, "kept": 10, "input_tokens": 120_000, "output_tokens": 80_000, "cost": 0.88},
}
CLEANED = {"written": 97, "kept": 80, "dropped": {"leak": {"rows": 17, "means": "repeats its instruction"}}}
AGREED = {
    "format_version": 1,
    "queries": 30,
    "items": 90,
    "annotators": {
        "Ann": {"judge": False, "labels": 90, "unclear": 0},
        "Ben": {"judge": False, "labels": 45, "unclear": 0},
    },
    "pairs": [{"names": ["Ann", "Ben"], "judges": [], "items": 45, "same": 0.9, "kappa": 0.85}],
    "mean_kappa": 0.85,
    "judges": {},
    "confusion": [
        {
            "domains": ["medical"],
            "levels": list(LEVELS),
            "labels": list(LEVELS),
            "mean": {level: dict.fromkeys([*LEVELS, "unclear"], 0.25) for level in LEVELS},
            "annotators": {},
        }
    ],
}


def add_cards(inputs, rows, **more):
    """Put the card of the medical domain beside what the run left."""
    card = data_card(rows, LEVELS, {row.id: split_of(row.id, SPLIT) for row in rows})
    folder = inputs["base"].parent / "card"
    folder.mkdir()
    (folder / "card.json").write_text(json.dumps({**card, "written": None, "cleaned": None, **more}))
    inputs["card[medical]"] = folder


@pytest.fixture
def bundled():
    return list(Medical(Medical.Options()).rows())


def long_and_short(rows):
    """The same rows, but a level can be told by its length."""
    return [
        Row(row.id, row.domain, row.query, {level: "word " * (5 + 20 * LEVELS.index(level)) for level in LEVELS})
        for row in rows
    ]


def test_a_run_without_cards_has_no_section(summary_of):
    page = report_html(summary_of(World()))
    assert 'id="data"' not in page
    assert 'id="annotation"' not in page


def test_a_card_says_where_rows_come_from(summary_of, bundled):
    summary = summary_of(World(), lambda inputs: add_cards(inputs, bundled))
    for text in (report_html(summary), report_markdown(summary)):
        assert "80 rows (" in text
        assert "80 from medical.jsonl" in text
    assert results(summary)["data"]["medical"]["rows"] == 80


def test_a_card_says_what_writing_took_and_what_was_dropped(summary_of, bundled):
    summary = summary_of(World(), lambda inputs: add_cards(inputs, bundled, written=WRITTEN, cleaned=CLEANED))
    page = report_html(summary)
    assert "Written by gpt-4.1 in 400 answers: 120,000 tokens read, 80,000 written, $0.88; 3 answers could not" in page
    assert "repeats its instruction" in page
    assert "80 of 97 written rows are used" in page
    assert "repeats its instruction (17)" in report_markdown(summary)


def test_lengths_that_tell_the_level_are_warned_of(summary_of, bundled):
    told = summary_of(World(), lambda inputs: add_cards(inputs, long_and_short(bundled)))
    assert "Length alone tells the level in 100% of cases, chance would be 33%" in report_html(told)
    assert "Careful: Length alone" in report_markdown(told)


def test_a_card_shows_test_queries_that_training_has_nearly_seen(summary_of, bundled):
    now = report_html(summary_of(World(), lambda inputs: add_cards(inputs, bundled)))
    assert "The test queries that are most like a training query" in now


def test_an_older_card_is_shown_without_them(summary_of, bundled):
    def forget(inputs):
        add_cards(inputs, bundled)
        file = inputs["card[medical]"] / "card.json"
        card = json.loads(file.read_text())
        del card["nearest_across"]
        file.write_text(json.dumps(card))

    page = report_html(summary_of(World(), forget))
    assert "The queries that are most alike" in page
    assert "most like a training query" not in page


def test_text_of_rows_is_escaped(summary_of, bundled):
    evil = [Row(r.id, r.domain, f"<script>alert(1)</script> {r.query}", r.responses, r.source) for r in bundled]
    assert "<script>" not in report_html(summary_of(World(), lambda inputs: add_cards(inputs, evil)))


def test_agreement_stands_beside_the_papers(summary_of):
    def annotate(inputs):
        folder = inputs["base"].parent / "agreement"
        folder.mkdir()
        (folder / "agreement.json").write_text(json.dumps(AGREED))
        inputs["agreement"] = folder

    summary = summary_of(World(), annotate)
    for text in (report_html(summary), report_markdown(summary)):
        assert "Mean Cohen’s kappa of people: 0.85; the paper’s is 0.84" in text
        assert "45 responses labeled by both, 90% alike, kappa 0.85" in text
        assert "The paper’s, table 7" in text
        assert "83%" in text, "the paper's share of expert responses labeled expert"
    assert results(summary)["agreement"]["mean_kappa"] == 0.85
