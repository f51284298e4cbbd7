"""What decides the results of stages of rows: written by a language model or read, split, described."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from avspec.plan.params import Params
from avspec.synthesis.recipe import Recipe
from avspec.synthesis.writing import Job


class SynthesizeParams(Params):
    """Rows of one domain, written by a language model (paper, section 3)."""

    KIND: ClassVar[str] = "synthesize"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "provider": "{section}.{domain}.data.provider",
        "provider_options": "{section}.{domain}.data.provider",
        "recipe": "{section}.{domain}.data",
        "slots": "{section}.{domain}",
        "levels": "{section}.{domain}.levels",
    }
    domain: str
    levels: tuple[str, ...]
    provider: str
    """Name of the provider plugin."""
    provider_options: dict[str, Any]
    """Its options, defaults filled in."""
    delivery: tuple[str, ...] = ()
    """Those of the options that do not change what is answered; they and this are not part of the key."""
    recipe: dict[str, Any]
    """Fields of `avspec.synthesis.recipe.Recipe` but for `clean`."""
    slots: dict[str, str]
    """What the prompts say about the domain."""
    templates: dict[str, str]
    """Prompt templates by file name: what was asked is part of what was answered."""
    files: dict[str, str] = Field(default={})
    """Name to SHA-256 of the file that personas are drawn from, if it is one on this disk."""
    path: str | None = None
    """That file, absolute; not part of the key."""
    guardrail: bool = False

    def identity(self) -> dict[str, Any]:
        """Return all but where files lie and how calls are made."""
        part = self.model_dump(mode="json", exclude={"path", "files", "delivery", "provider_options"})
        options = {name: value for name, value in self.provider_options.items() if name not in self.delivery}
        return {**part, "provider_options": options, "files": list(self.files.values())}

    def job(self) -> Job:
        """Return what is to be written."""
        return Job(
            domain=self.domain,
            levels=self.levels,
            recipe=Recipe.model_validate(self.recipe),
            slots=self.slots,
            templates=self.templates,
            personas=Path(self.path) if self.path else None,
        )


class CleanParams(Params):
    """Written rows without those that are unusable."""

    KIND: ClassVar[str] = "clean"
    VERSION: ClassVar[int] = 2
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "rules": "{section}.{domain}.data.clean",
        "language": "{section}.{domain}.data.language",
        "levels": "{section}.{domain}.levels",
    }
    domain: str
    levels: tuple[str, ...]
    rules: dict[str, Any]
    """Fields of `avspec.synthesis.recipe.Cleaning`."""
    language: str
    guardrail: bool = False


class CardParams(Params):
    """The data card of one domain or guardrail; only the report reads it."""

    KIND: ClassVar[str] = "card"
    VERSION: ClassVar[int] = 2
    SPEC_PATHS: ClassVar[dict[str, str]] = {"levels": "{section}.{domain}.levels"}
    domain: str
    levels: tuple[str, ...]
    guardrail: bool = False


class DataParams(Params):
    """The rows of one domain or guardrail, split."""

    KIND: ClassVar[str] = "data"
    VERSION: ClassVar[int] = 1
    SPEC_PATHS: ClassVar[dict[str, str]] = {
        "options": "{section}.{domain}",
        "plugin": "{section}.{domain}.plugin",
        "levels": "{section}.{domain}.levels",
        "source": "{section}.{domain}.data.source",
        "split": "data.split",
        "rows": "data.rows",
    }
    domain: str
    plugin: str
    options: dict[str, Any] = Field(default={})
    """Options of the domain plugin."""
    levels: tuple[str, ...]
    split: dict[str, float]
    """Shares of train, search and test; they add up to 1."""
    rows: int | dict[str, int] | None
    """Only this many rows, from the top, in all or of each split; null is all."""
    source: str
    """bundled, file or synthesize."""
    files: dict[str, str]
    """Name to SHA-256 of each file the rows come from, in reading order; none for rows that were synthesized."""
    path: str | None = None
    """The file of `source: file`, absolute; not part of the key."""
    guardrail: bool = False

    def identity(self) -> dict[str, Any]:
        """Return all but where the files lie and what they are called."""
        part = self.model_dump(mode="json", exclude={"path", "files"})
        return {**part, "files": list(self.files.values())}
