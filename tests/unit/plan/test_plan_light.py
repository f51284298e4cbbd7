"""Planning imports nothing heavy."""

import subprocess
import sys

HEAVY = ("torch", "transformers", "trl", "optuna", "datasets", "matplotlib", "scipy", "jinja2")
CODE = """
import sys
from pathlib import Path
from avspec.plan.compile import compile_spec
from avspec.plan.diff import plan_run
from avspec.plan.lockfile import read_lock
from avspec.plan.render import render_plan
from avspec.spec import load_spec
from avspec.store.local import Store

spec = Path(sys.argv[1])
stages = compile_spec(load_spec(spec))
render_plan(plan_run(stages, Store(spec.parent / ".avspec"), read_lock(spec.parent)))
print(*sys.modules)
"""


def test_plan_is_light(done):
    command = [sys.executable, "-c", CODE, str(done.file)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "avspec.plan.render" in loaded
    assert [name for name in HEAVY if name in loaded] == []
