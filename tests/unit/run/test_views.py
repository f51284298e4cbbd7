"""What the views show, to the letter."""

import io
import json
import sys

import pytest
from rich.console import Console

from avspec.run.events import Done, Failed, Log, Planned, Progress, StageDone, StageReused, StageStarted
from avspec.run.live import LiveView, _Line, window
from avspec.run.view import JsonView, PlainView, choose_view


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


def plan(**actions):
    stages = [
        {"address": address, "key": "0" * 64, "action": action, "reason": reason, "changes": changes}
        for address, (action, reason, changes) in actions.items()
    ]
    return Planned(run="runs/tiny", stages=stages, expected={"sweep": 240.0})


PLAN = plan(
    base=("reuse", None, []),
    train=("run", "spec-changed", ["training.beta 0.1 -> 0.05"]),
    sweep=("run", "input-changed", ["train"]),
)
DONE = Done(
    run="runs/tiny",
    ran=2,
    reused=1,
    seconds=754.2,
    stages={"base": 26.0, "train[medical]": 300.0, "train[legal]": 310.0, "sweep": 118.0},
    report="runs/tiny/report.html",
    behaviors={
        "clinic": {"coefficients": {"medical": 0.5, "legal": -0.4}, "held": {"search": True, "test": True}},
        "court": {"coefficients": {"medical": -1, "legal": 1}, "held": {"search": True, "test": False}},
        "never": {"coefficients": {"medical": 0, "legal": 0}, "held": {"search": False, "test": False}},
    },
)
SUMMARY = """\
runs/tiny is done: 2 stages run, 1 reused, in 12 min 34 s.

  behavior  search and test      coefficients
  clinic    held                 medical=+0.50 legal=-0.40
  court     held on search only  medical=-1.00 legal=+1.00
  never     not held             medical=+0.00 legal=+0.00

Time: base 26 s, train 10 min 10 s, sweep 1 min 58 s

Report: runs/tiny/report.html
Next:
  avspec chat runs/tiny
  avspec show runs/tiny
"""


@pytest.fixture
def clock():
    return Clock()


def story(view, clock):
    """A run of two stages, as a view sees it."""
    view.show(PLAN)
    view.show(StageReused(address="base", key="0"))
    view.show(StageStarted(address="train", reason="spec-changed"))
    for done in range(61):
        view.show(Progress(address="train", done=done, total=60, note="steps"))
        clock.time += 0.5
    view.show(StageDone(address="train", key="0", seconds=30.5))
    view.show(StageStarted(address="sweep", reason="input-changed"))
    view.show(Log(address="sweep", message="bfloat16 is slower here"))


def test_plain(clock):
    out, err = io.StringIO(), io.StringIO()
    view = PlainView(out, err, clock)
    story(view, clock)
    view.show(DONE)
    assert out.getvalue() == SUMMARY
    assert err.getvalue().splitlines() == [
        "runs/tiny: 2 to run, 1 to reuse, at least 4 min left",
        "reused: base",
        "train: running (spec-changed)",
        "train: 20/60 · steps, 20 s left (run: about 4 min left)",
        "train: 40/60 · steps, 10 s left (run: about 4 min left)",
        "train: 60/60 · steps, 5 s left (run: about 4 min left)",
        "train: done in 30 s (steps)",
        "sweep: running (input-changed)",
        "sweep: bfloat16 is slower here",
    ]


def test_plain_says_that_everything_was_reused(clock):
    out, err = io.StringIO(), io.StringIO()
    view = PlainView(out, err, clock)
    view.show(plan(base=("reuse", None, []), data=("reuse", None, [])))
    for address in ("base", "data"):
        view.show(StageReused(address=address, key="0"))
    view.show(Done(run="runs/tiny", ran=0, reused=2, seconds=0.1, stages={"base": 26.0, "data": 0.2}))
    assert err.getvalue() == "runs/tiny: 0 to run, 2 to reuse\nreused: base, data\n"
    assert out.getvalue() == (
        "Everything was reused: all 2 stages of runs/tiny are up to date.\n\n"
        "Time: base 26 s, data 0.2 s\n\nNext: avspec status runs/tiny\n"
    )


def live(clock, **options):
    screen, out = io.StringIO(), io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, height=30, color_system=None, **options)
    return LiveView(console, out, clock), console, out


def drawn(view, console):
    paper = Console(file=io.StringIO(), width=console.width, height=console.height, color_system=None)
    paper.print(view.render())
    return [line.rstrip() for line in paper.file.getvalue().splitlines()]


def test_live(clock):
    view, console, out = live(clock)
    with view:
        view.show(PLAN)
        assert drawn(view, console) == [
            "avspec apply  runs/tiny   elapsed 0:00 · at least 4 min left",
            " ✔ base  reused",
            " ○ train waiting                  spec-changed, training.beta 0.1 -> 0.05",
            " ○ sweep waiting                  input-changed, train" + " " * 40 + "~4 min",
        ]
        view.show(StageStarted(address="train", reason="spec-changed"))
        for done in (0, 30):
            clock.time += 15
            view.show(Progress(address="train", done=done, total=60, note="steps"))
        running = drawn(view, console)[2]
        assert running.startswith(" ● train ━━━━━━━━━━━━")
        assert "30/60 · steps · 15 s left" in running and running.endswith("0:30")
        view.show(StageDone(address="train", key="0", seconds=31.0))
        assert drawn(view, console)[2].split() == ["✔", "train", "done", "steps", "0:31"]
        view.show(StageStarted(address="sweep", reason="input-changed"))
        view.show(Failed(address="sweep", error="Interrupted", message="stopped", exit_code=130))
        assert drawn(view, console)[3].split()[:3] == ["✖", "sweep", "stopped"]
        view.show(DONE)
    assert out.getvalue() == SUMMARY


def test_live_draws_nothing_when_there_is_nothing_to_run(clock):
    view, console, _ = live(clock)
    with view:
        view.show(plan(base=("reuse", None, [])))
    assert console.file.getvalue() == ""


def test_live_shows_what_matters_on_a_small_screen():
    lines = [_Line(f"s{i}", "", "done" if i < 12 else "waiting") for i in range(20)]
    shown, before, after = window(lines, 8)
    assert [line.address for line in shown] == ["s10", "s11", "s12", "s13", "s14", "s15"]
    assert (before, after) == (10, 4)
    assert window(lines[:8], 8) == (lines[:8], 0, 0)


def test_live_survives_drawing_while_events_come(clock):
    view, console, _ = live(clock)
    with view:
        story(view, clock)
        assert "sweep: bfloat16 is slower here" in console.file.getvalue()


def test_json_lines_parse(clock):
    out = io.StringIO()
    view = JsonView(out)
    story(view, clock)
    view.show(DONE)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert events[0]["event"] == "plan" and events[0]["stages"][1]["changes"] == ["training.beta 0.1 -> 0.05"]
    assert events[-1]["event"] == "done" and events[-1]["behaviors"]["clinic"]["held"]["test"] is True
    assert all(event["time"].endswith("+00:00") for event in events)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_view_fits_where_the_output_goes(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(choose_view(), PlainView)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(choose_view(), LiveView)
    assert isinstance(choose_view(plain=True), PlainView)
    assert isinstance(choose_view(json_lines=True), JsonView)
    monkeypatch.setenv("NO_COLOR", "1")
    assert isinstance(choose_view(), PlainView)
