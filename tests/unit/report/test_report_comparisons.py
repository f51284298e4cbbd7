"""Baselines and variants in the report: what the tables say of made-up artifacts."""

import json

import pytest
from synthetic import SMALL, World

from avspec.report.html import report_html
from avspec.report.markdown import report_markdown

INTERVAL = {level: [0.1, 0.6] for level in ("avoidance", "generic", "expert")}


def entry(avoidance, generic, expert, tokens=50, seconds=2.0, **more):
    return {
        "shares": {"avoidance": avoidance, "generic": generic, "expert": expert},
        "interval": INTERVAL,
        "metrics": {},
        **{"input_tokens": tokens, "seconds_per_answer": seconds, "answer_tokens": 30, "editing_seconds": 0.2},
        **more,
    }


def knob(coefficient, held, *shares):
    return entry(*shares, coefficient=coefficient, held={"search": True, "test": held})


LEVELS = {
    "expert": {"prompted": entry(0.2, 0.4, 0.4, 120, 3.0), "knob": knob(1.0, True, 0.1, 0.2, 0.7)},
    "generic": {"prompted": entry(0.2, 0.5, 0.3, 120, 3.0), "knob": knob(0.0, False, 0.4, 0.3, 0.3)},
    "avoidance": {"prompted": entry(0.3, 0.4, 0.3, 120, 3.0), "knob": knob(-1.0, True, 0.8, 0.1, 0.1)},
}


@pytest.fixture
def summary_with(summary_of):
    def make(address, file, value):
        def write(inputs):
            inputs[address] = inputs["search"].with_name(f"made-{file}")
            inputs[address].mkdir()
            (inputs[address] / file).write_text(json.dumps(value))

        return summary_of(World(**SMALL), write)

    return make


def test_words_hold_only_where_a_level_is_larger_than_any_other(summary_with):
    found = {"domains": {"medical": {"default": entry(0.3, 0.4, 0.3), "levels": LEVELS}}}
    summary = summary_with("prompting", "prompting.json", found)
    rows = {row[1:3]: row for row in summary.baselines.prompting}
    assert rows["in words", "expert"][5] == "no", "as large as another is not dominant"
    assert rows["in words", "generic"][5] == "yes"
    assert rows["knob", "expert"][5] == "yes" and rows["knob", "generic"][5] == "no"
    assert rows["in words", "expert"][7] == "120" and rows["in words", "expert"][8].startswith("1.50")
    said = summary.baselines.prompting_says
    assert "2.4 times as long" in said and "1.50 times" in said and "Knobs make 2 of 3" in said
    assert said in report_markdown(summary) and "<h2>Baselines</h2>" in report_html(summary)


def test_one_query_is_shown_answered_in_every_way(summary_with):
    levels = {
        level: {
            "prompted": {**both["prompted"], "answer": f"<b>{level} said"},
            "knob": {**both["knob"], "answer": level},
        }
        for level, both in LEVELS.items()
    }
    default = entry(0.3, 0.4, 0.3, answer="as it is")
    found = {"domains": {"medical": {"query": "Why?", "default": default, "levels": levels}}}
    summary = summary_with("prompting", "prompting.json", found)
    (answers,) = summary.baselines.answers
    assert answers.levels[0] == ("expert", "<b>expert said", "+1.00", "expert")
    page, written = report_html(summary), report_markdown(summary)
    assert "&lt;b&gt;expert said" in page and "Knob for avoidance, −1.00" in page and "as it is" in page
    assert "```text\n<b>generic said\n```" in written and "```text\nWhy?\n```" in written


def variant(held, interval, gain=None):
    return {
        "held": {"search": 1, "test": held, "interval": interval, "names": []},
        **({"gain": {"held": gain[0], "interval": gain[1:]}} if gain else {}),
        "worst_share": {"mean": 0.5, "interval": [0.4, 0.6]},
        **{"fluency_drop": {"mean": 0.1, "largest": 0.2}, "off_domain": 0.5, "repeated": None, "evaluations": 9},
        "vectors": {"medical": {"norm": 1.0, "kept": {"entries": 0.2}}},
    }


def test_a_variant_is_better_only_beyond_its_interval(summary_with):
    variants = {
        "main": variant(3, [2, 4]),
        "more": variant(6, [5, 7], (3, 1, 5)),
        "alike": variant(4, [2, 5], (1, -1, 2)),
    }
    summary = summary_with("variants", "variants.json", {"behaviors": 9, "variants": variants})
    assert summary.variants.headline == "The spec itself holds 3 of 9 behaviors on the test split. Surely more: more."
    assert summary.variants.rows[1].kept == "entries 20%"
    page = report_html(summary)
    assert "+1\u00a0[−1,\u00a0+2]" in page and "kept: entries 20%" in page
