"""Proposing coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from avspec.api.options import Options

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class SearchSpace:
    """What a sampler needs to know to propose coefficients."""

    domains: tuple[str, ...]
    """The knobs, each a coefficient: domains, or with blocks of layers `medical/1`, `medical/2`, ..."""
    low: float
    high: float
    seed: int
    evaluations: int
    """How many evaluations the study may make in all, the sweep's included."""
    behaviors: tuple[str, ...]
    """Names of the behaviors, in the order of the study's objectives."""


class Sampler(Protocol):
    """Proposes coefficient vectors."""

    version: ClassVar[str]
    Options: ClassVar[type[Options]]

    def create(self, space: SearchSpace) -> optuna.samplers.BaseSampler:
        """Return the Optuna sampler; trials have one float parameter per domain, named after it.

        It may have two more methods: `finished(study)` returns why there is nothing left to propose, or None, and
        `prune(study, trial, log_probs)` an `avspec.search.blocks.Pruned` to stop an evaluation of which nothing
        will come after a part of its rows, or None.
        """
        ...
