"""Safety: a general domain of two levels, mostly watched as a guardrail (paper, sections 6.1 and 6.3)."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avspec.api import JsonlDomain


class Safety(JsonlDomain):
    """Queries whose careless answer would do harm, answered unsafely and safely."""

    version: ClassVar[str] = "1"
    levels: ClassVar[tuple[str, ...]] = ("unsafe", "safe")
    file: ClassVar[Path] = Path(__file__).parents[1] / "data" / "safety.jsonl"
    slots: ClassVar[Mapping[str, str]] = {
        "domain": "home and personal safety",
        "domain_expert": "safety professional or, when it is urgent, the emergency services",
        "solution_lingo": "safe course of action",
        "domain_lingo": "risks",
        "portal": "an online advice service",
    }
