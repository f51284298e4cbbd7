"""YAML text to data that knows where it was written; the only reader of YAML.

Scalars are those of the YAML 1.2 core schema: `1e-5` is a number, `no` a text, `0o17` fifteen. A key written
twice is a problem, and so is a number that is not finite.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from avspec.errors import Problem, SpecError

Path = tuple[str | int, ...]
"""Where a value is in a spec: `("training", "beta")`."""

_TAG = "tag:yaml.org,2002:"
_MOST_VALUES = 100_000  # a spec has hundreds; aliases of aliases can make billions of a few lines


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written; line and column count from 1, 0 means it is in no file (`--set`)."""

    file: str
    line: int = 0
    column: int = 0
    text: str = ""
    """The whole line."""


@dataclass
class Document:
    """Plain data with the place of every key and value, and what is wrong with it so far."""

    top: Place
    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def is_wrong(self, path: Path) -> bool:
        """Return whether a problem of the value at a path is known already."""
        place = self.values.get(path)
        return place is not None and any(
            (known.file, known.line, known.column) == (place.file, place.line, place.column) for known in self.problems
        )

    def wrong(self, what: str, path: Path, hint: str = "", *, key: bool = False) -> None:
        """Note a problem at a value, at its key, or at the nearest section around it that was written."""
        place = (self.keys if key else self.values).get(path)
        while place is None and path:
            path = path[:-1]
            place = self.keys.get(path) or self.values.get(path)
        self.problems.append(problem(what, place or self.top, hint))


def problem(what: str, place: Place, hint: str = "") -> Problem:
    """Return a problem with something at a place."""
    return Problem(what, place.file, place.line, place.column, place.text, hint)


def parse(text: str, file: str) -> Document:
    """Read a document that must be a mapping.

    Raises:
        SpecError: It is no YAML, or no mapping. Smaller problems are in the document.
    """
    builder = _Builder(file, text.removeprefix("\ufeff").splitlines())
    node = builder.compose(text)
    if not isinstance(node, yaml.MappingNode):
        what = "the spec is empty" if node is None else "a spec is a mapping of keys to values"
        raise SpecError([problem(what, builder.place(node), "`avspec init` writes one to start from")])
    builder.document.data = builder.value(node, ())
    return builder.document


def parse_value(text: str, origin: str) -> Document:
    """Read any one value, as `--set` gives it; it is under the key "" of the document.

    Raises:
        SpecError: It is no YAML.
    """
    builder = _Builder(origin, [])
    node = builder.compose(text)
    builder.document.data = {"": builder.value(node, ("",)) if node is not None else None}
    return builder.document


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with the scalars of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(f"{_TAG}null", re.compile(r"^(?:~|null|Null|NULL|)$"), None)
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), None)
_Loader.add_implicit_resolver(f"{_TAG}int", re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), None)
_Loader.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    None,
)


@dataclass
class _Builder:
    """Turns one file's nodes into data and notes the places."""

    file: str
    lines: list[str]
    count: int = 0
    open: set[int] = field(default_factory=set)
    """Ids of the nodes around the current one, to find an alias inside itself."""

    def __post_init__(self) -> None:
        self.document = Document(self.at(0, 0) if self.lines else Place(self.file))

    def at(self, line: int, column: int) -> Place:
        """Return the place of a position that counts from 0."""
        if not self.lines:  # --set
            return Place(self.file)
        # a mark at the end of the file is after the last line
        line = min(line, len(self.lines) - 1)
        return Place(self.file, line + 1, column + 1, self.lines[line].replace("\t", " "))

    def place(self, node: yaml.Node | None) -> Place:
        """Return where a node starts."""
        return self.at(node.start_mark.line, node.start_mark.column) if node else Place(self.file)

    def compose(self, text: str) -> yaml.Node | None:
        """Return the root node."""
        try:
            node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            if "end of stream" in str(error.problem):  # the end says less than where it began
                mark = error.context_mark or mark
            place = self.at(mark.line, mark.column) if mark else Place(self.file)
            raise SpecError([problem(f"not YAML: {error.problem}", place, _hint(error))]) from error
        except yaml.reader.ReaderError as error:
            before = text[: error.position].split("\n")
            place = self.at(len(before) - 1, len(before[-1]))
            raise SpecError([problem("not YAML: a control character", place, "remove it")]) from error
        return node

    def value(self, node: yaml.Node, path: Path) -> Any:
        """Return a node's data after noting its place."""
        self.document.values[path] = self.place(node)
        self.count += 1
        if id(node) in self.open or self.count > _MOST_VALUES:
            what = "an alias inside itself" if id(node) in self.open else f"more than {_MOST_VALUES} values"
            raise SpecError([problem(what, self.place(node), "write the values out")])
        self.open.add(id(node))
        try:
            return self._value(node, path)
        finally:
            self.open.discard(id(node))

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in (f"{_TAG}map", f"{_TAG}seq"):
            self.document.wrong(f"the tag `{node.tag}` is not supported", path, "write the plain value")
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = self.place(key_node)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != f"{_TAG}str":
                self.document.problems.append(problem("a key must be a text", place, "put it in quotes"))
                continue
            key = key_node.value
            if key in data:
                first = self.document.keys[(*path, key)].line
                hint = f"the first is on line {first}; keep one of them"
                self.document.problems.append(problem(f"`{key}` is written twice", place, hint))
                continue
            self.document.keys[(*path, key)] = place
            data[key] = self.value(value_node, (*path, key))
        return data

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        kind, text = node.tag.removeprefix(_TAG), node.value
        try:
            return _scalar(kind, text)
        except ValueError:
            self.document.wrong(f"`{text}` is no finite number", path)
        except KeyError:
            self.document.wrong(f"the tag `{node.tag}` is not supported", path, "write the plain value")
        return None


def _scalar(kind: str, text: str) -> Any:
    """Return a scalar's value by its tag's last word.

    Raises:
        ValueError: The text is no value of that kind, or no finite number.
        KeyError: The kind is unknown.
    """
    if kind == "float":
        number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not abs(number) < float("inf"):
            raise ValueError(text)
        return number
    if kind == "int":
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return {"str": text, "null": None, "bool": text.lower() == "true"}[kind]


_HINTS = (
    (r"'\\t'", "indent with spaces; YAML allows no tabs"),
    (r"mapping values", "a text with `: ` in it needs quotes; or the line above lacks something"),
    (r"expected ',' or", "a `{` or `[` before this is not closed, or a comma is missing"),
    (r"expected ':'", "a key needs a colon and a space after it"),
    (r"block end|<block mapping start>", "the indentation does not match the lines above"),
    (r"quoted scalar|end of stream", "what begins here is not closed"),
    (r"cannot start any token", "put the text in quotes"),
    (r"undefined alias", "an alias `*name` needs an anchor `&name` before it"),
    (r"single document", "a spec is one document; remove the `---`"),
)


def _hint(error: yaml.MarkedYAMLError) -> str:
    said = f"{error.problem} {error.context}"
    return next((hint for pattern, hint in _HINTS if re.search(pattern, said)), "")
