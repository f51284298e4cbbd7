"""Medical advice: each query answered evasively, generically and as an expert would (paper, section 3)."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avspec.api import JsonlDomain


class Medical(JsonlDomain):
    """Queries about medical matters, answered at the paper's three levels."""

    version: ClassVar[str] = "1"
    levels: ClassVar[tuple[str, ...]] = ("avoidance", "generic", "expert")
    file: ClassVar[Path] = Path(__file__).parents[1] / "data" / "medical.jsonl"
    slots: ClassVar[Mapping[str, str]] = {
        "domain": "medical",
        "domain_expert": "physician or other qualified health professional",
        "solution_lingo": "diagnosis and treatment",
        "domain_lingo": "symptoms",
        "portal": "an online health service",
    }
