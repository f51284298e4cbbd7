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
    return [json.loads(t.system_attrs[PROPOSAL]) for t in running(study, trial)]


def running(study: optuna.Study, trial: FrozenTrial | None = None) -> list[FrozenTrial]:
    """Return the running trials that have a proposal, this one not among them."""
    from optuna.trial import TrialState

    own = trial.number if trial else None
    trials = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return [t for t in trials if t.number != own and PROPOSAL in t.system_attrs]


def seed_of(seed: int, step: int) -> int:
    """Return a seed for one step that shares nothing with its neighbors'."""
    return zlib.crc32(f"{seed}:{step}".encode())
