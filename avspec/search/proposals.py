"""What samplers note in a study's storage, so that other workers and resumed searches can read it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

FOCUS = "avspec:focus"
"""System attribute of a trial: the behavior it was proposed for."""
PROPOSAL = "avspec:proposal"
"""System attribute of a trial: the coefficients proposed, whole, before Optuna has asked for each."""


def note(study: optuna.Study, trial: FrozenTrial, proposal: Mapping[str, float], focus: str = "") -> None:
    """Write a proposal down the way Optuna's own samplers do: a FrozenTrial has no public setter."""
    study._storage.set_trial_system_attr(trial._trial_id, PROPOSAL, json.dumps(dict(proposal)))
    if focus:
        study._storage.set_trial_system_attr(trial._trial_id, FOCUS, focus)


def pending(study: optuna.Study, trial: FrozenTrial | None = None) -> list[dict[str, float]]:
    """Return the proposals that are being evaluated, this trial's not among them."""
    return [proposal_of(t) for t in running(study, trial)[0]]


def proposal_of(trial: FrozenTrial) -> dict[str, float]:
    """Return what was proposed for a running trial."""
    return dict(json.loads(trial.system_attrs[PROPOSAL]))


def running(study: optuna.Study, trial: FrozenTrial | None = None) -> tuple[list[FrozenTrial], int]:
    """Return the other running trials that have a proposal, and how many older ones have none yet.

    For the latter other workers choose right now, and what they choose cannot be read. Proposals depend on the
    seed and on what can be read, so a worker that makes as many choices before its own makes theirs. Both come
    from one reading of the storage: between two, a proposal could be written and be in neither.
    """
    from optuna.trial import TrialState

    own = trial.number if trial else -1
    trials = [t for t in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)) if t.number != own]
    proposed = [t for t in trials if PROPOSAL in t.system_attrs]
    return proposed, sum(t.number < own and PROPOSAL not in t.system_attrs for t in trials)


def seed_of(seed: int, step: int) -> int:
    """Return a seed for one step that shares nothing with its neighbors'."""
    return zlib.crc32(f"{seed}:{step}".encode())
