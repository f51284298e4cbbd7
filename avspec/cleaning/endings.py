"""Texts that are no answer: cut off before their end, or declined."""

from __future__ import annotations

import re

# full stops of many scripts, and what may stand behind one: quotation marks, brackets
_END = re.compile(r"[.!?…。！？।؟۔][\"'”’“»«」』)\]*_]*$")
_DECLINED = re.compile(
    r"^\W*(i'?m|i am|we'?re|we are)\s+(very |so |really )?(sorry|afraid|unable|not able)\b"
    r"|^\W*(sorry|apologies)\b[,.!]? (but )?i (can'?t|cannot|won'?t|am unable)"
    r"|^\W*i (can'?t|cannot|won'?t|must decline|have to decline)\b"
    r"|\bas an? (ai|artificial intelligence|language model)\b"
    r"|^\W*(unfortunately,? )?i (can'?t|cannot|won'?t) (help|assist|answer|provide|do|comply|fulfil|write|create)",
    re.IGNORECASE,
)


def cut_off(text: str, stop: str) -> bool:
    """Say whether a text ended before its last sentence did.

    Args:
        text: The text.
        stop: Why the model ended, see `avspec.api.Answer`.
    """
    return stop == "length" or _END.search(text.rstrip()) is None


def declined(text: str, language: str) -> bool:
    """Say whether a text opens as assistants decline; only English phrases are known."""
    return language == "en" and _DECLINED.search(text[:200].replace("’", "'")) is not None
