"""A spec out of its layers: the files it extends, the file itself, and `--set` on top."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from avspec.errors import NoInput, SpecError, UsageError
from avspec.spec.model import group_of
from avspec.spec.source import Document, Path, Place, parse, parse_value, problem


def read_layers(path: FilePath, sets: Sequence[str] = ()) -> Document:
    """Read a spec with everything it extends, and lay the `--set` values over it.

    Mappings are merged key by key; lists and single values replace what was there; a section that names
    another plugin replaces the whole section, because options belong to their plugin; `null` removes what was
    inherited.

    Raises:
        NoInput: There is no such file.
        SpecError: A file is no YAML, or the chain has a missing file or a circle.
        UsageError: A `--set` is not KEY=VALUE or points into a single value.
    """
    try:
        text = _read(path)
    except OSError as error:
        hint = "`avspec init` writes a first spec"
        raise NoInput(f"cannot read the spec: {error.strerror}", where=str(path), hint=hint) from error
    document = _extended(path, text, ())
    for item in sets:
        _set(document, item)
    return document


def with_variant(document: Document, name: str) -> Document:
    """Return a checked document with one of its variants laid over it, as if a spec extended it with these sections.

    Args:
        document: The document of the spec.
        name: One of its `variants`.
    """
    root: Path = ("variants", name)
    over = Document(document.top, copy.deepcopy(document.data["variants"][name]))
    over.keys = {path[2:]: place for path, place in document.keys.items() if path[:2] == root and path != root}
    over.values = {path[2:]: place for path, place in document.values.items() if path[:2] == root and path != root}
    _spell_out(over)
    base = Document(document.top, copy.deepcopy(document.data), dict(document.keys), dict(document.values))
    del base.data["variants"]
    _forget(base, ("variants",))
    _lay(base, base.data, over, over.data, ())
    return base


def _read(path: FilePath) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        place = Place(str(path), raw.count(b"\n", 0, error.start) + 1)
        raise SpecError([problem("not UTF-8", place, "save the file as UTF-8")]) from error


def _extended(path: FilePath, text: str, above: tuple[FilePath, ...]) -> Document:
    """Return a file's document laid over what it extends; `above` are the files that led here."""
    document = parse(text, str(path))
    _spell_out(document)
    if "extends" not in document.data:
        return document
    place, reference = document.values[("extends",)], document.data.pop("extends")
    if not isinstance(reference, str):
        document.problems.append(problem("`extends` must be a path", place))
        return document
    base = _base(FilePath(os.path.normpath(path.parent / reference)), place, (*above, path))
    base.problems.extend(document.problems)
    base.top = document.top
    _lay(base, base.data, document, document.data, ())
    return base


def _base(path: FilePath, place: Place, above: tuple[FilePath, ...]) -> Document:
    if any(path.resolve() == file.resolve() for file in above):
        circle = " -> ".join(str(file) for file in (*above, path))
        raise SpecError([problem(f"`extends` goes in a circle: {circle}", place, "let one of them end it")])
    try:
        text = _read(path)
    except OSError as error:
        hint = "the path starts at the folder of the file that says `extends`"
        raise SpecError([problem(f"cannot read {path}: {error.strerror}", place, hint)]) from error
    return _extended(path, text, above)


def _spell_out(document: Document) -> None:
    """Turn plugin sections written as a bare name into `{plugin: name}`, so that layers can be merged."""
    for path, value in _walk(document.data, ()):
        if isinstance(value, str) and group_of(path):
            _parent(document.data, path)[path[-1]] = {"plugin": value}
            document.values[(*path, "plugin")] = document.values[path]
            document.keys[(*path, "plugin")] = document.values[path]


def _walk(value: Any, path: Path) -> list[tuple[Path, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(path, value), *(found for key, child in items for found in _walk(child, (*path, key)))]


def _parent(data: Any, path: Path) -> Any:
    for part in path[:-1]:
        data = data[part]
    return data


def _lay(base: Document, into: Any, over: Document, data: dict[str, Any], path: Path) -> None:
    """Lay one mapping over another, and the places with it."""
    for key, value in data.items():
        here = (*path, key)
        below = into.get(key)
        if value is None and key in into:
            del into[key]
            _forget(base, here)
        elif isinstance(below, dict) and isinstance(value, dict) and not _other_plugin(below, value):
            base.keys[here], base.values[here] = over.keys[here], over.values[here]
            _lay(base, below, over, value, here)
        else:
            _forget(base, here)
            into[key] = value
            _remember(base, over, here)


def _other_plugin(below: dict[str, Any], value: dict[str, Any]) -> bool:
    return "plugin" in below and "plugin" in value and below["plugin"] != value["plugin"]


def _forget(document: Document, path: Path) -> None:
    for places in (document.keys, document.values):
        for known in [known for known in places if known[: len(path)] == path]:
            del places[known]


def _remember(base: Document, over: Document, path: Path) -> None:
    for mine, others in ((base.keys, over.keys), (base.values, over.values)):
        mine.update({known: place for known, place in others.items() if known[: len(path)] == path})


def _set(document: Document, item: str) -> None:
    """Put one `--set a.b=value` in its place; a number in the path is the index in a list, `null` removes."""
    name, equals, text = item.partition("=")
    parts = name.strip().split(".")
    if not equals or not all(parts):
        raise UsageError(f"--set {item}: must be KEY=VALUE", hint="for example --set training.beta=0.1")
    try:
        value = parse_value(text, f"--set {item}")
    except SpecError as error:
        raise UsageError(f"--set {item}: {error.problems[0].what}", hint="the value is YAML") from error
    document.problems.extend(value.problems)
    into: Any = document.data
    path: Path = ()
    for part in parts[:-1]:
        key = _key(into, part, item)
        into, path = into.setdefault(key, {}) if isinstance(into, dict) else into[key], (*path, key)
    key = _key(into, parts[-1], item)
    path = (*path, key)
    _forget(document, path)
    if value.data[""] is None and isinstance(into, dict):
        into.pop(key, None)
        return
    into[key] = value.data[""]
    document.keys[path] = value.values[("",)]
    document.keys.update({(*path, *known[1:]): place for known, place in value.keys.items()})
    document.values.update({(*path, *known[1:]): place for known, place in value.values.items()})
    _spell_out(document)


def _key(into: Any, part: str, item: str) -> str | int:
    """Return the part as a key of a mapping or an index of a list."""
    if isinstance(into, dict):
        return part
    if isinstance(into, list) and part.isdigit() and int(part) < len(into):
        return int(part)
    what = f"a list of {len(into)}" if isinstance(into, list) else f"the single value {into!r}"
    raise UsageError(f"--set {item}: `{part}` cannot be found in {what}")
