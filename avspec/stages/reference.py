"""The base's own log-probs of training rows: computed once, for every training that is measured against them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from avspec.api import LogProbs, Row
from avspec.digest import digest
from avspec.model.encoding import SCORER_VERSION, encode_rows
from avspec.model.loading import load_model, read_info
from avspec.model.scorer import score
from avspec.search.evaluations import EvaluationCache
from avspec.stages.data import read_split


class Reference:
    """Reference log-probs by domain, kept among the evaluations, where trainings with other settings find them.

    They are scored in the base's compute dtype. A training that computes otherwise (float32 in several CPU processes,
    autocast on GPUs) starts off them by the rounding of bfloat16, a few hundredths of a nat.
    """

    def __init__(self, base: Path, folder: Path, device: str) -> None:
        """Take the folder of the base artifact, and that of the evaluation caches."""
        self._base, self._folder, self._device = base, folder, device

    def of(self, domain: str, data: Path, levels: Sequence[str]) -> dict[str, list[float]]:
        """Return row id to mean token log-probs by level, nats per token, from the cache or computed now.

        Args:
            domain: The domain.
            data: Folder of the domain's data artifact, whose name is its key.
            levels: Order of the log-probs.
        """
        key = digest({"reference": SCORER_VERSION, "base": self._base.name, "data": data.name})
        cache = EvaluationCache(self._folder / key)
        rows = read_split(data, "train")
        known = cache.kept({}, lambda: {domain: self._score(rows, levels)})
        return {row.id: values.tolist() for row, values in zip(rows, known.log_probs[domain], strict=True)}

    def _score(self, rows: Sequence[Row], levels: Sequence[str]) -> LogProbs:
        model, tokenizer = self._opened
        return score(model, encode_rows(tokenizer, rows, levels))

    @cached_property
    def _opened(self) -> tuple[Any, Any]:
        dtype = getattr(torch, read_info(self._base).dtype)
        return load_model(self._base, dtype=dtype, device=self._device)
