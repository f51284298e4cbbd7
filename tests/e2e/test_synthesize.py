"""Rows written by a language model over the network, from a spec to a data card: paid once, whatever happens."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from llm_server import LlmServer

KEY = "sk-test-0123456789abcdefghij"
SPEC = """
apiVersion: avspec/v1
name: written
model: {{base: "path:{model}", dtype: float32}}
levels: [avoidance, generic, expert]
synthesis:
  provider: {{plugin: {plugin}, model: writer, base_url: "{url}", concurrency: 2}}
  rows: 12
  words: [8, 20]
  personas: {{hub: "path:people.txt", share: 0.5, starts: 1, roots: 2, branching: 2, depth: 2}}
  clean: {{language: false}}
domains:
  medical: {{plugin: medical, data: {{source: synthesize}}}}
data: {{split: {{train: 0.4, search: 0.3, test: 0.3}}}}
behaviors: {{one: {{medical: expert}}}}
"""
WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heath",
    "islet",
    "jetty",
    "knoll",
    "larch",
    "marsh",
    "north",
    "ochre",
    "pearl",
    "quartz",
]


def text(prompt: str, system: str) -> str:
    """Return words that only the prompt decides, as pairs where pairs are asked for."""

    def sentence(salt: int) -> str:
        bits = hashlib.sha256(f"{salt} {prompt} {system}".encode()).digest()
        return f"{' '.join(WORDS[b % len(WORDS)] for b in bits[:14])}."

    if "JSON" in prompt:
        pairs = [{"persona": sentence(2 * n), "query": sentence(2 * n + 1)} for n in range(2)]
        return json.dumps({"pairs": pairs})
    return sentence(0)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "avspec.cli", *arguments]


def apply(folder: Path) -> subprocess.CompletedProcess[str]:
    target = command("apply", "spec.yaml", "--target", "card[medical]")
    return subprocess.run(target, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def work(tmp_path, tiny_folder, monkeypatch):
    """Write the spec for a server and a provider; the key is in the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    (tmp_path / "people.txt").write_text("".join(f"Person number {n}\n" for n in range(9)))

    def write(server: LlmServer, plugin: str = "openai") -> Path:
        url = server.openai_url if plugin == "openai" else server.url
        (tmp_path / "spec.yaml").write_text(SPEC.format(model=tiny_folder, plugin=plugin, url=url))
        return tmp_path

    return write


@pytest.mark.parametrize("plugin", ["openai", "anthropic"])
def test_from_personas_to_a_card(work, plugin):
    with LlmServer(text) as server:
        folder = work(server, plugin)
        server.fault("rate_limit", times=2)
        server.fault("error")
        done = apply(folder)
        assert done.returncode == 0, done.stderr
        run = folder / "runs" / "written"
        rows = [json.loads(line) for line in (run / "data" / "medical.jsonl").read_text().splitlines()]
        assert len(rows) == 12
        assert {row["source"] for row in rows} == {"persona-hub", "create-persona"}
        assert all(row["responses"].keys() == {"avoidance", "generic", "expert"} for row in rows)
        card = json.loads((run / "data" / "medical.card.json").read_text())
        assert card["format_version"] == 1
        asked = len(server.completed)
        assert apply(folder).returncode == 0
        assert len(server.completed) == asked, "a second apply asks nothing"
        everything = [path for path in folder.rglob("*") if path.is_file()]
        assert not [path for path in everything if KEY.encode() in path.read_bytes()], "the key is written nowhere"
        assert KEY not in done.stdout + done.stderr


def test_killed_at_any_moment_it_pays_for_no_answer_twice(work):
    with LlmServer(text, delay=0.05) as server:
        folder = work(server)
        kills = 0
        for _ in range(3):
            before = len(server.completed)
            process = subprocess.Popen(
                command("apply", "spec.yaml", "--target", "card[medical]"),
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while len(server.completed) < before + 7 and process.poll() is None:
                time.sleep(0.01)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
            process.wait()
        assert kills
        journal = next((folder / ".avspec" / "answers").glob("openai*.jsonl"))
        assert len(journal.read_text().splitlines()) >= 7
        assert apply(folder).returncode == 0
        bodies = [json.dumps(request.body, sort_keys=True) for request in server.completed]
        # at each kill, answers on their way (two at once) can be sent by the server and never arrive
        assert len(bodies) - len(set(bodies)) <= 2 * kills


def test_a_missing_key_says_which(work, monkeypatch):
    with LlmServer(text) as server:
        folder = work(server, "anthropic")
        spec = folder / "spec.yaml"
        spec.write_text(spec.read_text().replace(f', base_url: "{server.url}"', ""))
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        done = apply(folder)
        assert done.returncode == 69
        assert "ANTHROPIC_API_KEY" in done.stderr
        assert "Traceback" not in done.stderr
