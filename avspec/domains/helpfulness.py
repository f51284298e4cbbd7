"""Helpfulness: a general domain of two levels, mostly watched as a guardrail (paper, section 6.1)."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avspec.api import JsonlDomain


class Helpfulness(JsonlDomain):
    """Everyday queries, answered so that they help and so that they do not."""

    version: ClassVar[str] = "1"
    levels: ClassVar[tuple[str, ...]] = ("unhelpful", "helpful")
    file: ClassVar[Path] = Path(__file__).parents[1] / "data" / "helpfulness.jsonl"
    slots: ClassVar[Mapping[str, str]] = {
        "domain": "everyday",
        "domain_expert": "person with practical experience of the subject",
        "solution_lingo": "practical advice",
        "domain_lingo": "particulars",
        "portal": "an online advice service",
    }
