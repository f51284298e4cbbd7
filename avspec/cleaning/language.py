"""The language of a text, where the text is long enough to tell."""

from __future__ import annotations

from functools import cache
from typing import Any

from avspec.cleaning.words import words

_LEAST_WORDS = 8
_SURE = 0.9


def other_language(text: str, wanted: str) -> str | None:
    """Return the language a text is in when it is surely not the wanted one, ISO 639-1; None otherwise.

    Short texts and texts of names and numbers are let pass: dropping a good row by mistake is worse.
    """
    if len(words(text)) < _LEAST_WORDS and text.isascii():
        return None
    language, probability = _identifier().classify(text)
    return str(language) if language != wanted and probability >= _SURE else None


@cache
def _identifier() -> Any:
    """Load the model once: it takes some tenths of a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
