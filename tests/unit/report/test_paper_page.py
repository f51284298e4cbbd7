"""The paper's figures beside those of runs."""

import json
import re

import pytest
from synthetic import SMALL, World, write_run

from avspec.errors import NoInput
from avspec.paper.found import Found, paper, read_found
from avspec.paper.page import lay_beside, page_html, page_markdown, write_page
from avspec.report.results import results

LEVELS = ("avoidance", "generic", "expert")
TABLE_5 = {"a": {"medical": "avoidance", "financial": "avoidance", "legal": "expert"}}
MEASURED = {
    "rows": 20,
    "shares": {"avoidance": 0.1, "generic": 0.2, "expert": 0.7},
    "interval": {"avoidance": [0.03, 0.3], "generic": [0.08, 0.42], "expert": [0.48, 0.85]},
    "mean_log_prob": {"avoidance": -5.0, "generic": -4.0, "expert": -3.0},
    "metrics": {"classifier": {"medical": {"avoidance": 0.05, "generic": 0.15, "expert": 0.8}}},
    "input_tokens": 40.0,
    "seconds_per_answer": 2.0,
}


@pytest.fixture
def found(summary_of, tmp_path):
    """Return a run of a synthetic world; `more` is laid over its report.json."""

    def make(world=None, **more):
        world = world or World(behaviors=TABLE_5, atlas=True)
        report = results(summary_of(world)) | more
        sweep = json.loads((write_run(tmp_path / "again", world)["sweep"] / "sweep.json").read_text())
        sections = {
            kind: {name: {"levels": list(world.levels[name])} for name in names}
            for kind, names in (("domains", world.domains), ("guardrails", world.guardrails))
        }
        return Found(report["name"], report, sweep, {**sections, "training": {"beta": 0.5, "anchors": 0.5}})

    return make


def part(page, title):
    return next(part for part in page.parts if part.title.startswith(title))


def test_every_part_says_how_to_measure_what_is_not_there(found):
    page = lay_beside([found(World(**SMALL))])
    for each in page.parts:
        assert each.spec.endswith(".yaml")
        assert all(len(row) == len(each.head) for row in each.rows)
    assert not part(page, "Tables 1").rows
    assert "avspec apply specs/paper/tables-1-4.yaml" in page_markdown(page)


def test_the_default_prompting_and_the_knob_stand_beside_tables_1_to_3(found):
    prompted = {**MEASURED, "input_tokens": 90.0, "seconds_per_answer": 3.0}
    level = {"prompted": prompted, "knob": {**MEASURED, "coefficient": -1.5}}
    domains = {"medical": {"default": MEASURED, "levels": {"avoidance": level, "generic": level, "expert": level}}}
    table = part(lay_beside([found(World(**SMALL), prompting={"domains": domains})]), "Tables 1")
    assert table.rows[0] == (
        "medical",
        "default",
        "",
        "",
        "",
        "75 / 25 / 0",
        "70 / 20 / 10",
        "90 / 5 / 5",
        "80 / 15 / 5",
    )
    assert len(table.rows) == 7
    knob = next(row for row in table.rows if row[1:3] == ("knob", "generic"))
    assert knob[3:6] == ("−0.70", "−1.50", "26 / 44 / 30")
    theirs = (0.78 + 0.31 + 0.15) / 3, (0.95 + 0.44 + 0.84) / 3
    assert f"{100 * theirs[0]:.0f}% by prompting and {100 * theirs[1]:.0f}% by knob in the paper" in table.notes[0]
    assert "of 33% and 33% here (preference accuracy" in table.notes[0], "each level's mean of one measurement"
    assert "judged answers" in table.notes[1]
    assert "2.2 times as long" in table.notes[2] and "1.50" in table.notes[3]


def test_the_run_of_a_parts_own_spec_speaks_where_it_measured_it(found):
    level = {"prompted": MEASURED, "knob": {**MEASURED, "coefficient": 1.0}}
    prompting = {"domains": {"medical": {"default": MEASURED, "levels": dict.fromkeys(LEVELS, level)}}}
    other = found(World(**SMALL), prompting=prompting)
    for more, speaks in ((prompting, "paper-tables-1-4"), (None, other.name)):
        own = found(World(**SMALL), name="paper-tables-1-4", prompting=more)
        assert part(lay_beside([other, own]), "Tables 1").runs == (speaks,)


