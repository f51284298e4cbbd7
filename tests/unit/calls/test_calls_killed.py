"""kill -9 amid calls of the real `openai` provider to a server in another process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
COUNT, AT_ONCE = 40, 4
ASK = """
import sys
from pathlib import Path
from avspec.api import Request
from avspec.calls.asking import Asker

options = {"model": "m", "base_url": sys.argv[2] + "/v1", "concurrency": int(sys.argv[4])}
told = lambda done, total, note: print(done, flush=True)
with Asker("openai", options, folder=Path(sys.argv[1]), run="run", progress=told) as ask:
    answers = ask.ask([Request(f"question {number}") for number in range(int(sys.argv[3]))], "n")
    assert len(answers) == int(sys.argv[3]) and all(answer.text for answer in answers)
    print("calls", ask.usage.calls, "kept", ask.usage.kept, flush=True)
"""


@pytest.fixture
def server(tmp_path):
    """Address of a server, and the file of its log."""
    log = tmp_path / "requests.jsonl"
    command = [sys.executable, str(TESTS / "llm_server.py"), "--log", str(log), "--delay", "0.03"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().strip(), log
    process.kill()
    process.wait()


def start(folder, url):
    command = [sys.executable, "-c", ASK, str(folder), url, str(COUNT), str(AT_ONCE)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def asked(log):
    """Return the prompts that arrived, in their order."""
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    # a client that dies between headers and body has asked nothing: its body is None
    bodies = [record["body"] for record in records if record["event"] == "request" and record["body"]]
    return [body["messages"][-1]["content"] for body in bodies]


def kept(folder):
    """Return the prompts whose answers are whole lines of the file of answers."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_bytes().split(b"\n")[:-1]]
    return [json.loads(line)["request"]["prompt"] for line in lines]


def kill_when_told(process, moment):
    """Kill a process when it has been told of so many answers; return the last number it was told."""
    for line in process.stdout:
        if int(line) >= moment:
            os.kill(process.pid, signal.SIGKILL)
            break
    rest = process.stdout.read().split("\n")[:-1]
    assert process.wait() == -signal.SIGKILL, "it was killed before its end"
    return max(int(number) for number in [line, *rest])


def test_no_answer_in_the_journal_at_a_kill_is_asked_for_again(tmp_path, server):
    url, log = server
    folder = tmp_path / "answers"
    journals = []  # at each kill: what was kept, and how many requests had arrived
    moments = (1, 3, 11, 24, 37)
    for moment in moments:
        told = kill_when_told(start(folder, url), moment)
        journals.append((set(kept(folder)), len(asked(log))))
        assert len(journals[-1][0]) >= told, "an answer is on disk before anybody is told of it"
    process = start(folder, url)
    said = process.stdout.read().splitlines()[-1]
    assert process.wait() == 0
    every = asked(log)
    for before, arrived in journals:
        assert not before & set(every[arrived:])
    last = len(journals[-1][0])
    assert said == f"calls {COUNT - last} kept {last}"
    assert sorted(kept(folder)) == sorted(f"question {number}" for number in range(COUNT)), "each is there once"
    assert COUNT <= len(every) <= COUNT + AT_ONCE * len(moments), "asked twice is only what was on its way at a kill"
