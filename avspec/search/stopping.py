"""Whether an evaluation can still help a behavior, judged from the rows that were scored so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avspec.search.acquisition import above
from avspec.search.beliefs import Beliefs
from avspec.search.gp import Array

CHANCE = 0.02
"""An evaluation is stopped when it helps each behavior with less than this probability."""
DRAWS = 256
"""Posterior draws that this probability is estimated from."""
MOST = 0.95
"""Largest part of the surface's variance that counts as left: what was seen always tells something."""


@dataclass(frozen=True)
class Guess:
    """All outputs at one point, of which some are known."""

    mean: Array
    """`[outputs]`."""
    draws: Array
    """`[draws, outputs]`, with the known outputs in each."""
    unsure: float
    """Variance of an observation of `mean`, as a part of the surface's, that leaves as much open as was not seen.

    It draws the surface towards `mean`, not all the way. Observations stretched to make up for that did no better in
    `search_bench`: with one of ten seeds the last behavior was never found.
    """


def expected(beliefs: Beliefs, point: Array, outputs: Array, random: np.random.Generator) -> Guess:
    """Return what all outputs are likely to be at a point, given those that are known there.

    Deviations from the surface are a common part, `latent @ weights` with standard normal latents, and each output's
    own. The known outputs are a linear regression of the latents (Bishop 2006, equations 3.53 and 3.54).

    Args:
        beliefs: The surface.
        point: `[1, coefficients]`, in -1..1.
        outputs: `[outputs]`, NaN where they are not known.
        random: Source of the draws.
    """
    surface, known = beliefs.surface, ~np.isnan(outputs)
    means, deviations = surface.predict(point)
    variance = float(deviations[0]) ** 2
    shown = beliefs.doubt * np.sqrt(variance + surface.noise**2)  # as `doubt` is calibrated: noise is shown too
    amplitudes = np.maximum(surface.amplitudes, 1e-9)
    size = shown * amplitudes  # of the outputs' deviations
    common = surface.white / (np.sqrt(surface.seen) * amplitudes)
    own = _own_part(common)
    weights = np.sqrt(1 - own) * common
    precision = np.eye(len(weights)) + weights[:, known] @ weights[:, known].T / own
    latent = np.linalg.solve(precision, weights[:, known] @ ((outputs - means[0]) / size)[known]) / own
    factor = np.linalg.cholesky(np.linalg.inv(precision))
    guesses = (latent + random.standard_normal((DRAWS, len(weights))) @ factor.T) @ weights
    guesses += np.sqrt(own) * random.standard_normal(guesses.shape)
    filled, draws = means[0] + size * (latent @ weights), means[0] + size * guesses
    filled[known] = draws[:, known] = outputs[known]
    unknown = (((factor.T @ weights) ** 2).sum(axis=0) + own) * size**2
    left = min(float(unknown[~known].sum() / (size**2).sum()), MOST)  # of the variance, over all outputs
    return Guess(filled, draws, variance * left / (1 - left))


def _own_part(common: Array) -> float:
    """Return which part of the outputs' variance is each one's own: more where fewer points have told of the rest.

    The oracle approximating shrinkage of a covariance matrix (Chen, Wiesel, Eldar & Hero 2010, equation 23).

    Args:
        common: `[points, outputs]`, whose columns have length 1: their products are the outputs' correlations.
    """
    points, outputs = common.shape
    square = float(((common @ common.T) ** 2).sum())  # the trace of the correlations' square
    numerator = (1 - 2 / outputs) * square + outputs**2
    denominator = (points + 1 - 2 / outputs) * (square - outputs)
    return float(np.clip(numerator / denominator, 0.01, 0.99)) if denominator > 0 else 0.99


def helps(beliefs: Beliefs, settled: Array, guess: Guess) -> bool:
    """Return whether an unsettled behavior may hold for the first time, or with a larger margin than before.

    Args:
        beliefs: What the finished evaluations say.
        settled: Which behaviors need nothing more, `[behaviors]`.
        guess: What the evaluation is likely to show.
    """
    excess = beliefs.reading.excess(guess.mean[None], np.ones(1), guess.draws - guess.mean)[0]
    margins = beliefs.reading.margins(guess.draws)
    best = np.maximum(beliefs.best, 0) + beliefs.reading.grain / 2
    chances = (excess <= 0).mean(axis=0) * above(margins[None], best)[0]
    return bool((chances[~settled] >= CHANCE).any())
