"""A domain of your own, described in the spec: a language model writes its rows, or a file has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from avspec.api import Options, Row
from avspec.errors import NoInput


class CustomOptions(Options):
    """What the prompts say about the domain."""

    domain: str = Field(min_length=1)
    """What its questions are called, a word or two that stand before `questions`: `cooking`, `tax`, `car repair`."""
    expert: str = ""
    """Whom people with such questions should ask, without article: `trained chef`; by default `DOMAIN expert`."""
    solution: str = "advice"
    """What an expert arrives at: `diagnosis and treatment`."""
    problem: str = "circumstances"
    """What an expert looks at, in the plural: `symptoms`."""
    portal: str = ""
    """Where people ask, with article; by default `an online service for DOMAIN questions`."""
    instructions: Mapping[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """How to write a level, level to Jinja template. Avoidance, generic, expert, helpful, unhelpful and safe have one
    already, which this replaces; any other level needs one. `{{ query }}` and the length follow by themselves."""


class Custom:
    """A domain without rows of its own; its levels are those of the spec."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = CustomOptions
    levels: ClassVar[tuple[str, ...]] = ("avoidance", "generic", "expert")

    def __init__(self, options: CustomOptions) -> None:
        self.options = options

    @property
    def slots(self) -> Mapping[str, str]:
        """Return what the prompts say about the domain."""
        options = self.options
        return {
            "domain": options.domain,
            "domain_expert": options.expert or f"{options.domain} expert",
            "solution_lingo": options.solution,
            "domain_lingo": options.problem,
            "portal": options.portal or f"an online service for {options.domain} questions",
        }

    @property
    def instructions(self) -> Mapping[str, str]:
        """Return the instructions of the levels that the spec describes itself."""
        return self.options.instructions

    def files(self) -> Sequence[Path]:
        """Return no file."""
        return ()

    def rows(self) -> Iterable[Row]:
        """Refuse: there are none.

        Raises:
            NoInput: Always.
        """
        raise NoInput(
            "the domain plugin 'custom' has no rows of its own",
            hint="write `data: {source: synthesize, provider: ...}` or `data: {source: file, path: ...}`",
        )
