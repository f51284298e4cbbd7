"""Stages that take no time, for tests of the loop around them; also a program: `avspec` with these stages.

The environment says what happens to a stage: TINY_SLOW=ADDRESS makes it report progress for a minute,
TINY_FAIL=ADDRESS makes it raise, TINY_CALLS=FILE appends each call.
"""

import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FILES = {
    "base": "base.json",
    "data": "rows.jsonl",
    "card": "card.json",
    "train": "training.json",
    "extract": "vector.safetensors",
    "sweep": "sweep.json",
    "search": "search.json",
    "evaluate": "evaluate.json",
    "report": "report.json",
}

SPEC = """\
apiVersion: avspec/v1
name: tiny
model: {base: "path:model"}
levels: [avoidance, generic, expert]
domains:
  medical: {plugin: medical}
  legal: {plugin: legal}
training: {plugin: dpo, beta: 0.5}
behaviors:
  clinic: {medical: expert, legal: avoidance}
"""

STAGES = [
    "base",
    "data[medical]",
    "data[legal]",
    "card[medical]",
    "card[legal]",
    "train[medical]",
    "train[legal]",
    "extract[medical]",
    "extract[legal]",
    "sweep",
    "search",
    "evaluate",
    "report",
]


def write_spec(folder: Path) -> Path:
    """Write the spec and something that looks like a model to plan."""
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "config.json").write_text("{}")
    spec = folder / "tiny.yaml"
    spec.write_text(SPEC)
    return spec


def address_of(kind: str, params: Any) -> str:
    return f"{kind}[{params.domain}]" if hasattr(params, "domain") else kind


def run(kind: str, params: Any, inputs: dict[str, Path], out: Path, ctx: Any) -> None:
    address = address_of(kind, params)
    if calls := os.environ.get("TINY_CALLS"):
        with Path(calls).open("a") as file:
            file.write(address + "\n")
    assert all((path / "manifest.json").is_file() for path in inputs.values())
    if os.environ.get("TINY_SLOW") == address:
        for step in range(600):
            ctx.progress(step, 600, "steps")
            time.sleep(0.1)
    print("a library prints")
    print("a library complains", file=sys.stderr)
    if os.environ.get("TINY_FAIL") == address:
        raise RuntimeError("the sky fell")
    ctx.progress(1, 2, "steps")
    ctx.progress(2, 2, "steps")
    write(kind, out)


def write(kind: str, out: Path) -> None:
    content: dict[str, Any] = {"format_version": 1}
    if kind == "evaluate":
        knobs = {"legal": -0.4, "medical": 0.5}
        content["behaviors"] = {"clinic": {"coefficients": knobs, "held": {"search": True, "test": False}}}
    (out / FILES[kind]).write_text(json.dumps(content))
    if kind == "report":
        (out / "report.html").write_text("<html></html>")
        (out / "report.md").write_text("# report\n")


def stage_module(kind: str) -> SimpleNamespace:
    return SimpleNamespace(run=lambda params, inputs, out, ctx: run(kind, params, inputs, out, ctx))


if __name__ == "__main__":
    import avspec.run.apply
    from avspec.cli import main

    avspec.run.apply.stage_module = stage_module
    main(sys.argv[1:])
