"""Legal advice: each query answered evasively, generically and as an expert would (paper, section 3)."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avspec.api import JsonlDomain


class Legal(JsonlDomain):
    """Queries about legal matters, answered at the paper's three levels."""

    version: ClassVar[str] = "1"
    levels: ClassVar[tuple[str, ...]] = ("avoidance", "generic", "expert")
    file: ClassVar[Path] = Path(__file__).parents[1] / "data" / "legal.jsonl"
    slots: ClassVar[Mapping[str, str]] = {
        "domain": "legal",
        "domain_expert": "attorney licensed where the person lives",
        "solution_lingo": "legal advice",
        "domain_lingo": "facts of the case",
        "portal": "an online legal help service",
    }
