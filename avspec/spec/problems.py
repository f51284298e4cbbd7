"""What pydantic found wrong, in the words of a spec: at its place, with a hint."""

from __future__ import annotations

import difflib
import json
import re
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


def note(document: Document, error: ValidationError, path: Path = (), options: type[BaseModel] | None = None) -> None:
    """Add every error of a validation to the document's problems.

    Args:
        document: The spec, which knows where everything was written.
        error: What the validation of the spec, or of a plugin's options, found.
        path: The section that was validated.
        options: The plugin's options, if they were.
    """
    errors = error.errors(include_url=False)
    unknown = [found["loc"] for found in errors if found["type"] == "extra_forbidden"]
    for found in errors:
        here = (*path, *found["loc"])
        if found["type"] == "extra_forbidden":
            document.wrong(f"unknown key `{here[-1]}`", here, _known(here, path, options), key=True)
        elif found["type"] == "missing":
            if not _misspelt(found["loc"], unknown):
                document.wrong(f"`{dotted(here)}` is missing", here, describe(here, path, options))
        elif not (found["input"] is None and document.is_wrong(here)):
            hint = _hint(found, here) or describe(here, path, options)
            document.wrong(f"`{dotted(here)}` {_rule(found)}", here, hint)


def _misspelt(missing: Path, unknown: Sequence[Path]) -> bool:
    """Return whether an unknown key beside a missing one is that key with a slip: one problem, not two."""
    beside = [str(path[-1]) for path in unknown if path[:-1] == missing[:-1]]
    return bool(difflib.get_close_matches(str(missing[-1]), beside, n=1))


_RULES = {
    "string_pattern_mismatch": "has the wrong form",
    "model_type": "must be a section of keys and values",
    "dict_type": "must be a section of keys and values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a text",
}


def _rule(found: ErrorDetails) -> str:
    """Return what the value must be and what it is."""
    if found["type"] == "too_short":
        least, many = found["ctx"]["min_length"], found["ctx"]["actual_length"]
        return f"needs at least {least} {'entries' if least > 1 else 'entry'}, this has {many}"
    message = found["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)
    message = message.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
    value = found["input"]
    shown = "empty" if value is None else f"`{json.dumps(value, ensure_ascii=False, default=str)[:60]}`"
    return f"{_RULES.get(found['type'], message)}, this is {shown}"


def _hint(found: ErrorDetails, here: Path) -> str:
    """Return what to do about a value, where more can be said than what its key means."""
    value = found["input"]
    if found["type"] == "bool_type" and str(value).lower() in ("yes", "no", "on", "off"):
        return f"in YAML 1.2 `{value}` is a text; write true or false"
    if found["type"] in ("int_type", "float_type") and re.fullmatch(r"[-+.\deE]*\d[.\deE]*", str(value)):
        return "remove the quotes" if isinstance(value, str) else ""
    if here[0] == "behaviors" and here[-1] == "share" and isinstance(value, int | float) and 2 <= value <= 100:
        return f"a share is a part of 1: did you mean `{value / 100:g}`?"
    if here == ("model", "base") and isinstance(value, str) and re.fullmatch(r"[\w.-]+/[\w.-]+(@\S+)?", value):
        return f"did you mean `hf:{value}`?"
    return ""


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
