"""One apply at a time."""

import re
import signal
import subprocess
import sys

import pytest

from avspec.errors import StoreBusy
from avspec.store.local import Store

HOLDER = """
import sys, time
from pathlib import Path
from avspec.store.local import Store

with Store(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / ".avspec")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_second_process_is_told_who_holds_the_store(tmp_path, holder):
    store = Store(tmp_path / ".avspec")
    with pytest.raises(StoreBusy) as error, store.lock():
        pytest.fail("two held one lock")
    assert re.sub(r"since \S+", "since THEN", str(error.value)) == (
        f"another avspec works in this folder: process {holder.pid}, since THEN\n"
        f"  at {store.root}\n"
        "  hint: wait until it is done, or stop it with Ctrl+C; nothing is lost"
    )
    assert error.value.exit_code == 75


def test_busy_without_a_known_holder(tmp_path, holder):
    store = Store(tmp_path / ".avspec")
    (store.root / "lock.json").write_text("{")
    with pytest.raises(StoreBusy, match=r"works in this folder\n"), store.lock():
        pass


def test_killed_holder_frees_the_store(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with Store(tmp_path / ".avspec").lock():
        pass


def test_lock_is_free_again_after_an_error(tmp_path):
    store = Store(tmp_path / ".avspec")
    with pytest.raises(ValueError, match="stop"), store.lock():
        raise ValueError("stop")
    with store.lock(), pytest.raises(StoreBusy), store.lock():
        pass
    assert not (store.root / "lock.json").exists()
