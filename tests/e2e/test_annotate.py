"""The page for annotators in a real browser, by keyboard: a label is called saved when it is on disk."""

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from shell import printed

sync_api = pytest.importorskip("playwright.sync_api")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SWITCHES += ["--disable-component-update", "--disable-sync"]
LEVELS = ["avoidance", "generic", "expert"]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine: install the package `chromium`")

SPEC = """
apiVersion: avspec/v1
name: asked
model: {{base: "path:{model}", dtype: float32}}
domains:
  medical: {{plugin: medical}}
data: {{rows: 20, split: {{train: 0.5, search: 0.25, test: 0.25}}}}
behaviors: {{one: {{medical: expert}}}}
"""


@pytest.fixture(scope="module")
def run(tiny_folder, tmp_path_factory):
    """A run that has only its data."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder))
    printed(folder, "apply", "spec.yaml", "--target", "data[medical]")
    return folder / "runs" / "asked"


@contextmanager
def serving(run, *arguments):
    """Run `avspec annotate` with 4 queries an annotator, 2 of them shared, until Ctrl+C; yield its address."""
    command = [sys.executable, "-m", "avspec.cli", "annotate", "runs/asked", "--no-open", "--queries", "4"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*command, "--shared", "2", *arguments], cwd=run.parents[1], stderr=pipe, stdout=pipe, text=True
    )
    try:
        yield re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline()).group()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert "Traceback" not in err
    assert "avspec apply" in out


@pytest.fixture
def server(run):
    """The address of `avspec annotate`."""
    with serving(run) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert problems == []


def enter(page, url, name):
    page.goto(url)
    page.fill("#name", name)
    page.keyboard.press("Enter")
    page.wait_for_selector("#work:not([hidden])")


def saved(page):
    page.wait_for_selector("#state[data-waiting='0']")


def labels(run, name):
    lines = (run / "annotations" / "labels" / f"{name}.jsonl").read_text().splitlines()[1:]
    return {record["item"]: record["label"] for record in map(json.loads, lines)}


def level_of(run, page):
    """Return the level that the response on the page was written for, which only the disk knows."""
    drawn = json.loads((run / "annotations" / "items.json").read_text())
    shown = page.inner_text("#response")
    return next(
        level
        for query in drawn["queries"]
        for level, response in query["responses"].items()
        if response["text"].split() == shown.split()
    )


def test_two_annotators_by_keyboard(run, server, page):
    enter(page, server, "Ann")
    assert "0 of 12" in page.inner_text("#count")
    for done in range(1, 13):
        page.keyboard.press(str(LEVELS.index(level_of(run, page)) + 1))
        saved(page)
        assert len(labels(run, "Ann")) == done, "on disk at once"
        if done == 5:
            enter(page, server, "Ann")
            assert "5 of 12" in page.inner_text("#count"), "it goes on where it was"
    assert "all 12 labeled" in page.inner_text("#count")

    enter(page, server, "Ben")
    page.keyboard.press("1")
    saved(page)
    first = labels(run, "Ben")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("3")
    saved(page)
    assert list(first.values()) == ["avoidance"]
    assert list(labels(run, "Ben").values()) == ["expert"], "the later label counts"

    found = json.loads(printed(run.parents[1], "annotate", "runs/asked", "--results", "--json"))
    ann = found["annotators"]["Ann"]
    assert (ann["judge"], ann["labels"], ann["unclear"], ann["as_written"]) == (False, 12, 0, 1.0)
    assert all(found["confusion"][0]["annotators"]["Ann"][level][level] == 1 for level in LEVELS)

    plan = printed(run.parents[1], "plan", "spec.yaml", "--target", "agreement")
    assert "+ agreement" in plan, "labels are a reason to make the report anew"
    printed(run.parents[1], "apply", "spec.yaml", "--target", "agreement")
    assert json.loads((run / "agreement.json").read_text()) == found
    assert "= agreement" in printed(run.parents[1], "plan", "spec.yaml", "--target", "agreement")


def test_nothing_the_page_receives_tells_a_level(run, server, page):
    received = []
    page.on("response", lambda response: received.append(response.text()) if "/enter" in response.url else None)
    enter(page, server, "Cora")
    (body,) = map(json.loads, received)
    assert all(item.keys() == {"id", "domain", "query", "response"} for item in body["items"])
    drawn = json.loads((run / "annotations" / "items.json").read_text())
    ids = {level: [query["responses"][level]["id"] for query in drawn["queries"]] for level in LEVELS}
    # in the order of the page the levels are shuffled, and the ids say nothing: no level's ids stand together
    assert all(sorted(ids[level]) != sorted(ids[level], key=ids[level].index) for level in LEVELS)
    assert not any(word in json.dumps(body["items"]) for word in ('"level"', "medical-0"))


def test_every_control_has_a_name_and_the_keys_are_explained(server, page):
    enter(page, server, "Dan")
    unnamed = "all => all.filter(each => !(each.innerText || each.labels?.length)).length"
    assert page.eval_on_selector_all("button, input", unnamed) == 0
    page.keyboard.press("?")
    assert page.is_visible("#help")
    assert page.get_attribute("#ask", "aria-expanded") == "true"


def test_a_label_that_cannot_be_saved_is_kept_and_sent_again(run, server, browser):
    page = browser.new_page()
    enter(page, server, "Eve")
    page.route("**/label", lambda route: route.abort())
    page.keyboard.press("2")
    page.wait_for_selector("#state.bad[data-waiting='1']")
    assert "not saved yet (1)" in page.inner_text("#state")
    page.unroute("**/label")
    saved(page)
    assert list(labels(run, "Eve").values()) == ["generic"]
    page.close()


def test_a_label_that_is_not_saved_outlives_a_reload(run, server, browser):
    page = browser.new_page()
    enter(page, server, "Flo")
    page.route("**/label", lambda route: route.abort())
    page.keyboard.press("3")
    page.wait_for_selector("#state.bad[data-waiting='1']")
    page.on("dialog", lambda dialog: dialog.accept())
    page.unroute("**/label")
    enter(page, server, "Flo")
    saved(page)
    assert list(labels(run, "Flo").values()) == ["expert"]
    assert "1 of 12" in page.inner_text("#count")
    page.close()


def test_a_key_held_down_labels_one_response(run, server, page):
    enter(page, server, "Gus")
    for _ in range(5):
        page.keyboard.down("2")  # from the second on the browser calls it a repetition
    page.keyboard.up("2")
    saved(page)
    assert len(labels(run, "Gus")) == 1


def test_a_label_can_be_taken_back(run, server, page):
    enter(page, server, "Hal")
    page.keyboard.press("2")
    page.keyboard.press("Backspace")
    page.keyboard.press("0")
    saved(page)
    assert list(labels(run, "Hal").values()) == [None]
    assert "0 of 12" in page.inner_text("#count")


def test_the_name_may_be_given_on_the_command_line(run, page):
    with serving(run, "--annotator", "Ida") as url:
        page.goto(url)
        page.wait_for_selector("#work:not([hidden])")
        assert "Ida: 0 of 12" in page.inner_text("#count")


@pytest.mark.parametrize("headers", [{}, {"x-avspec-token": "guess"}, {"host": "evil.test"}, {"origin": "null"}])
def test_other_pages_cannot_write_labels(server, headers):
    if "origin" in headers:
        page = urllib.request.urlopen(server).read().decode()
        headers = headers | {"x-avspec-token": re.search(r'"token": "([^"]+)"', page).group(1)}
    request = urllib.request.Request(f"{server}/label", data=b"{}", headers=headers, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 403
