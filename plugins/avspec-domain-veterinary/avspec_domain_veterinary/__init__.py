"""Veterinary questions as an avspec domain: each answered evasively, generically and as a vet would."""

from pathlib import Path
from typing import ClassVar

from avspec.api import JsonlDomain


class Veterinary(JsonlDomain):
    """Questions of pet and farm animal owners, answered at three levels."""

    version: ClassVar[str] = "1"
    levels: ClassVar[tuple[str, ...]] = ("avoidance", "generic", "expert")
    file: ClassVar[Path] = Path(__file__).with_name("veterinary.jsonl")
