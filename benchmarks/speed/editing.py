"""Editing: new coefficients into the live model, against a copy of as many bytes and against mergekit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from safetensors import safe_open

from avspec.model.editor import Editor, open_editor
from speed.machine import load, machine, versions
from speed.measuring import paired, profile, seconds
from speed.peer import Peer, source_of
from speed.results import Measure, Section
from speed.subject import DOMAINS, Subject

COEFFICIENTS = dict(zip(DOMAINS, (0.4, -0.7, 1.1), strict=True))
SCRIPT = "mergekit_merge.py"
PROBE = Path(__file__).with_name("memory_probe.py")
FORMULAS = {"opening": "1 and the parameters being cast, as stored", "editing": "1 and what malloc kept of these"}
"""Anonymous memory in sizes of the live model; base and vectors are mapped, so they belong to the page cache."""
COPY_CALL = "target.copy_(source)  # float32, read and write together as many bytes as the edit reads and writes"


def measure(subject: Subject, pairs: int) -> Section:
    """Time edits with all three knobs turned."""
    before = load()
    editor, _ = open_editor(subject.base, subject.vectors, "cpu")
    edit, copy = _edit(editor), _copy(edit_bytes(editor))
    bandwidth = paired(
        "editing, as a share of a copy of the same bytes",
        ("edit", "copy"),
        lambda: seconds(edit),
        lambda: seconds(copy),
        pairs=4 * pairs,
        goal=0.7,
    )
    with Peer(SCRIPT, subject.folder / "mergekit.log") as peer:
        merged = subject.folder / "merged"
        models = {str(subject.aligned[domain]): weight for domain, weight in COEFFICIENTS.items()}
        arguments = {"base": str(subject.weights), "models": models, "out": str(merged)}
        mergekit = paired(
            "editing, against mergekit",
            ("edit", "run_merge and load"),
            lambda: seconds(edit),
            lambda: float(peer.ask("merge", **arguments)["seconds"]),
            pairs=pairs,
            goal=50.0,
        )
        peers = peer.ask("versions")
    return Section(
        title="Editing",
        machine=machine(),
        versions={**versions(), "mergekit": peers["mergekit"]},
        setup=f"Coefficients {COEFFICIENTS} into a live {subject.info.dtype} model of {subject.info.parameters:,} "
        "parameters: base and three float32 vectors, random, of the base's shape.",
        measures=(bandwidth, mergekit, *_peaks(subject)),
        facts={
            "load average before and after": f"{before}, {load()}",
            "memory plan": editor.memory.describe().removeprefix("memory: "),
            "bytes": f"an edit reads and writes {edit_bytes(editor) / 1e9:.2f} GB",
            "the limit": limit(bandwidth, mergekit),
            "the same result": _agreement(editor, merged / "model.safetensors"),
        },
        calls={"copy": COPY_CALL, "mergekit": source_of(SCRIPT, "call")},
        profile=_profile(edit),
    )


def limit(bandwidth: Measure, mergekit: Measure) -> str:
    """Say how far ahead of mergekit an edit could be at most, from the seconds of paired runs."""
    (_, copy), (_, merge) = (map(median, measure.seconds.values()) for measure in (bandwidth, mergekit))
    return f"a copy of the same bytes is {merge / copy:.1f} times as fast as mergekit: so fast an edit could be here"


def edit_bytes(editor: Editor) -> int:
    """Return the bytes one edit of every knob has to move: base and vectors read, the live model written."""
    return editor.memory.live + sum(editor.memory.sizes.values())


def _edit(editor: Editor) -> Callable[[], None]:
    turn = [0]

    def edit() -> None:
        turn[0] += 1  # other coefficients every time: equal ones would not be written again
        editor.set({domain: c + 0.001 * turn[0] for domain, c in COEFFICIENTS.items()})

    return edit


def _copy(size: int) -> Callable[[], object]:
    source = torch.ones(size // 8)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def _agreement(editor: Editor, merged: Path) -> str:
    """Compare the live model with mergekit's, parameter by parameter.

    Raises:
        AssertionError: They differ by more than the rounding of their dtype.
    """
    editor.set(COEFFICIENTS)
    equal = total = 0
    with safe_open(merged, framework="pt") as file:
        for name, parameter in editor.model.named_parameters():
            other = file.get_tensor(name)
            assert torch.allclose(parameter.float(), other.float(), rtol=2**-7, atol=1e-6), f"{name} differs"
            equal += int((parameter == other).sum())
            total += other.numel()
    return f"{equal / total:.4%} of mergekit's weights are equal bit for bit, the others to one rounding of bfloat16"


def _peaks(subject: Subject) -> list[Measure]:
    """Measure the memory of opening and editing, in a process of its own for each compute dtype."""
    measures = []
    for dtype in ("bfloat16", "float32"):
        paths = [str(subject.base), dtype, *map(str, subject.vectors.values())]
        done = subprocess.run([sys.executable, str(PROBE), *paths], capture_output=True, text=True, check=True)
        for doing, peak in json.loads(done.stdout.splitlines()[-1]).items():
            name = f"peak memory while {doing}, {dtype} (formula: {FORMULAS[doing]})"
            measures.append(Measure(name=name, values=(peak,), unit="live models"))
    return measures


def _profile(edit: Callable[[], None]) -> str:
    """Profile an edit on one thread: the profiler does not see into the threads that work side by side."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return profile(edit)
    finally:
        torch.set_num_threads(threads)
