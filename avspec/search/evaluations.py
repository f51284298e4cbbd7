"""What one coefficient vector does to the rows, and the cache that keeps it from being computed twice."""

import base64
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avspec.api import LogProbs
from avspec.digest import digest
from avspec.errors import Corrupted

DECIMALS = 6
"""Coefficients closer than 1e-6 are one coefficient: far below what a model in bfloat16 could tell apart."""


@dataclass(frozen=True)
class Evaluation:
    """The log-probs of every row and level at one coefficient vector: enough to judge any behavior."""

    coefficients: Mapping[str, float]
    """Domain to coefficient."""
    log_probs: Mapping[str, LogProbs]
    """Domain or guardrail to mean token log-probs `[rows, levels]`, nats per token."""
    seconds: float
    """What the evaluation took."""

    @property
    def finite(self) -> bool:
        """Return whether no log-prob is NaN or infinite."""
        return all(bool(np.isfinite(values).all()) for values in self.log_probs.values())


def rounded(coefficients: Mapping[str, float]) -> dict[str, float]:
    """Return the coefficients as their identity sees them: 6 decimals, no negative zero, domains in order."""
    return {name: round(float(coefficients[name]), DECIMALS) + 0.0 for name in sorted(coefficients)}


def same(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    """Return whether two coefficient vectors are one; a domain that is not named has coefficient 0."""
    names = first.keys() | second.keys()
    return rounded({n: first.get(n, 0.0) for n in names}) == rounded({n: second.get(n, 0.0) for n in names})


def pack(log_probs: Mapping[str, LogProbs]) -> dict[str, Any]:
    """Return log-probs as JSON, 4 bytes a number in base64: what a trial carries for samplers to read."""
    return {
        name: {
            "shape": list(values.shape),
            "float32": base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode(),
        }
        for name, values in log_probs.items()
    }


def unpack(packed: Mapping[str, Any]) -> dict[str, LogProbs]:
    """Return the log-probs that `pack` made JSON of, with the precision of float32."""
    return {
        name: np.frombuffer(base64.b64decode(entry["float32"]), "<f4").reshape(entry["shape"]).astype(float)
        for name, entry in packed.items()
    }


class EvaluationCache:
    """Evaluations of one surface (base, vectors, rows) on disk, one file each.

    The sweep and the search share it; a file is written beside its place and renamed, so that a kill leaves
    either the whole evaluation or nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __contains__(self, coefficients: Mapping[str, float]) -> bool:
        """Return whether there is a file for these coefficients."""
        return self._path(coefficients).exists()

    def get(self, coefficients: Mapping[str, float]) -> Evaluation | None:
        """Return the evaluation at these coefficients, or None.

        Raises:
            Corrupted: The file is not what `put` wrote.
        """
        path = self._path(coefficients)
        return _read(path) if path.exists() else None

    def kept(self, coefficients: Mapping[str, float], compute: Callable[[], Mapping[str, LogProbs]]) -> Evaluation:
        """Return the evaluation at these coefficients; one that is not there, or not readable, is computed and kept."""
        with suppress(Corrupted):
            if (known := self.get(coefficients)) is not None:
                return known
        start = time.perf_counter()
        evaluation = Evaluation(coefficients, compute(), time.perf_counter() - start)
        self.put(evaluation)
        return evaluation

    def put(self, evaluation: Evaluation) -> None:
        """Keep an evaluation; an earlier one at the same coefficients is replaced."""
        from safetensors.numpy import save

        tensors = {name: np.asarray(values, np.float64) for name, values in evaluation.log_probs.items()}
        about = {"coefficients": rounded(evaluation.coefficients), "seconds": evaluation.seconds}
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(evaluation.coefficients)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        with partial.open("wb") as file:
            file.write(save(tensors, metadata={"evaluation": json.dumps(about)}))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def all(self) -> Iterator[Evaluation]:
        """Yield every evaluation kept, in an order that does not change between processes.

        Raises:
            Corrupted: A file is not what `put` wrote.
        """
        for path in sorted(self.folder.glob("*.safetensors")):
            yield _read(path)

    def _path(self, coefficients: Mapping[str, float]) -> Path:
        return self.folder / f"{digest(rounded(coefficients))[:32]}.safetensors"


def _read(path: Path) -> Evaluation:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads(file.metadata()["evaluation"])
            log_probs = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise Corrupted(
            f"an evaluation in the cache cannot be read: {error}",
            where=str(path),
            hint="delete this file; the evaluation is then made again",
        ) from error
    return Evaluation(about["coefficients"], log_probs, about["seconds"])
