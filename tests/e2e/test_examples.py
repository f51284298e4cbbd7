"""The walk-throughs of examples/, executed: each block in order, its output compared with the `text` block after it."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "examples").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
QUICK = (
    "--set model.base=path:{model} --set data.rows=16 --set training.epochs=1 "
    "--set sweep.step=1.5 --set search.evaluations=8 --set evaluation=[preference-accuracy]"
)


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    expected: str | None
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = BLOCK.finditer(text)
    return [Block(m[1], m[2], m[3], text[: m.start()].count("\n") + 1) for m in found]


def agrees(expected: str, got: str) -> bool:
    """Compare as doctest does: `...` is anything, and runs of blanks are equal."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected, got, flags)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout as the reader has it, without what others left in it."""
    for name in ("specs", "plugins", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path, tiny_folder: Path) -> dict[str, str]:
    """The reader's shell, but the toy model, and `pip install` into a folder of the test, without the network."""
    site = tmp_path / "site"
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "QUICK": QUICK.format(model=tiny_folder),
        "PYTHONPATH": str(site),
        "PIP_TARGET": str(site),
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads 0 as "no isolation": hatchling comes from this environment
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "NO_COLOR": "1",
        "COLUMNS": "120",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }


def run(block: Block, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = {"sh": ["bash", "-eo", "pipefail", "-c", block.code], "python": [sys.executable, "-c", block.code]}
    return subprocess.run(
        command[block.language], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_walk_through_works(page: Path, folder: Path, environment: dict[str, str]) -> None:
    for block in blocks(page):
        done = run(block, folder, environment)
        where = f"{page.name}:{block.line}\n{block.code}\n--- printed\n{done.stdout}\n--- stderr\n{done.stderr}"
        assert done.returncode == 0, where
        if block.expected is not None:
            assert agrees(block.expected, done.stdout), f"{where}\n--- expected\n{block.expected}"


def test_there_are_pages_with_outputs() -> None:
    assert len(PAGES) >= 2
    for page in PAGES:
        checked = [block for block in blocks(page) if block.expected is not None]
        assert len(checked) >= 5, page
        steps = re.findall(r"^## Step (\d+):", page.read_text("utf-8"), re.MULTILINE)
        assert steps == [str(i + 1) for i in range(len(steps))]
        assert len(steps) >= 5


def test_the_comparison_can_fail() -> None:
    assert agrees("a ... c\n", "a b  c\n")
    assert not agrees("a ... c\n", "a b d\n")
