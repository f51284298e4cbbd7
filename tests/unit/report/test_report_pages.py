import json
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic import EVIL, SMALL, World

from avspec.report import text
from avspec.report.html import report_html
from avspec.report.markdown import report_markdown
from avspec.report.results import report_json, results

VOID = {"meta", "br", "link", "img", "input", "hr", "path", "use"}


@pytest.fixture(scope="module")
def page(plain):
    return report_html(plain)


@pytest.fixture(scope="module")
def atlas_page(with_atlas):
    return report_html(with_atlas)


class Reader(HTMLParser):
    """Collects ids, links, tags and text, and checks that every element is closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.words, self.attributes = [], [], [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def said(self):
        return " ".join(" ".join(self.words).split())


def test_the_same_numbers_stand_in_all_three(plain, page):
    said, written, found = Reader(page).said, report_markdown(plain), results(plain)
    for name, behavior in found["behaviors"].items():
        coefficients = text.coefficients(behavior["coefficients"])
        assert coefficients in said
        assert f"| {coefficients} | {text.nats(behavior['fluency_drop'])} |" in written
        for domain, result in behavior["domains"].items():
            for split in ("search", "test"):
                measure = result[split]
                shares = text.shares(measure["shares"], {k: tuple(v) for k, v in measure["interval"].items()})
                assert shares in written, (name, domain)
                for part in shares.split(" · "):
                    assert part in said, (name, domain)
    for value in (found["cost"]["paper_grid"]["seconds"], found["cost"]["joint_training"]["seconds"]):
        assert text.duration(value) in said
        assert text.duration(value) in written
    assert found["headline"] in said
    assert found["headline"] in written
    for note in found["notes"]:
        assert note in said
        assert note in written


def test_model_text_cannot_become_markup(page, plain):
    assert "<script" not in page.lower()
    assert EVIL in Reader(page).said
    fence = re.search(r"(?m)^(`{4,})text\n(?:(?!^\1$).*\n)*?.*<script>.*\n\1$", report_markdown(plain))
    assert fence, "model text stands in a fence longer than its own backticks"


def test_nothing_is_fetched_from_elsewhere(page):
    reader = Reader(page)
    assert all(link.startswith("#") for link in reader.links)
    assert not {"script", "link", "img", "iframe", "object"} & set(reader.tags)
    assert not re.search(r"@import|url\((?!#)", page)


def test_ids_are_unique_and_every_reference_resolves(atlas_page):
    reader = Reader(atlas_page)
    assert [name for name, count in Counter(reader.ids).items() if count > 1] == []
    targets = {link[1:] for link in reader.links} | set(re.findall(r"url\(#([^)]*)\)", atlas_page))
    assert targets <= set(reader.ids)


def test_figures_speak_and_follow_the_pages_colors(page):
    svgs = [attributes for tag, attributes in Reader(page).attributes if tag == "svg"]
    assert len(svgs) == 3 * 5 + 3 + 2 + 1
    assert all(svg["role"] == "img" and len(svg["aria-label"]) > 20 for svg in svgs)
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "#0" not in re.sub(r'(href="|url\()#', "", drawn), "a placeholder color is left"
    assert set(re.findall(r"var\((--[a-z0-9-]+)\)", page)) <= set(re.findall(r"(--[a-z0-9-]+):", page))
    assert "dc:date" not in page


def test_tables_have_headers(atlas_page):
    for table in re.findall(r"<table.*?</table>", atlas_page, re.DOTALL):
        assert '<th scope="col"' in table


def test_the_behaviors_come_first(page):
    assert page.index('id="behaviors"') < page.index('id="knobs"') < page.index('id="cost"')


def test_the_atlas_lists_all_combinations(atlas_page, with_atlas):
    section = atlas_page[atlas_page.index('id="atlas"') : atlas_page.index('id="knobs"')]
    reached = sum(row.reached for row in with_atlas.atlas)
    assert section.count(">reached<") == reached
    assert section.count(">not reached<") == 27 - reached
    assert report_markdown(with_atlas).count("| not reached |") == 27 - reached


def test_without_behaviors_the_page_is_whole(bare):
    reader = Reader(report_html(bare))
    assert "3 alignment vectors made; the spec names no behavior" in reader.said
    assert "behaviors" not in reader.ids
    assert "## Behaviors" not in report_markdown(bare)


def test_other_evaluators_numbers_are_shown(summary_of):
    def judged(inputs):
        path = inputs["evaluate"] / "evaluate.json"
        value = json.loads(path.read_text())
        value["base"]["metrics"]["judge"] = {"medical": {"agrees": 0.25}}
        value["behaviors"]["clinic"]["metrics"]["judge"] = {"medical": {"agrees": 0.875, "by": "x"}}
        path.write_text(json.dumps(value))

    assert "judge clinic medical agrees 0.250 0.875" in Reader(report_html(summary_of(World(**SMALL), judged))).said


def test_equal_inputs_give_equal_bytes_in_any_process(summary_of):
    code = (
        "import sys, tempfile, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "from conftest import build\nfrom synthetic import SMALL, World\nfrom test_report_pages import everything\n"
        "s = build(pathlib.Path(tempfile.mkdtemp()), World(**SMALL))\n"
        "sys.stdout.buffer.write(everything(s).encode())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    other = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert other.stdout.decode() == everything(summary_of(World(**SMALL)))


def everything(summary):
    return report_html(summary) + report_markdown(summary) + report_json(summary)


def test_how_the_search_ended_is_said(plain, page):
    found, said, written = results(plain)["search"], Reader(page).said, report_markdown(plain)
    assert found["left_out_error"] == 0.043 and sum(found["standings"].values()) == 3
    for text_ in (said, written):
        assert "misses the shares of that one by 4 points on average" in text_
        assert f"After {found['evaluations']} evaluations, of 3 behaviors: " in text_
    for behavior in plain.behaviors:
        assert behavior.standing in ("settled", "held", "open")
        assert f"| {behavior.standing} |" in written


def test_a_search_that_ended_by_itself_says_why(summary_of):
    def stop(inputs):
        path = inputs["search"] / "search.json"
        found = json.loads(path.read_text()) | {"stopped": "3 behaviors settled, 1 out of reach"}
        path.write_text(json.dumps(found))

    summary = summary_of(World(**SMALL), stop)
    sentence = "The sampler ended the search before all were used: 3 behaviors settled, 1 out of reach."
    assert sentence in Reader(report_html(summary)).said and sentence in report_markdown(summary)


def test_evaluations_stopped_early_are_said_and_cost_what_they_took(summary_of, plain):
    def prune(inputs):
        path = inputs["search"] / "search.json"
        found = json.loads(path.read_text())
        for trial in found["trials"][-6:]:
            trial |= {"part": 1 / 3, "behaviors": {}, "seconds": 1.5}
        path.write_text(json.dumps(found))

    summary = summary_of(World(**SMALL), prune)
    count = summary.cost.evaluations
    saved = f"{6 * (2 / 3) / count:.0%}"
    sentence = "6 evaluations stopped after a part of the rows, when nothing was likely to come of the others: "
    for said in (Reader(report_html(summary)).said, report_markdown(summary)):
        assert f"{sentence}{saved} of all scoring was saved." in said
    assert summary.cost.spent == pytest.approx(count - 4)
    assert summary.cost.searched == pytest.approx(summary.cost.seconds_per_evaluation * (count - 4))
    assert "stopped after a part" not in report_markdown(plain)


def test_samplers_are_compared_at_equal_evaluations(summary_of, plain):
    def compare(inputs):
        folder = inputs["search"].with_name("compare")
        folder.mkdir()
        held = {"random": [0, 1, 1, 2], "walk<b>": [1, 1, 1, 1, 1, 1, 1, 1, 1, 3]}
        (folder / "compare.json").write_text(json.dumps({"held": held}))
        inputs["compare"] = folder

    summary = summary_of(World(**SMALL), compare)
    marks, found = summary.progress.compared
    own = summary.progress.held
    assert marks == tuple(-(-len(own) * part // 4) for part in (1, 2, 3, 4)) and len(own) > 10
    assert found == {"tpe": tuple(own[mark - 1] for mark in marks), "random": (2,) * 4, "walk<b>": (3,) * 4}
    assert "| random | 2 | 2 | 2 | 2 |" in report_markdown(summary)
    page = report_html(summary)
    assert "walk&lt;b&gt;" in page and "walk<b>" not in page
    assert "Behaviors that hold on the search split, by sampler" in Reader(page).said
    assert results(summary)["search"]["held_by_sampler"]["random"] == [0, 1, 1, 2]
    assert plain.progress.compared == ((), {}) and "by sampler" not in report_markdown(plain)


def test_a_search_of_an_older_avspec_claims_nothing_it_does_not_say(summary_of):
    def forget(inputs):
        path = inputs["search"] / "search.json"
        found = json.loads(path.read_text())
        del found["assessment"], found["stopped"]
        path.write_text(json.dumps(found))

    summary = summary_of(World(**SMALL), forget)
    assert summary.search.sentences == () and "## Search" not in report_markdown(summary)
    assert results(summary)["behaviors"]["clinic"]["standing"] is None


def test_the_map_of_the_atlas_shows_each_combination_once(with_atlas, atlas_page):
    cells = [dict(attrs).get("class") for tag, attrs in Reader(atlas_page).attributes if tag == "td"]
    shown = Counter(cell for cell in cells if cell in ("both", "once", "miss"))
    assert shown["miss"] == sum(not row.reached for row in with_atlas.atlas)
    assert shown["both"] == sum(row.reached and bool(row.held_test) for row in with_atlas.atlas)
    assert sum(shown.values()) == 27
