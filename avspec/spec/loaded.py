"""A spec file, loaded and checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from avspec.errors import Problem, SpecError
from avspec.spec.check import check
from avspec.spec.layers import read_layers, with_variant
from avspec.spec.model import Spec
from avspec.spec.problems import dotted
from avspec.spec.source import Document, Path


@dataclass(frozen=True)
class LoadedSpec:
    """A checked spec, the file it came from, and where each of its values was written."""

    spec: Spec
    path: FilePath
    origins: dict[str, str]
    """`training.beta` to `specs/x.yaml:12`, `--set` or `default`."""
    variants: dict[str, LoadedSpec] = field(default_factory=dict)
    """The spec with each of its variants laid over it."""

    @property
    def folder(self) -> FilePath:
        """Return the folder where the spec's relative paths start."""
        return self.path.parent

    def resolved(self) -> dict[str, Any]:
        """Return the whole spec as JSON data, with every default of spec and plugins filled in."""
        return self.spec.model_dump(mode="json")


def load_spec(path: FilePath, sets: Sequence[str] = ()) -> LoadedSpec:
    """Read a spec with everything it extends, lay `--set` values over it and check all of it.

    Args:
        path: The YAML file.
        sets: Values such as `training.beta=0.1`, the last one wins.

    Raises:
        NoInput: There is no such file.
        SpecError: Every problem of the spec, with file, line and column.
        UsageError: A `--set` is not KEY=VALUE.
    """
    path = FilePath(path)
    document = read_layers(path, sets)
    spec = check(document, path.parent)
    return LoadedSpec(spec, path, _origins(document, spec), _variants(document, spec, path))


def _variants(document: Document, spec: Spec, path: FilePath) -> dict[str, LoadedSpec]:
    """Return the spec with each variant laid over it; the problems of all of them come in one go."""
    found: dict[str, LoadedSpec] = {}
    problems: list[Problem] = []
    for name in spec.variants:
        laid = with_variant(document, name)
        try:
            checked = check(laid, path.parent)
        except SpecError as error:
            problems += error.problems
        else:
            found[name] = LoadedSpec(checked, path, _origins(laid, checked))
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    return found


def _origins(document: Document, spec: Spec) -> dict[str, str]:
    return {dotted(leaf): _origin(document, leaf) for leaf in _leaves(spec.model_dump(mode="json"), ())}


def _origin(document: Document, leaf: Path) -> str:
    place = document.values.get(leaf)
    if place is None and leaf[0] == "domains" and leaf[2:] == ("levels",):
        place = document.values.get(("levels",))
    if place is None:
        return "default"
    return f"{place.file}:{place.line}" if place.line else "--set"


def _leaves(value: Any, path: Path) -> Iterator[Path]:
    """Yield the paths of single values, and of lists that hold nothing else."""
    nested = isinstance(value, dict) or (isinstance(value, list) and any(isinstance(i, dict) for i in value))
    if not nested or not value:
        yield path
        return
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(child, (*path, key))
