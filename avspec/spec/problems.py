"""What pydantic found wrong, in the words of a spec: at its place, with a hint."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from avspec.spec.model import Spec
from avspec.spec.source import Document, Path


def dotted(path: Path) -> str:
    """Return a path as `--set` writes it."""
    return ".".join(str(part) for part in path)


def guess(word: str, known: Sequence[str], otherwise: str) -> str:
    """Return "did you mean" the closest known word, or the other words with all known ones."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"{otherwise} {', '.join(known)}"


def note(
    document: Document, error: ValidationError, path: Path = (), options: type[BaseModel] | None = None
) -> None:
    """Add every error of a validation to the document's problems.

    Args:
        document: The spec, which knows where everything was written.
        error: What the validation of the spec, or of a plugin's options, found.
        path: The section that was validated.
        options: The plugin's options, if they were.
    """
    for found in error.errors(include_url=False):
        here = (*path, *found["loc"])
        if found["type"] == "extra_forbidden":
            document.wrong(f"unknown key `{here[-1]}`", here, _known(here, path, options), key=True)
        elif found["type"] == "missing":
            hint = f"it is {describe(here, path, options)}"
            document.wrong(f"`{dotted(here)}` is missing", here, hint.rstrip(". "))
        else:
            hint = describe(here, path, options) if found["type"] != "model_type" else "write {key: value}"
            document.wrong(f"`{dotted(here)}` {_rule(found)}", here, hint)


def _rule(found: ErrorDetails) -> str:
    """Return what the value must be and what it is."""
    value = found["input"]
    shown = "empty" if value is None else f"`{json.dumps(value, ensure_ascii=False, default=str)[:60]}`"
    message = found["msg"].removeprefix("Value error, ")
    words = {
        "string_pattern_mismatch": "has the wrong form",
        "model_type": "must be a section of keys and values",
        "dict_type": "must be a section of keys and values",
        "tuple_type": "must be a list",
        "list_type": "must be a list",
        "bool_type": "must be true or false",
        "int_type": "must be a whole number",
        "float_type": "must be a number",
        "string_type": "must be a text",
        "too_short": "needs more entries",
    }
    rule = words.get(found["type"]) or message.replace("Input should", "must", 1)
    if found["type"] == "too_short":
        least, many = found["ctx"]["min_length"], found["ctx"]["actual_length"]
        return f"needs at least {least} {'entries' if least > 1 else 'entry'}, this has {many}"
    return f"{rule}, this is {shown}"


def describe(here: Path, path: Path, options: type[BaseModel] | None) -> str:
    """Return what the docstring of a field says about it."""
    model = options if options and len(here) == len(path) + 1 else model_at(here[:-1])
    field = model.model_fields.get(str(here[-1])) if model else None
    return " ".join((field.description or "").split()) if field else ""


def _known(here: Path, path: Path, options: type[BaseModel] | None) -> str:
    """Return the hint for an unknown key: a close one, the section it belongs to, or all of them."""
    word = str(here[-1])
    if word == "<<":
        return "YAML 1.2 has no merge keys; use `extends:`"
    section = model_at(here[:-1])
    fields: Mapping[str, Any] = section.model_fields if section else {}
    known = [*fields, *(options.model_fields if options and here[:-1] == path else ())]
    if not difflib.get_close_matches(word, known, n=1):
        for name in Spec.model_fields:
            other = model_at((name,))
            if other and word in other.model_fields and (name,) != here[:-1]:
                return f"it belongs under `{name}`"
    return guess(word, known, "known:")


def model_at(path: Path) -> type[BaseModel] | None:
    """Return the model of the section at a path, or None where there is none."""
    annotation: Any = Spec
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(part))
            annotation = _plain(field.annotation) if field else None
        else:
            arguments = typing.get_args(annotation)
            annotation = _plain(arguments[1 if len(arguments) > 1 and arguments[1] is not ... else 0])
            # dict[str, X] and tuple[X, ...]
        if annotation is None or isinstance(annotation, str):
            return None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _plain(annotation: Any) -> Any:
    """Return an annotation without `| None`."""
    if annotation is None:
        return None
    arguments = typing.get_args(annotation)
    if type(None) in arguments:
        return next(argument for argument in arguments if argument is not type(None))
    return annotation
