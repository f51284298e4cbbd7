"""A Gaussian process that predicts thousands of outputs with one kernel and one Cholesky factor.

All outputs (the log-prob of every row and level) are smooth in the same few coefficients, so they share the
kernel: Matern 5/2 with a length scale for each coefficient, a linear trend and noise. What differs between
outputs, and how they move together, is estimated in closed form from the data whitened by that kernel (the
intrinsic coregionalization model; Rasmussen & Williams 2006, sections 2.7 and 5.4.3; Bonilla et al., 2008).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

COMPONENTS = 6
"""Principal components of the outputs that the length scales and the noise are fitted to."""
TREND = 3.0
"""Standard deviation of the trend's coefficients, as a multiple of the kernel's."""
SCALE, SCALE_SPREAD, SCALE_TIE = np.log(1.2), 0.7, 0.3
"""Prior of the log length scales, for inputs in -1..1: mean and spread of all, spread of each around all."""
NOISE, NOISE_SPREAD = np.log(0.03), 1.5
"""Prior of the log noise, as a part of the kernel's standard deviation."""
STARTS = (1.2, 0.5)
"""Length scales the likelihood is climbed from."""


@dataclass(frozen=True)
class SharedGP:
    """The process conditioned on its data; make it with `fit`."""

    inputs: Array
    """`[points, coefficients]`, in about -1..1."""
    center: Array
    """Mean of each output, `[outputs]`."""
    scales: Array
    """Length scale of each coefficient."""
    noise: float
    """Standard deviation of the noise, as a part of the kernel's."""
    unsure: Array
    """Variance of each point's outputs beside the noise, as a part of the kernel's, `[points]`."""
    factor: Array
    """Lower Cholesky factor of the kernel's matrix."""
    white: Array
    """The centered outputs whitened by the factor, `[points, outputs]`."""
    seen: int
    """Points that were observed; further ones are only believed."""

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Return means `[candidates, outputs]` and relative standard deviations `[candidates]`.

        An output's own standard deviation is the relative one times its `amplitudes`; noise is not in it.
        """
        from scipy.linalg import solve_triangular

        cross = _kernel(self.inputs, inputs, self.scales)[0] + _trend(self.inputs) @ _trend(inputs).T
        solved = solve_triangular(self.factor, cross, lower=True)
        prior = 1 + (_trend(inputs) ** 2).sum(axis=1)
        variance = np.maximum(prior - (solved**2).sum(axis=0), 1e-9)
        return self.center + solved.T @ self.white, np.sqrt(variance)

    def directions(self, draws: int, random: np.random.Generator) -> Array:
        """Return joint random deviations of all outputs, `[draws, outputs]`, for a relative deviation of 1.

        A posterior draw at a candidate is its mean plus its relative deviation times one of these.
        """
        weights = random.standard_normal((draws, len(self.white)))
        return weights @ self.white / np.sqrt(self.seen)

    @property
    def amplitudes(self) -> Array:
        """Return each output's standard deviation for a relative deviation of 1."""
        return np.sqrt((self.white**2).sum(axis=0) / self.seen)

    @cached_property
    def left_out(self) -> tuple[Array, Array]:
        """Return exact leave-one-out means `[points, outputs]` and relative deviations `[points]`.

        Source: Rasmussen & Williams 2006, equations 5.12 and 5.13; the fit itself is not repeated.
        """
        from scipy.linalg import cho_solve, solve_triangular

        precision = np.diag(cho_solve((self.factor, True), np.eye(len(self.inputs))))
        weights = solve_triangular(self.factor.T, self.white, lower=False)
        values = self.center + self.factor @ self.white
        return values - weights / precision[:, None], 1 / np.sqrt(precision)

    def believing(self, inputs: Array) -> SharedGP:
        """Return the process as if its own predictions had been observed: for evaluations not done yet.

        Source: the "kriging believer" of Ginsbourger, Le Riche & Carraro, 2010.
        """
        together = np.vstack([self.inputs, inputs])
        unsure = np.append(self.unsure, np.zeros(len(inputs)))
        factor = np.linalg.cholesky(_covariance(together, self.scales, self.noise, unsure)[0])
        # what was predicted holds no surprise: its whitened outputs are zero, and no mean changes
        white = np.vstack([self.white, np.zeros((len(inputs), self.white.shape[1]))])
        return replace(self, inputs=together, unsure=unsure, factor=factor, white=white)


