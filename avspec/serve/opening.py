"""Open a run's model for a command: libraries do not draw progress bars into its output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from avspec.run.chatter import QUIET

if TYPE_CHECKING:
    from avspec.model.steered import SteeredModel


def open_quietly(run_dir: Path, device: str, target: str | None = None) -> SteeredModel:
    """Return the model of a run, or one of its targets with the run's knobs.

    Raises:
        AvspecError: What `SteeredModel.open` raises.
    """
    quieten()

    from avspec.model.steered import SteeredModel

    return SteeredModel.open(run_dir, device=device, target=target)


def quieten() -> None:
    """Keep the libraries that load models from printing; before they are first imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
