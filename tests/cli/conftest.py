import os
import subprocess
import sys
from pathlib import Path

import pytest

TINY = Path(__file__).parents[1] / "unit" / "run" / "tiny_stages.py"
sys.path.insert(0, str(TINY.parent))


@pytest.fixture
def avspec(capsys):
    """Run avspec in this process; returns exit code, stdout and stderr."""
    from avspec.cli import main

    def run(*args):
        with pytest.raises(SystemExit) as exit_:
            main(args)
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return run


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Work in a folder with a spec, and with stages that take no time."""
    import tiny_stages

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("avspec.run.apply.stage_module", tiny_stages.stage_module)
    tiny_stages.write_spec(tmp_path)
    return tmp_path


@pytest.fixture
def process(tmp_path):
    """Start `avspec` with the stages that take no time as a process of its own."""
    import tiny_stages

    tiny_stages.write_spec(tmp_path)
    started = []

    def start(*args, **environment):
        command = [sys.executable, str(TINY), *args]
        pipe = subprocess.PIPE
        env = os.environ | environment
        started.append(subprocess.Popen(command, cwd=tmp_path, env=env, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.wait()
