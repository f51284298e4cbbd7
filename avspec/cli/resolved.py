"""A whole spec as text: YAML, with where each value was written as a comment."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Value = dict[str, Any] | list[Any]


def resolved_text(spec: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """Return a spec as YAML that `avspec apply` reads again.

    Args:
        spec: The resolved spec, JSON data.
        origins: Dotted path to where the value was written; a path that is not there gets no comment.
    """
    rows = list(_rows(dict(spec), "", 0))
    width = min(60, max(len(text) for text, path in rows if path in origins)) if origins else 0
    lines = [f"{text:<{width}}  # {origins[path]}" if path in origins else text for text, path in rows]
    return "\n".join(lines) + "\n"


def _rows(value: Value, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield each line with the dotted path of the value on it."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in items:
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, list):
            yield from _item(child, here, depth)
        elif _nested(child):
            yield f"{'  ' * depth}{key}:", here
            yield from _rows(child, here, depth + 1)
        else:
            # JSON is YAML
            yield f"{'  ' * depth}{key}: {json.dumps(child, ensure_ascii=False)}", here


def _item(child: dict[str, Any], path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of a list's item, a dash before the first."""
    (first, where), *rest = _rows(child, path, depth + 1)
    yield "  " * depth + "- " + first.lstrip(), where
    yield from rest


def _nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, dict) for item in value)
    return isinstance(value, dict) and bool(value)
