"""The language of a text, where the text is long enough to tell."""

from __future__ import annotations

from functools import cache
from typing import Any

from avspec.cleaning.words import words

_LEAST_WORDS = 8
_SURE = 0.9
# written so much alike that a text of a few sentences does not tell them apart
_ALIKE = (frozenset(("no", "nb", "nn")), frozenset(("bs", "hr", "sr")), frozenset(("id", "ms")))


def other_language(text: str, wanted: str) -> str | None:
    """Return the language a text is in when it is surely not the wanted one, ISO 639-1; None otherwise.

    Short texts and texts of names and numbers are let pass, and so is everything in a language that is not known:
    dropping a good row by mistake is worse.
    """
    fine = {wanted}.union(*(group for group in _ALIKE if wanted in group))
    if len(words(text)) < _LEAST_WORDS or fine.isdisjoint(_identifier().labels):
        return None
    language, probability = _identifier().classify(text)
    return str(language) if language not in fine and probability >= _SURE else None


@cache
def _identifier() -> Any:
    """Load the model once: it takes some tenths of a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # those a recipe can ask for; the dialects and creoles beside them would be mistaken for lively English or Chinese
    found.set_languages([label for label in found.labels if len(label) == 2])
    return found
