"""Personas that others have collected: a draw from a data set of the hub, or from a file (paper, section 3.1)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from avspec.errors import DataError, NoInput, Problem

SOURCE = "persona-hub"
BUFFER = 50_000
"""Personas of a data set that a draw chooses among: PersonaHub has 200,000, and reading all of them takes a while."""
_COLUMNS = ("persona", "input persona")
_OFFLINE = "a file works without network, `personas: {hub: path:FILE}`, and so does `personas: {share: 0}`"


def draw_personas(hub: str, count: int, seed: int, file: Path | None = None) -> list[str]:
    """Return different personas, drawn with a seed; a larger draw begins with the smaller one.

    Args:
        hub: `hf:ID` or `path:FILE`, see `avspec.synthesis.recipe.Personas`.
        count: How many.
        seed: Seed of the draw.
        file: Where the file of `path:FILE` is.

    Raises:
        NoInput: The file or data set is not there, or not within reach.
        DataError: It has broken lines, or fewer different personas than wanted.
    """
    if not count:
        return []
    every: Iterable[str]
    if hub.startswith("path:"):
        every = _from_file(file or Path(hub.removeprefix("path:")), seed)
    else:
        every = _from_hub(hub.removeprefix("hf:"), seed)
    drawn = _different(every, count)
    if len(drawn) < count:
        what = f"{count} personas are wanted, and there are {len(drawn)} different ones"
        hint = "add personas, or lower `rows` or `personas.share`"
        raise DataError([Problem(what, str(file or hub), hint=hint)])
    return drawn


def _different(texts: Iterable[str], count: int) -> list[str]:
    seen: dict[str, None] = {}
    for text in texts:
        seen[text] = None
        if len(seen) == count:
            break
    return list(seen)


def _from_file(path: Path, seed: int) -> list[str]:
    personas = list(_lines(path))
    random.Random(seed).shuffle(personas)
    return personas


def _lines(path: Path) -> Iterator[str]:
    """Yield the persona of each line that is not empty."""
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        hint = "a relative path in a spec starts at the spec's own folder"
        raise NoInput(f"cannot read the personas: {error.strerror}", where=str(path), hint=hint) from error
    problems = []
    for number, line in enumerate(lines, start=1):
        try:
            if persona := _persona(line.decode().strip()):
                yield persona
        except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are such
            hint = 'a line is a text, or JSON: {"persona": "..."}'
            problems.append(Problem(f"not a persona: {error}", str(path), number, hint=hint))
    if problems:
        raise DataError(problems)


def _persona(line: str) -> str:
    if not line.startswith("{"):
        return " ".join(line.split())
    return _column(json.loads(line))


def _column(record: Mapping[str, Any]) -> str:
    for name in _COLUMNS:
        if isinstance(text := record.get(name), str) and text.strip():
            return " ".join(text.split())
    raise ValueError(f"no text under `persona`, only {', '.join(map(repr, record)) or 'nothing'}")


def _from_hub(name: str, seed: int) -> Iterator[str]:
    from datasets import get_dataset_config_names, load_dataset

    try:
        configs = get_dataset_config_names(name)
        config = "persona" if "persona" in configs else configs[0]
        rows = load_dataset(name, config, split="train", streaming=True)
        for row in rows.shuffle(seed=seed, buffer_size=BUFFER):
            yield _column(row)
    except Exception as error:  # of the network, of the hub's client, of the files: the reason is in its text
        reason = f"{type(error).__name__}: {error}"
        raise NoInput(f"cannot read the personas of the data set {name}: {reason}", hint=_OFFLINE) from error
