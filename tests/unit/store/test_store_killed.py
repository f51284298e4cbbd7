"""SIGKILL before every system call of a commit: the artifact is whole or absent, and can be made again."""

import json
import signal
import subprocess
import sys

import pytest

from avspec.store.local import Store

KEY = "a" * 64
# forks one child a moment, which kills itself before that system call; prints how each child ended
DRIVER = """
import json, os, shutil, signal, sys
from pathlib import Path
from avspec.store.local import Store

root, older, key = Path(sys.argv[1]), sys.argv[2] == "older", "a" * 64
steps = moment = 0

def counted(call):
    def step(*args, **kwargs):
        global steps
        steps += 1
        if steps == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return step

def commit(store, text, prepare=lambda: None):
    with store.writing(key) as out:
        (out / "rows.jsonl").write_text(text)
        (store.scratch(key) / "checkpoint").write_text("step 7")
        prepare()
        store.commit(key, kind="data", name="d", version=1, params={}, inputs={}, plugins=[], seconds=0.0)

def count_calls():
    calls = {os: ("fsync", "open", "unlink", "rmdir"), Path: ("rename", "replace")}
    for module, name in ((module, name) for module, names in calls.items() for name in names):
        setattr(module, name, counted(getattr(module, name)))

ended = []
while not ended or ended[-1] == -signal.SIGKILL:
    moment += 1
    store = Store(root / str(moment))
    if older:
        commit(store, "old rows")
    child = os.fork()
    if not child:
        commit(store, "new rows", count_calls)
        os._exit(0)
    ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(ended))
"""


@pytest.mark.parametrize("older", ["first", "older"])
def test_killed_commit(tmp_path, older):
    command = [sys.executable, "-c", DRIVER, str(tmp_path), older]
    ended = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert ended[-1] == 0
    assert len(ended) > 15
    assert set(ended[:-1]) == {-signal.SIGKILL}
    states, texts = [], []
    for moment in range(1, len(ended) + 1):
        store = Store(tmp_path / str(moment))
        states.append(store.state(KEY, full=True))
        if states[-1] == "ok":
            texts.append((store.path(KEY) / "rows.jsonl").read_text())
        with store.writing(KEY) as out:
            (out / "rows.jsonl").write_text("again")
            store.commit(KEY, kind="data", name="d", version=1, params={}, inputs={}, plugins=[], seconds=0.0)
        assert store.state(KEY, full=True) == "ok"
        assert (store.path(KEY) / "rows.jsonl").read_text() == "again"
    assert set(states) <= {"ok", "incomplete"}
    assert {"ok", "incomplete"} == set(states)
    expected = {"old rows", "new rows"} if older == "older" else {"new rows"}
    assert set(texts) == expected
