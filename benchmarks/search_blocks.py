"""What it would save to stop an evaluation after a part of its rows, when nothing more can come of it.

    python benchmarks/search_blocks.py --surface benchmarks/surface-smollm2-135m.npz --seeds 10

Rows are scored in blocks. After each block but the last, the surface's posterior at this point is conditioned on the
log-probs of the rows seen, and the evaluation is stopped when no unsettled behavior has a chance of `--chance` to
hold for the first time, or to hold with a larger margin than before. The rows not seen are then filled in with their
conditional means, so that the next surface learns something of them too. The cost of an evaluation is the part of its
rows that was scored; what counts is the whole cost until the last reachable behavior is found.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray

from avspec import registry
from avspec.search.acquisition import BETWEEN
from avspec.search.beliefs import FIRM, Beliefs, inputs, learn
from avspec.search.evaluations import Evaluation
from avspec.search.study import run_search
from avspec.search.trials import counted
from search_bench import Truth, reached
from search_surfaces import load

Array = NDArray[np.float64]

DRAWS = 256
"""Posterior draws a chance is counted in."""


class Blocks:
    """Evaluates in blocks of rows and stops where a study's other trials leave no hope; keeps the costs."""

    def __init__(self, truth: Truth, study: optuna.Study, seed: int, blocks: int, chance: float) -> None:
        self.truth, self.study, self.blocks, self.chance = truth, study, blocks, chance
        self.space, self.costs = truth.space(seed, 1), list[float]()
        self._random = np.random.default_rng(seed)

    def __call__(self, coefficients: Mapping[str, float]) -> Evaluation:
        """Return the evaluation at these coefficients, the rows that were left out filled in."""
        whole, done = self.truth(coefficients), counted(self.study)
        self.costs.append(1.0)
        if len(done) < 1 + 2 * len(self.space.domains) + BETWEEN:  # the opening is scored whole
            return whole
        beliefs = learn(self.truth.objective.describe(), self.space, done)
        outputs = self.truth.reading.encode(whole.log_probs)
        point = inputs([coefficients], self.space)
        rows = self.truth.shape[1]
        for block in range(1, self.blocks):
            seen = np.arange(len(outputs)) % rows < round(block * rows / self.blocks)
            mean, draws = self._posterior(beliefs, point, outputs, seen)
            if self._hopeless(beliefs, draws):
                self.costs[-1] = block / self.blocks
                return Evaluation(dict(coefficients), self._decode(mean), 0.0)
        return whole

    def _posterior(
        self, beliefs: Beliefs, point: Array, outputs: Array, seen: NDArray[np.bool_]
    ) -> tuple[Array, Array]:
        """Return the mean and draws of all outputs at a point, given those that were seen there.

        Deviations are `latent @ weights` with standard normal latents, as `SharedGP.directions` draws them; the
        outputs seen are a linear regression of the latents.
        """
        surface = beliefs.surface
        mean, deviation = surface.predict(point)
        scale = beliefs.doubt * float(deviation[0])
        weights = scale * surface.white / np.sqrt(surface.seen)
        noise = max(0.1 * scale * float(np.median(surface.amplitudes)), 1e-4)
        precision = np.eye(len(weights)) + weights[:, seen] @ weights[:, seen].T / noise**2
        latent = np.linalg.solve(precision, weights[:, seen] @ (outputs - mean[0])[seen]) / noise**2
        factor = np.linalg.cholesky(np.linalg.inv(precision))
        guesses = latent + self._random.standard_normal((DRAWS, len(weights))) @ factor.T
        filled, draws = mean[0] + latent @ weights, mean[0] + guesses @ weights
        filled[seen] = draws[:, seen] = outputs[seen]
        return filled, draws

    def _hopeless(self, beliefs: Beliefs, draws: Array) -> bool:
        open_ = beliefs.firm < FIRM
        better = beliefs.reading.margins(draws) > np.maximum(beliefs.best, 0)
        return not open_.any() or float(better.mean(axis=0)[open_].max()) < self.chance

    def _decode(self, outputs: Array) -> dict[str, Array]:
        domains, rows, levels = self.truth.shape
        values = -np.exp(-outputs.reshape(domains, levels, rows))
        return {name: values[i].T for i, name in enumerate(self.truth.domains)}


def cost_to_all(truth: Truth, seed: int, budget: int, blocks: int, chance: float) -> tuple[float | None, int, float]:
    """Return the cost until all reachable behaviors are found, the evaluations until then, and the mean cost of one."""
    space = truth.space(seed, budget)
    sampler = registry.create("samplers", "response-surface", {}).create(space)
    study = optuna.create_study(directions=["maximize"] * len(space.behaviors), sampler=sampler)
    evaluate = Blocks(truth, study, seed, blocks, chance)
    trials = run_search(study, space, evaluate, truth.objective)
    found, curve = set[str](), []
    for trial, cost in zip(trials, evaluate.costs, strict=True):
        # what was filled in proves nothing
        found |= {name for name, judgement in trial.behaviors.items() if judgement.held and cost == 1}
        curve.append(len(found & truth.reachable))
    last = reached(curve, len(truth.reachable))
    return sum(evaluate.costs[:last]) if last else None, last or len(trials), float(np.mean(evaluate.costs))


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the arguments, run with and without stopping, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    recorded = str(Path(__file__).parent / "surface-smollm2-135m.npz")
    parser.add_argument("--surface", nargs="*", default=[recorded], help="files, or synthetic-DOMAINSxLEVELS-SEED")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--chance", type=float, default=0.02)
    args = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(
        "| surface | blocks | cost to all | evaluations to all | mean cost of an evaluation | never |\n|" + "---|" * 6
    )
    for name in args.surface:
        truth = Truth(load(name))
        for blocks in (1, args.blocks):
            runs = [cost_to_all(truth, seed, args.budget, blocks, args.chance) for seed in range(args.seeds)]
            whole = [(cost, last) for cost, last, _ in runs if cost is not None]
            cost, last = np.mean(whole, axis=0) if whole else (np.nan, np.nan)
            mean = np.mean([each for *_, each in runs])
            figures = f"{cost:.1f} | {last:.1f} | {mean:.2f} | {len(runs) - len(whole)}"
            print(f"| {Path(name).stem} | {blocks} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
