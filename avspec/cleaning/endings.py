"""Texts that are no answer: cut off before their end, or declined."""

from __future__ import annotations

import re
import unicodedata

# full stops, question and exclamation marks of many scripts; the Greek question mark looks like a semicolon
_STOP = re.compile(r"(?:[.!?…‼⁇⁈⁉。！？｡．؟۔।॥։።፧።།༎။។៕\u037e]|[\u0370-\u03ff\u1f00-\u1fff];)$")
# Thai and Lao have no full stop
_NO_STOP = re.compile(r"[\u0e00-\u0eff]$")
# brackets, quotation marks, emoji with their joiners
_BEHIND = ("Pe", "Pf", "Pi", "So", "Sk", "Cf", "Mn")

_UNABLE = r"(?:can't|cannot|can not|won't|(?:am|'m) (?:unable|not able) to|(?:must|have to|need to)(?: \w+ly)? decline)"
_DECLINED = re.compile(
    # a sentence that begins so, whatever it regrets first: being sorry alone is sympathy
    r"(?:^|[.!?]\s)\W*(?:[^.!?]{0,60}(?:sorry|afraid|apologi[sz]e|apologies|unfortunately)\b[^.!?]{0,40}?\b)?"
    r"i(?: \w+ly)? ?(?:"
    rf"{_UNABLE}(?: \w+ly)? (?:help(?! but\b)|assist|answer|comply|fulfill?|respond|do (?:that|this|so))\b"
    # giving no advice but going on after all is a caveat
    rf"|{_UNABLE}(?: \w+ly)? (?:provide|give|offer|discuss|advise|diagnose|write|create|generate)\b"
    r"(?![^.!?]*\b(?:but|however|yet)\b)"
    r"|(?:must|have to|need to)(?: \w+ly)? decline\b|(?:am|'m) not comfortable\b)"
    r"|\bas an? (?:ai|artificial intelligence|(?:large )?language model)(?: language model| model| assistant)?,? i\b",
    re.IGNORECASE,
)


def cut_off(text: str, stop: str) -> bool:
    """Say whether a text ended before its last sentence did.

    Args:
        text: The text.
        stop: Why the model ended, see `avspec.api.Answer`.
    """
    end = len(text)
    while end and (text[end - 1] in " \n\t\"'`*_~" or unicodedata.category(text[end - 1]) in _BEHIND):
        end -= 1
    last = text[max(0, end - 2) : end]
    return stop == "length" or not (_STOP.search(last) or _NO_STOP.search(last))


def declined(text: str, language: str) -> bool:
    """Say whether a text opens as assistants decline; only English phrases are known."""
    return language == "en" and _DECLINED.search(text[:200].replace("’", "'")) is not None
