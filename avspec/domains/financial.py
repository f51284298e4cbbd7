"""Financial advice: each query answered evasively, generically and as an expert would (paper, section 3)."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avspec.api import JsonlDomain


class Financial(JsonlDomain):
    """Queries about financial matters, answered at the paper's three levels."""

    version: ClassVar[str] = "1"
    levels: ClassVar[tuple[str, ...]] = ("avoidance", "generic", "expert")
    file: ClassVar[Path] = Path(__file__).parents[1] / "data" / "financial.jsonl"
    slots: ClassVar[Mapping[str, str]] = {
        "domain": "financial",
        "domain_expert": "certified financial planner or adviser",
        "solution_lingo": "financial planning",
        "domain_lingo": "financial circumstances",
        "portal": "an online personal finance service",
    }
