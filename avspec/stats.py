"""Statistics of log-probs: shares of dominant levels, their intervals, and margins."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avspec.errors import NonFinite


def dominant(log_probs: ArrayLike) -> NDArray[np.intp]:
    """Return the level with the highest log-prob of each row; the lowest of equal ones (paper, section 5.1).

    Args:
        log_probs: Mean token log-probs `[rows, levels]`, nats per token.

    Returns:
        Level indices `[rows]`.

    Raises:
        NonFinite: A log-prob is NaN or infinite: a broken model must not win or lose by accident.
    """
    values = _matrix(log_probs)
    winners: NDArray[np.intp] = values.argmax(axis=1)
    return winners


def shares(log_probs: ArrayLike) -> NDArray[np.float64]:
    """Return the share of rows each level dominates, `[levels]`, which adds up to 1: preference accuracy.

    Raises:
        NonFinite: A log-prob is NaN or infinite.
        ValueError: There are no rows.
    """
    values = _matrix(log_probs)
    if not len(values):
        raise ValueError("shares need at least one row")
    return np.bincount(dominant(values), minlength=values.shape[1]) / len(values)


def wilson(successes: int, rows: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a share; without rows it is (0, 1): nothing is known.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if rows == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / rows
    scale = 1 + z * z / rows
    center = (share + z * z / (2 * rows)) / scale
    half = z / scale * float(np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows)))
    # rounding must not push a share of exactly 0 or 1 out of its own interval
    return float(min(share, max(0.0, center - half))), float(max(share, min(1.0, center + half)))


def margin(level_shares: ArrayLike, wanted: int) -> float:
    """Return the wanted level's share less the largest other one, in -1..1; positive means dominant."""
    values = np.asarray(level_shares, dtype=np.float64)
    return float(values[wanted] - np.delete(values, wanted).max())


def log_prob_margin(log_probs: ArrayLike, wanted: int) -> float:
    """Return the mean over rows of the wanted level's log-prob less the highest other one, nats per token.

    Raises:
        NonFinite: A log-prob is NaN or infinite.
        ValueError: There are no rows.
    """
    values = _matrix(log_probs)
    if not len(values):
        raise ValueError("a margin needs at least one row")
    return float(np.mean(values[:, wanted] - np.delete(values, wanted, axis=1).max(axis=1)))


def described(log_probs: ArrayLike, levels: Sequence[str]) -> dict[str, Any]:
    """Return `rows`, and of each level its share, the share's 95 % Wilson interval and its mean log-prob, as JSON.

    Args:
        log_probs: Mean token log-probs `[rows, levels]`, nats per token.
        levels: Names of the levels.

    Raises:
        NonFinite: A log-prob is NaN or infinite.
        ValueError: There are no rows.
    """
    values = _matrix(log_probs)
    share, rows = shares(values).tolist(), len(values)
    return {
        "rows": rows,
        "shares": dict(zip(levels, share, strict=True)),
        "interval": {level: list(wilson(round(x * rows), rows)) for level, x in zip(levels, share, strict=True)},
        "mean_log_prob": dict(zip(levels, values.mean(axis=0).tolist(), strict=True)),
    }


def _matrix(log_probs: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(log_probs, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"log-probs must be [rows, levels], got shape {list(values.shape)}")
    if not np.isfinite(values).all():
        row, level = (int(index) for index in np.argwhere(~np.isfinite(values))[0])
        raise NonFinite(f"the log-prob of row {row}, level {level} is {values[row, level]}")
    return values
