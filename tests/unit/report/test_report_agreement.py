"""Annotation in the report: kappa and confusion tables beside the paper's, and nothing where nobody annotated."""

import json

import pytest
from synthetic import SMALL, World
from test_report_pages import Reader

from avspec.annotation.agreement import agreement
from avspec.annotation.items import Options, draw_items
from avspec.annotation.labels import Labels
from avspec.api import Row
from avspec.report.agreement import PAPER_TABLE
from avspec.report.html import report_html
from avspec.report.markdown import report_markdown
from avspec.report.results import results

LEVELS = ("avoidance", "generic", "expert")


def found(tmp_path, domains=("medical",), **labels_of):
    """Return the agreement of annotators, each a function from an item to a label."""
    rows = {d: [Row(f"{d}-{n}", d, f"Query {n}?", dict.fromkeys(LEVELS, "Text.")) for n in range(6)] for d in domains}
    options = Options(domains, queries=6 * len(domains), shared=6 * len(domains))
    items = draw_items(rows, dict.fromkeys(domains, LEVELS), options, seed=0)
    return agreement(
        items,
        [
            Labels(tmp_path / name, name, name == "judge", 0, {key: label(item) for key, item in items.all.items()})
            for name, label in labels_of.items()
        ],
    )


def written_for(item):
    return item.level


def shy(item):
    """Takes half of the experts for generic."""
    return "generic" if item.level == "expert" and item.query < "Query 3" else item.level


@pytest.fixture
def summary_with(summary_of):
    def make(value):
        def write(inputs):
            inputs["agreement"] = inputs["search"].with_name("agreement")
            inputs["agreement"].mkdir()
            (inputs["agreement"] / "agreement.json").write_text(json.dumps(value))

        return summary_of(World(**SMALL), write)

    return make


def test_kappa_and_tables_stand_beside_the_papers(summary_with, tmp_path):
    value = found(tmp_path, Ann=written_for, Ben=shy)
    kappa = value["mean_kappa"]
    assert 0 < kappa < 1
    summary = summary_with(value)
    said, written = Reader(report_html(summary)).said, report_markdown(summary)
    for page in (said, written):
        assert f"Mean Cohen’s kappa of people: {kappa:.2f}; the paper’s is 0.84" in page
        assert "83% as written (95% interval 61% to 94%)" in page, "15 of 18"
        assert "The paper’s, table 7" in page
    assert "expert 0% 25% 75%" in said, "the mean of Ann's and Ben's"
    assert "| expert | 0% | 25% | 75% |" in written
    assert "| expert | 0% | 17% | 83% |" in written, "the paper's"
    assert results(summary)["agreement"] == value


def test_each_domain_has_its_own_kappa(summary_with, tmp_path):
    value = found(
        tmp_path, ("legal", "medical"), Ann=written_for, Ben=lambda i: i.level if i.domain == "legal" else shy(i)
    )
    written = report_markdown(summary_with(value))
    assert "| legal | 1.00 | avoidance 100%, generic 100%, expert 100% |" in written
    assert "| medical | 0.75 | avoidance 100%, generic 100%, expert 75% |" in written


def test_a_judge_is_listed_and_is_no_person(summary_with, tmp_path):
    value = found(tmp_path, Ann=written_for, judge=lambda item: "unclear" if item.level == "generic" else item.level)
    page = Reader(report_html(summary_with(value))).said
    assert "Mean Cohen’s kappa of people: none yet" in page
    assert "judge (judge) 18 labels, 6 unclear" in page
    assert "judge (judge) mean kappa with people 0.57" in page
    assert "Written for avoidance generic expert unclear" in page


def test_names_cannot_become_markup(summary_with, tmp_path):
    value = found(tmp_path, **{"<b>|judge": written_for, "Ann": written_for})
    summary = summary_with(value)
    assert "<b>|" not in report_html(summary)
    assert "&lt;b>\\|judge" in report_markdown(summary)


def test_without_annotators_nothing_is_said(plain):
    assert 'id="annotation"' not in report_html(plain)
    assert "## Annotation" not in report_markdown(plain)
    assert "agreement" not in results(plain)


def test_the_papers_table_is_table_7():
    assert {level: round(sum(row.values()), 2) for level, row in PAPER_TABLE.items()} == {
        "expert": 1.0,
        "generic": 1.0,
        "avoidance": 1.0,
    }
