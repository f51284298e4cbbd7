"""The response surface of all log-probs: every behavior from a few dozen evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from avspec import api

if TYPE_CHECKING:
    import optuna


class ResponseSurfaceOptions(api.Options):
    """Options of `response-surface`."""

    draws: int = Field(32, ge=4, le=4096)
    """Posterior draws behind each expected gain: more are finer and slower."""
    prune: bool = True
    """Stop an evaluation after a part of its rows, when nothing is likely to come of the others."""


class ResponseSurface:
    """Learns the log-probs of all rows and levels, and evaluates where unsettled behaviors gain most."""

    version: ClassVar[str] = "2"
    Options: ClassVar[type[ResponseSurfaceOptions]] = ResponseSurfaceOptions

    def __init__(self, options: ResponseSurfaceOptions) -> None:
        self.options = options

    def create(self, space: api.SearchSpace) -> optuna.samplers.BaseSampler:
        """Return the sampler."""
        from avspec.search.response_surface import ResponseSurfaceSampler

        return ResponseSurfaceSampler(space, draws=self.options.draws, pruning=self.options.prune)
