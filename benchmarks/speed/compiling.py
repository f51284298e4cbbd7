"""torch.compile of the decoder layers: what it costs at first, and what it saves afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence

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
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
        if not compile_layers(compiled):
            return None, {"torch.compile": "this machine has no C++ compiler"}
        first = seconds(lambda: score(compiled, encoded))
        measured = paired(
            "scoring, plain against compiled layers",
            ("compiled", "plain"),
            lambda: seconds(lambda: score(compiled, encoded)),
            lambda: seconds(lambda: score(plain, encoded)),
            pairs=pairs,
        )
    del os.environ["TORCHINDUCTOR_CACHE_DIR"]
    cost = first - min(measured.seconds["compiled"])
    rule = f"a run compiles when {GAIN:.0%} of the work ahead is more than {COST:.0f} s"
    return measured, {"torch.compile": f"{cost:.0f} s in the first scoring, nothing on disk; {rule}"}
