"""Where each behavior stands when a search ends, whichever sampler made it, as search.json says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from avspec.api import SearchSpace
from avspec.search.beliefs import FIRM, Beliefs, learn
from avspec.search.trials import counted

if TYPE_CHECKING:
    import optuna

    from avspec.search.response_surface import Assessment


def describe_standings(study: optuna.Study, space: SearchSpace) -> dict[str, Any]:
    """Return each behavior's standing and the surface's leave-one-out error, as JSON.

    A behavior is `settled`: held, and better is not to be expected or its margin is beyond the rows' noise;
    `held`: with a margin that other rows might not show; `open`: not found so far; or `unreachable`: the
    surface gives it no chance anywhere in the range. Only the response surface's own sampler rules behaviors
    out; the standings of another search rest on its evaluations alone.
    """
    trials = counted(study)
    beliefs = learn(study.user_attrs.get("objective"), space, trials)
    if beliefs is None:
        return {"standings": dict.fromkeys(space.behaviors, "open"), "left_out_error": None}
    assess: Callable[[optuna.Study], Assessment | None] | None = getattr(study.sampler, "assess", None)
    if assess and (assessment := assess(study)):
        return asdict(assessment)
    error = beliefs.left_out_error if beliefs.whole.sum() > len(space.domains) + 1 else None
    return {"standings": dict(zip(space.behaviors, _standings(beliefs), strict=True)), "left_out_error": error}


def _standings(beliefs: Beliefs) -> list[str]:
    held, firm = beliefs.best > 0, beliefs.firm >= FIRM
    return ["settled" if sure else "held" if own else "open" for own, sure in zip(held, firm, strict=True)]
