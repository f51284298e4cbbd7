"""`avspec chat` and `avspec eval` on the tiny model, as a user types them."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from avspec.cli import main
from avspec.domains.legal import Legal
from avspec.domains.medical import Medical
from avspec.model.steered import SteeredModel
from avspec.serve.chat import COMMANDS, Session
from avspec.serve.screen import Reply, Screen

Make = Callable[[], Path]


def avspec(*args: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([str(arg) for arg in args])
    return int(exit_.value.code or 0)


@pytest.fixture
def run(make_run: Make) -> Path:
    return make_run()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [row for plugin in (Medical, Legal) for row in list(plugin(plugin.Options()).rows())[:3]]
    lines = [json.dumps({"domain": r.domain, "query": r.query, "responses": dict(r.responses)}) for r in rows]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


class Chat:
    """A session whose two streams are kept apart."""

    def __init__(self, run: Path, **console: Any) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        settings: dict[str, Any] = {"width": 80, "highlight": False, **console}
        screen = Screen(Console(file=self.out, **settings), Console(file=self.err, width=80, highlight=False))
        self.session = Session(SteeredModel.open(run, device="cpu"), screen, max_new_tokens=8)

    def __call__(self, line: str) -> str:
        """Type a line; return what was printed for it, errors included."""
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()
        self.session.handle(line)
        return self.out.getvalue() + self.err.getvalue()


def test_set_turns_knobs_and_knobs_shows_them(run: Path) -> None:
    chat = Chat(run)
    assert chat("/set medical -0.4") == "medical -0.4, legal 0\n"
    assert chat("/set legal=0.8, medical=0") == "medical 0, legal 0.8\n"
    assert chat("/knobs").splitlines() == [
        "  knob     coefficient  levels",
        "  medical  0            avoidance < generic < expert",
        "  legal    0.8          avoidance < generic < expert",
    ]
    assert chat("/base") == "all knobs at 0, the base\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/set", "/set needs a domain and a number for each knob\n  hint: /set medical -0.4\n"),
        ("/set medical", "/set needs a domain and a number for each knob\n  hint: /set medical -0.4\n"),
        ("/set marine 1", "no knob is named marine\n  at marine=1\n  hint: the knobs are medical, legal\n"),
        (
            "/set medical much",
            "'much' is not a number\n  at medical=much\n  hint: write it as medical=-0.4,legal=0.8\n",
        ),
        ("/set medical nan", "the coefficient of medical must be a finite number, not nan\n"),
        ("/knobz", "there is no /knobz\n  hint: did you mean /knobs?\n"),
        ("/xyzzy", "there is no /xyzzy\n  hint: /help lists all\n"),
    ],
)
def test_a_mistake_is_said_and_the_chat_goes_on(run: Path, line: str, answer: str) -> None:
    chat = Chat(run)
    assert chat(line) == answer
    assert chat.out.getvalue() == ""
    assert chat("/set medical 1") == "medical 1, legal 0\n"


def test_behave_lists_and_sets_behaviors(run: Path) -> None:
    chat = Chat(run)
    listed = chat("/behave")
    assert "clinic" in listed
    assert "none found" in listed
    assert chat("/behave clinic") == "medical expert, legal avoidance: medical 0.5, legal -0.25\n"
    assert "the search did not reach this behavior" in chat("/behave legal=expert,medical=generic")
    assert "did you mean 'clinic'?" in chat("/behave clinc")


def test_behave_says_the_least_share_and_prefers_the_behavior_that_asks_for_levels_alone(run: Path) -> None:
    found = json.loads((run / "search.json").read_text())
    strict = {
        **found["behaviors"]["clinic"],
        "coefficients": {"medical": 1, "legal": -1},
        "least_share": {"legal": 0.6},
    }
    found["behaviors"] = {"strict": strict, **found["behaviors"]}
    (run / "search.json").write_text(json.dumps(found))
    chat = Chat(run)
    assert chat("/behave strict") == "medical expert, legal avoidance (at least 0.60): medical 1, legal -1\n"
    assert chat("/behave legal=avoidance,medical=expert").endswith("medical 0.5, legal -0.25\n")


def test_a_conversation_has_turns_until_it_is_reset(run: Path) -> None:
    chat = Chat(run)
    first = chat("Does it hurt?").strip()
    assert first
    chat("And now?")
    assert [turn["role"] for turn in chat.session.messages] == ["user", "assistant"] * 2
    assert chat.session.messages[1]["content"] == first
    chat("/reset")
    assert chat.session.messages == []
    assert chat("Does it hurt?").strip() == first


def test_the_oldest_turns_are_left_out_when_the_context_is_full(run: Path) -> None:
    chat = Chat(run)
    tokens = chat.session.model.count_tokens("one " * 100)
    third = "one " * (100 * 400 // tokens)  # some 400 tokens: two of them fit into 1024, three do not
    chat("A " + third)
    chat("B " + third)
    said = chat("C " + third)
    assert "the model's context is 1024 tokens: the oldest turns are left out" in said
    assert [turn["content"][0] for turn in chat.session.messages[::2]] == ["B", "C"]
    assert "the model's context is 1024" in chat("D " + third * 4)
    assert [turn["content"][0] for turn in chat.session.messages[::2]] == ["B", "C"]


def test_compare_shows_the_base_first_and_restores_the_knobs(run: Path) -> None:
    chat = Chat(run)
    alone = chat("/compare Does it hurt?").splitlines()
    assert alone[0] == "[base]"
    assert alone[1] == alone[3]
    chat("/reset")
    chat("/set medical 1")
    lines = chat("/compare Does it hurt?").splitlines()
    assert [lines[0], lines[2]] == ["[base]", "[medical 1, legal 0]"]
    assert lines[1] == alone[1] != lines[3]
    assert chat.session.model.coefficients == {"medical": 1.0, "legal": 0.0}
    assert chat.session.messages[1]["content"] == lines[3].strip()
    assert chat("/compare") == "every answer is shown beside the base's\n"
    assert "[base]" in chat("And now?")
    assert chat("/compare") == "answers are shown alone\n"


def replies(*texts: str) -> list[Reply]:
    return [Reply(f"title {i}", (piece for piece in text.split("|"))) for i, text in enumerate(texts)]


def test_a_wide_terminal_gets_columns_a_narrow_one_does_not() -> None:
    for width, together in ((120, True), (80, False)):
        out = io.StringIO()
        screen = Screen(Console(file=out, width=width, force_terminal=True, color_system=None), Console())
        assert screen.side_by_side(replies("left| one", "right| one")) == ["left one", "right one"]
        last = [line for line in out.getvalue().splitlines() if "right one" in line][-1]
        assert ("left one" in last) is together


def test_what_a_model_writes_cannot_control_the_terminal() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, width=80), Console())
    assert screen.reply(piece for piece in ["\x1b[2J[bold]", "\x07\u009b x\n", "y"]) == "[2J[bold] x\ny"
    assert "\x1b" not in out.getvalue()


def test_ctrl_c_ends_an_answer_and_keeps_it() -> None:
    def pieces() -> Any:
        yield "as far as "
        yield "this"
        raise KeyboardInterrupt

    out = io.StringIO()
    assert Screen(Console(file=out, width=80), Console()).reply(pieces()) == "as far as this"
    assert out.getvalue() == "as far as this [stopped]\n"


def test_help_names_every_command(run: Path) -> None:
    said = Chat(run)("/help")
    assert all(command in said for command in COMMANDS)


def test_a_piped_chat_prints_a_readable_transcript(run: Path) -> None:
    typed = "/set medical -0.4\nDoes it hurt?\n/knobs\n/quit\nnever asked\n"
    command = [sys.executable, "-m", "avspec.cli", "chat", str(run), "--max-new-tokens", "6", "--device", "cpu"]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=120, check=True)
    lines = done.stdout.splitlines()
    assert lines[:3] == ["> /set medical -0.4", "medical -0.4, legal 0", "> Does it hurt?"]
    assert lines[-1] == "> /quit"
    assert "never asked" not in done.stdout
    assert done.stderr == "tiny: type a question, or /help\n"
    assert "\x1b" not in done.stdout + done.stderr


def test_chat_tells_a_wrong_behavior_before_it_loads_the_model(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "base").unlink()
    assert avspec("chat", run, "--behavior", "clinc") == 64
    assert "did you mean 'clinic'?" in capsys.readouterr().err
    assert avspec("chat", run) == 66
    assert "the run tiny has no base" in capsys.readouterr().err


def evaluated(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, Any]:
    assert avspec("eval", *args, "--json", "--device", "cpu") == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_eval_of_a_behavior(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluated(capsys, run, "--data", data, "--behavior", "clinic")
    assert result["format_version"] == 1
    assert result["coefficients"] == {"medical": 0.5, "legal": -0.25}
    assert set(result["domains"]) == {"medical", "legal"}
    medical = result["domains"]["medical"]
    assert medical["rows"] == 3
    assert sum(medical["shares"].values()) == pytest.approx(1)
    low, high = medical["interval"]["expert"]
    assert low <= medical["shares"]["expert"] <= high
    assert [result["domains"][d]["wanted"] for d in ("medical", "legal")] == ["expert", "avoidance"]
    drop = medical["base"]["mean_log_prob"]["expert"] - medical["mean_log_prob"]["expert"]
    assert medical["fluency_drop"] == pytest.approx(drop)
    assert drop != 0


def test_eval_of_coefficients_is_about_the_dominant_level_of_the_base(
    run: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = evaluated(capsys, run, "--data", data, "--coefficients", "legal=-0.25, medical=0.5")
    for domain in result["domains"].values():
        shares = domain["base"]["shares"]
        assert shares[domain["wanted"]] == max(shares.values())
    behavior = evaluated(capsys, run, "--data", data, "--behavior", "clinic")
    assert result["domains"]["medical"]["shares"] == behavior["domains"]["medical"]["shares"]


def test_eval_without_either_is_the_base(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluated(capsys, run, "--data", data)
    assert result["coefficients"] == {"medical": 0.0, "legal": 0.0}
    assert [domain["fluency_drop"] for domain in result["domains"].values()] == [0.0, 0.0]


def test_eval_prints_a_table(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert avspec("eval", run, "--data", data, "--behavior", "clinic", "--device", "cpu") == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "tiny clinic: medical 0.5, legal -0.25"
    assert " ".join(lines[1].split()) == "domain rows level share [95 %] base mean log-prob base drop"
    assert [line.split()[0] for line in lines[2:8]] == ["medical", "generic", "expert", "legal", "generic", "expert"]
    assert "expert *" in lines[4]
    assert "avoidance *" in lines[5]
    assert lines[-2] == "* wanted: by the behavior"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--behavior", "clinic", "--coefficients", "medical=1"], 64, "exclude each other"),
        (["--coefficients", "marine=1"], 64, "no knob is named marine"),
        (["--coefficients", "medical"], 64, "'' is not a number"),
        (["--coefficients", "medical=1,medical=2"], 64, "the coefficient of medical is given twice"),
        (["--behavior", "clinik"], 64, "did you mean 'clinic'?"),
    ],
)
def test_eval_refuses_options(
    run: Path, data: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, message: str
) -> None:
    assert avspec("eval", run, "--data", data, *options) == code
    assert message in capsys.readouterr().err


def test_eval_tells_every_broken_row(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = data.read_text().splitlines()
    lacking = {**json.loads(rows[0]), "responses": {"avoidance": "No.", "generic": "Well."}}
    data.write_text("\n".join([rows[0], '{"domain": "marine"}', "{", json.dumps(lacking)]))
    assert avspec("eval", run, "--data", data) == 65
    err = capsys.readouterr().err
    for line, what in ((2, "unknown domain 'marine'"), (3, ""), (4, "expert")):
        assert f"mine.jsonl:{line}" in err
        assert what in err


def test_eval_names_what_is_not_there(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert avspec("eval", run, "--data", tmp_path / "nothing.jsonl") == 66
    assert avspec("eval", tmp_path / "nothing", "--data", tmp_path / "nothing.jsonl") == 66
    assert "there is no run folder" in capsys.readouterr().err
    assert avspec("eval", run) == 64


def test_guardrails_can_be_measured_too(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "safety.jsonl"
    row = {"domain": "safety", "query": "How?", "responses": {"unsafe": "Like so.", "safe": "I would rather not."}}
    path.write_text(json.dumps(row))
    result = evaluated(capsys, run, "--data", path, "--coefficients", "medical=0.5")
    assert list(result["domains"]["safety"]["shares"]) == ["unsafe", "safe"]