def fit(inputs: Array, outputs: Array, unsure: Array | None = None) -> SharedGP:
    """Return the process with the most likely length scales and noise (maximum a posteriori).

    Args:
        inputs: `[points, coefficients]`, in about -1..1.
        outputs: `[points, outputs]`.
        unsure: Variance of each point's outputs as a part of the kernel's, beside the noise; none by default.
    """
    from scipy.optimize import minimize

    unsure = np.zeros(len(inputs)) if unsure is None else unsure
    scores, weights = _components(outputs - outputs.mean(axis=0))
    dimensions = inputs.shape[1]
    bounds = [(np.log(0.1), np.log(10.0))] * dimensions + [(np.log(1e-3), 0.0)]
    tried = [
        minimize(
            _loss,
            np.array([np.log(start)] * dimensions + [NOISE]),
            args=(inputs, scores, weights, unsure),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 40},
        )
        for start in STARTS
    ]
    best = min(tried, key=lambda result: float(result.fun)).x
    return _condition(inputs, outputs, np.exp(best[:-1]), float(np.exp(best[-1])), unsure)


def _condition(inputs: Array, outputs: Array, scales: Array, noise: float, unsure: Array) -> SharedGP:
    from scipy.linalg import solve_triangular

    center = outputs.mean(axis=0)
    factor = np.linalg.cholesky(_covariance(inputs, scales, noise, unsure)[0])
    white = solve_triangular(factor, outputs - center, lower=True)
    return SharedGP(inputs, center, scales, noise, unsure, factor, white, len(inputs))


def _components(outputs: Array) -> tuple[Array, Array]:
    """Return the points' scores on the first principal components, and how much each says.

    The weights are the components' parts of the variance, scaled to add up to the number of components that
    carry it (the participation ratio): a thousand outputs of which all move together are one observation.
    """
    left, singular, _ = np.linalg.svd(outputs, full_matrices=False)
    kept = singular[:COMPONENTS] > 1e-9 * max(singular[0], 1e-12)
    if not kept.any():
        return np.zeros((len(outputs), 0)), np.zeros(0)
    singular, left = singular[:COMPONENTS][kept], left[:, :COMPONENTS][:, kept]
    part = singular**2 / (singular**2).sum()
    return left * singular, part / (part**2).sum()


def _loss(parameters: Array, inputs: Array, scores: Array, weights: Array, unsure: Array) -> tuple[float, Array]:
    """Return the negative log posterior of log length scales and log noise, and its gradient.

    Each component's own variance is at its optimum (Rasmussen & Williams 2006, equations 5.8 and 5.9).
    """
    from scipy.linalg import cho_solve

    points, scales, noise = len(inputs), np.exp(parameters[:-1]), float(np.exp(parameters[-1]))
    covariance, slope, gaps = _covariance(inputs, scales, noise, unsure)
    factor = np.linalg.cholesky(covariance)
    inverse = cho_solve((factor, True), np.eye(points))
    solved = inverse @ scores
    squares = (scores * solved).sum(axis=0)
    loss = weights.sum() * np.log(np.diag(factor)).sum() + points / 2 * (weights * np.log(squares)).sum()
    inner = 0.5 * (weights.sum() * inverse - (solved * (weights * points / squares)) @ solved.T)
    gradient = np.append(np.einsum("ij,ijd->d", inner * slope, gaps), 2 * noise**2 * np.trace(inner))
    prior, prior_gradient = _prior(parameters)
    return float(loss + prior), gradient + prior_gradient


def _prior(parameters: Array) -> tuple[float, Array]:
    """Return the negative log prior and its gradient: scales near a common one, which is near `SCALE`."""
    scales, noise = parameters[:-1], parameters[-1]
    apart, common, off = scales - scales.mean(), scales.mean() - SCALE, noise - NOISE
    value = (apart**2).sum() / SCALE_TIE**2 + (common / SCALE_SPREAD) ** 2 + (off / NOISE_SPREAD) ** 2
    gradient = apart / SCALE_TIE**2 + common / SCALE_SPREAD**2 / len(scales)
    return float(value / 2), np.append(gradient, off / NOISE_SPREAD**2)


def _covariance(inputs: Array, scales: Array, noise: float, unsure: Array) -> tuple[Array, Array, Array]:
    """Return the matrix of kernel, trend and noise, and what `_kernel` returns beside it."""
    kernel, slope, gaps = _kernel(inputs, inputs, scales)
    trend = _trend(inputs)
    return kernel + trend @ trend.T + np.diag(noise**2 + unsure), slope, gaps


def _kernel(first: Array, second: Array, scales: Array) -> tuple[Array, Array, Array]:
    """Return Matern 5/2 `[first, second]`, and its slope and squared gaps `[first, second, coefficients]`.

    The kernel's derivative by the log of length scale d is slope times the gap of d.
    """
    gaps = ((first[:, None] - second[None]) / scales) ** 2
    square = gaps.sum(axis=2)
    root = np.sqrt(5 * square)
    decay = np.exp(-root)
    return (1 + root + 5 / 3 * square) * decay, 5 / 3 * (1 + root) * decay, gaps


def _trend(inputs: Array) -> Array:
    """Return the trend's features `[points, 1 + coefficients]`: a constant and a slope for each coefficient."""
    return TREND * np.hstack([np.ones((len(inputs), 1)), inputs])