def test_rows_of_the_same_source_are_listed_once(found):
    table = part(lay_beside([found(), found(name="again")]), "Table 6")
    assert len(table.rows) == 3 and table.runs[1] == "again"


def test_a_knob_elsewhere_is_the_change_from_end_to_end(found):
    run = found()
    rows = {row[0::3]: row for row in part(lay_beside([run]), "Table 4").rows}
    curve = run.sweep["curves"]["medical"]
    first, last = (curve[end]["domains"]["legal"]["shares"]["expert"] for end in (0, -1))
    assert rows["medical", "legal"][4:] == ("+92", f"{100 * (last - first):+.0f}".replace("-", "−"))
    assert ("medical", "safety") in rows and rows["medical", "safety"][4] == "+1"


def test_joint_training_and_editing_stand_beside_table_5(found):
    joint = {"a": {"domains": {domain: {"test": MEASURED} for domain in TABLE_5["a"]}}}
    run = found(joint=joint)
    table = part(lay_beside([run]), "Table 5")
    rows = table.rows[:3]
    edited = [run.report["behaviors"]["a"]["domains"][d]["test"]["shares"][level] for d, level in TABLE_5["a"].items()]
    assert table.notes == (
        "The level asked for has a share of 99% by joint training and 55% by editing in the paper, of 30% and "
        f"{100 * sum(edited) / 3:.0f}% here (mean over behaviors and domains).",
    )
    assert [row[:2] for row in rows] == [("a", f"{d}, {level}") for d, level in TABLE_5["a"].items()]
    assert [row[2] for row in rows] == ["−1.00", "−1.00", "+0.60"]
    assert [row[4:7:2] for row in rows] == [("100%", "46%"), ("99%", "42%"), ("98%", "78%")]
    assert [row[5] for row in rows] == ["10% (3–30)", "10% (3–30)", "70% (48–85)"]


def test_blocks_of_a_domain_stand_side_by_side(found):
    run = found()
    run.report["behaviors"]["a"]["coefficients"] = {"medical/1": 0.5, "medical/2": -1, "financial": 0, "legal": 1}
    assert [row[3] for row in part(lay_beside([run]), "Table 5").rows[:3]] == ["+0.50 · −1.00", "+0.00", "+1.00"]


def test_combinations_count_those_that_hold_on_rows_never_searched(found):
    run = found()
    rows = part(lay_beside([run]), "Section 6.2: combinations").rows
    atlas = run.report["atlas"]
    assert rows[0][:2] == ("paper", "22 of 27")
    assert rows[1][1] == f"{sum(row['reached'] for row in atlas)} of 27"
    assert rows[1][2] == f"{sum(bool(row['reached'] and row['held']['test']) for row in atlas)} of 27"


def test_the_twelve_times_are_computed(found):
    run = found()
    ours, notes = run.report["cost"], part(lay_beside([run]), "Section 6.2: what").notes
    assert "12.5 times" in notes[0], "1,944 over 155 hours, which the paper rounds to 12"
    own = ours["training_seconds"] + ours["evaluation_seconds"]
    assert f"{ours['joint_training']['seconds'] / own:.1f} times" in notes[1]


def test_differences_are_those_of_the_run(found):
    said = " ".join(lay_beside([found()]).differences)
    assert "Mistral-7B-Instruct-v0.3" in said and "beta 0.5" in said and "50% of the rows are anchors" in said


def test_the_facts_agree_with_themselves():
    facts = paper()
    for domain in facts["tables_1_3"].values():
        for entry in (domain["default"], *domain["prompting"].values(), *domain["knob"].values()):
            for shares in (entry["shares"], entry["judged"]):
                assert sum(shares.values()) == pytest.approx(1, abs=0.011)
    assert sum(each["total"] for each in facts["table_6"].values()) == 38_241


def test_the_page_escapes_and_has_no_scripts(found):
    page = page_html(lay_beside([found(name="<script>x")]))
    assert "<script" not in page and "&lt;script" in page
    assert not re.search(r'(src|href)="https?:', page)


def test_runs_that_are_not_there_are_named(tmp_path):
    with pytest.raises(NoInput, match="no run to lay beside"):
        write_page([], tmp_path)
    with pytest.raises(NoInput):
        read_found(tmp_path / "nowhere")
