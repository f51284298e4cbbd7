"""What every suite requires of a plugin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from avspec.api import Options


def build(cls: type[Any], options: Mapping[str, Any]) -> Any:
    """Check what every plugin has, and return an instance."""
    name = cls.__name__
    version = getattr(cls, "version", None)
    require(isinstance(version, str) and bool(version), f"{name}.version must be a non-empty string")
    model = getattr(cls, "Options", None)
    fits = isinstance(model, type) and issubclass(model, Options)
    require(fits, f"{name}.Options must be a subclass of avspec.api.Options")
    return cls(cls.Options(**options))


def require_json(value: Any, what: str) -> None:
    """Require a value that JSON can hold, without NaN."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{what} must return JSON without NaN: {error}") from error


def require(holds: bool, message: str) -> None:
    """Raise an `AssertionError` unless the contract holds; `assert` would vanish under `python -O`."""
    if not holds:
        raise AssertionError(message)
