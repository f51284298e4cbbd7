"""Sections of a spec that say which rows there are: domains, guardrails, splits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from avspec.spec.plugin import PluginSection
from avspec.spec.section import Section
from avspec.spec.synthesis import SynthesisChoices


class DataSource(SynthesisChoices):
    """Where a domain's rows come from; the keys from `provider` on belong to `source: synthesize`."""

    source: Literal["bundled", "file", "synthesize"] = "bundled"
    """`bundled`: the rows that come with the plugin; `file`: a JSONL file; `synthesize`: a language model writes
    them."""
    path: str | None = None
    """The file, from the folder of the spec file that names it; an absolute path stays as it is."""


Levels = Annotated[tuple[str, ...], Field(min_length=2)]


class Domain(PluginSection):
    """A domain to steer: it gets an alignment vector and a coefficient."""

    levels: Levels | None = None
    """Least to most preferred; without it the spec's `levels`, then the plugin's own."""
    data: DataSource = DataSource()
    """Where the rows come from."""


class Guardrail(Domain):
    """A domain that is only watched: no alignment vector, no coefficient."""

    levels: Levels | None = None
    """Least to most preferred; without it the plugin's own."""
    max_drop: float | None = Field(default=None, gt=0, le=1)
    """How much the share of the highest level may fall below the base's before the report says so."""


class Split(Section):
    """Share of the rows in each split; together 1. A row's split depends on its id alone."""

    train: float = Field(default=0.7, gt=0, lt=1)
    """Rows that alignment vectors are trained on."""
    search: float = Field(default=0.15, gt=0, lt=1)
    """Rows that coefficients are searched on."""
    test: float = Field(default=0.15, gt=0, lt=1)
    """Rows that the reported numbers are measured on."""


class SplitRows(Section):
    """Only the first rows of a split; one that is not named keeps all of its rows."""

    train: int | None = Field(default=None, ge=1)
    """Rows that alignment vectors are trained on."""
    search: int | None = Field(default=None, ge=1)
    """Rows that coefficients are searched on."""
    test: int | None = Field(default=None, ge=1)
    """Rows that the reported numbers are measured on."""


class Data(Section):
    """Which rows are used, and for what."""

    split: Split = Split()
    """Shares of the three splits."""
    rows: Annotated[int, Field(ge=1)] | SplitRows | None = None
    """Only the first rows of each domain and guardrail, in file order: in all, or of each split."""

    @property
    def limit(self) -> int | dict[str, int] | None:
        """Return `rows` in the form `avspec.rows.limited` takes."""
        return self.rows.model_dump(exclude_none=True) if isinstance(self.rows, SplitRows) else self.rows
