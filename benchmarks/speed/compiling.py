"""torch.compile of the decoder layers: what it costs at first, what it saves afterwards, and what it changes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from avspec.model.compiled import COST, GAIN, compile_layers
from avspec.model.encoding import EncodedRow
from avspec.model.loading import load_model
from avspec.model.scorer import score
from speed.measuring import paired, seconds
from speed.results import Measure
from speed.subject import Subject


def measure(subject: Subject, encoded: Sequence[EncodedRow], pairs: int) -> tuple[Measure | None, dict[str, str]]:
    """Score the same rows with compiled and with plain layers; the compiled code starts from an empty cache."""
    dtype = getattr(torch, subject.info.dtype)
    plain, compiled = (load_model(subject.base, dtype=dtype, device="cpu")[0] for _ in range(2))
    if not compile_layers(compiled):
        return None, {"torch.compile": "this machine has no C++ compiler"}
    with tempfile.TemporaryDirectory() as cache, patch.dict(os.environ, TORCHINDUCTOR_CACHE_DIR=cache):
        first = seconds(lambda: score(compiled, encoded))
        measured = paired(
            "scoring, plain against compiled layers",
            ("compiled", "plain"),
            lambda: seconds(lambda: score(compiled, encoded)),
            lambda: seconds(lambda: score(plain, encoded)),
            pairs=pairs,
        )
    cost = first - min(measured.seconds["compiled"])
    rule = f"a run compiles when {GAIN:.0%} of the work ahead is more than {COST:.0f} s"
    return measured, {
        "torch.compile": f"{cost:.0f} s in the first scoring, nothing on disk; {rule}",
        "compiled and plain": difference(score(compiled, encoded), score(plain, encoded)),
    }


def difference(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> str:
    """Say how far two scorings of the same rows are apart."""
    moved = int((first.argmax(1) != second.argmax(1)).sum())
    apart = f"mean log-probs differ by at most {np.abs(first - second).max():.3f} nats per token"
    return f"{apart}; {moved} of {len(first)} rows change their dominant level"
