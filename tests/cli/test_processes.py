"""avspec as a process: what it imports, Ctrl+C, two at a time, terminals, broken pipes."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny_stages

HEAVY = ("torch", "transformers", "trl", "optuna", "datasets", "matplotlib", "scipy")
IMPORTED = """
import runpy, sys
sys.argv = ["avspec", *sys.argv[1:]]
try:
    runpy.run_module("avspec.cli", run_name="__main__")
except SystemExit as exit:
    assert not exit.code, exit.code
print(*[name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""


def imported(folder, *args):
    """Return which heavy packages a command imports."""
    command = [sys.executable, "-c", IMPORTED.format(heavy=HEAVY), *args]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return result.stderr.splitlines()[-1].split()


@pytest.mark.parametrize("args", [["--help"], ["validate", "tiny.yaml"], ["plan", "tiny.yaml"], ["plugins"]])
def test_imports_nothing_heavy(process, tmp_path, args):
    assert imported(tmp_path, *args) == []


def test_a_second_apply_imports_nothing_heavy(process, tmp_path):
    assert process("apply", "tiny.yaml").wait(60) == 0
    assert imported(tmp_path, "apply", "tiny.yaml") == []
    assert imported(tmp_path, "status", "runs/tiny") == []


def wait_for_start(folder: Path, address: str) -> None:
    """Wait until a stage has begun."""
    journal = folder / "runs" / "tiny" / "logs" / "apply.jsonl"
    for _ in range(1200):
        lines = journal.read_text().splitlines() if journal.exists() else []
        if any('"stage-started"' in line and f'"{address}"' in line for line in lines):
            return
        time.sleep(0.05)
    raise AssertionError(f"{address} did not begin")


@pytest.mark.parametrize("view", ["--plain", "--json"])
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(process, tmp_path, view):
    child = process("apply", "tiny.yaml", view, TINY_SLOW="train[legal]")
    wait_for_start(tmp_path, "train[legal]")
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.endswith(
        "error: stopped; everything finished so far is kept\n  hint: run the same command again to go on\n"
    )
    assert "Traceback" not in err
    again = process("apply", "tiny.yaml")
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0
    assert "reused: base, data[medical], data[legal], card[medical], card[legal], train[medical]\n" in err


def test_kill_9_loses_only_the_running_stage(process, tmp_path):
    child = process("apply", "tiny.yaml", TINY_SLOW="sweep")
    wait_for_start(tmp_path, "sweep")
    child.kill()
    child.wait()
    again = process("apply", "tiny.yaml", "--plain")
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0
    assert "sweep: running (incomplete)" in err and "extract[legal]\n" in err


def test_a_second_apply_at_the_same_time_exits_75(process, tmp_path):
    child = process("apply", "tiny.yaml", TINY_SLOW="base")
    wait_for_start(tmp_path, "base")
    other = process("apply", "tiny.yaml")
    _, err = other.communicate(timeout=60)
    assert other.returncode == 75
    assert f"another avspec works in this folder: process {child.pid}, since " in err
    assert child.poll() is None


def in_terminal(folder: Path, environment: dict[str, str], *args: str) -> tuple[int, str]:
    """Run avspec in a terminal; returns the exit code and everything the terminal got."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "90", "LINES": "24"} | environment)
        os.execv(sys.executable, [sys.executable, tiny_stages.__file__, *args])
    screen = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        screen += chunk
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode()


def test_a_terminal_gets_the_live_table_without_chatter(process, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    code, screen = in_terminal(tmp_path, {}, "apply", "tiny.yaml")
    assert code == 0
    assert "avspec apply  runs/tiny" in screen and "\x1b[" in screen and "✔" in screen
    assert "a library" not in screen
    assert "runs/tiny is done: 13 stages run" in screen


@pytest.mark.parametrize("args", [["apply", "tiny.yaml"], ["plan", "nope.yaml"], ["--help"]])
def test_no_color_is_honored(process, tmp_path, args):
    _, screen = in_terminal(tmp_path, {"NO_COLOR": "1"}, *args)
    assert screen and "\x1b[" not in screen


def test_errors_are_red_on_a_terminal(process, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    code, screen = in_terminal(tmp_path, {}, "plan", "nope.yaml")
    assert code == 66 and "\x1b[31m\x1b[1merror:\x1b[0m" in screen


def test_a_reader_that_goes_away_is_told_nothing(process):
    child = process("schema")
    child.stdout.close()
    assert child.stderr.read() == ""
    assert child.wait(60) == 1  # click's code for a broken pipe
