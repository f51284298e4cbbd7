"""API keys: read from the environment only, and kept out of every text that avspec writes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from avspec.errors import ProviderError

_PLACEHOLDER = "not-needed"
_REMOVED = "[removed]"
# the prefixes of several providers, also when a server masks the middle with asterisks; what follows "Bearer"; and
# whatever is too long to be a word, a model's name or a request's id
_LOOKS_LIKE_A_KEY = re.compile(
    r"\b(?:sk|pk|rk)[-_][\w*.-]{6,}|\b(?:gsk_|hf_|xai-|nvapi-|pplx-|AIza)[\w*-]{8,}|(?<=Bearer )\S+|\b[\w-]{48,}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Key:
    """An API key and the variable it came from; its value does not show in `repr`."""

    value: str = field(repr=False)
    variable: str
    given: bool = True
    """False for the placeholder that is sent to servers that need none."""

    def hide(self, text: str) -> str:
        """Return a text without this key and without anything that looks like a key."""
        return _LOOKS_LIKE_A_KEY.sub(_REMOVED, self.cut(text))

    def cut(self, text: str) -> str:
        """Return a text without this key, and otherwise as it is: for answers, which are data."""
        return text.replace(self.value, _REMOVED) if self.given else text


def environment_key(variable: str, *, needed: bool) -> Key:
    """Read a key from the environment.

    Args:
        variable: Name of the variable.
        needed: Whether there must be one; a server at an address of the user's own may need none.

    Raises:
        ProviderError: It is needed and not set, or it holds characters that no key has.
    """
    value = os.environ.get(variable, "").strip()
    if not value and needed:
        raise ProviderError(
            "there is no API key: the environment variable is not set",
            where=variable,
            hint=f"set it for this command, `{variable}=... avspec apply SPEC`, or export it in your shell",
        )
    if not value:
        return Key(_PLACEHOLDER, variable, given=False)
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ProviderError(
            "the API key has characters that no key has", where=variable, hint="copy the key into it again"
        )
    return Key(value, variable)
