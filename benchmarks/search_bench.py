"""How many evaluations each sampler needs to find the behaviors of a recorded surface.

    python benchmarks/search_bench.py --surface benchmarks/surface-smollm2-135m.npz \
        --samplers response-surface,tpe,random --seeds 3 --budget 60

The surface file holds `P` [evaluations, domains], coefficient vectors, and `Y` [evaluations, domains, rows, levels],
mean token log-probs. The truth is an interpolator of another family than any sampler's model: scipy's
RBFInterpolator, a thin-plate spline through all points. Every sampler starts from nothing, without a sweep, and an
evaluation counts for all behaviors. A behavior is reachable when it holds somewhere on the paper's grid of 21 values
a coefficient (for more than three domains, at one of 16,384 Sobol points), and found when it was held at an evaluation.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.stats import qmc

from avspec import registry
from avspec.api import SearchSpace
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective
from avspec.search.reading import LogProbReading
from avspec.search.study import run_search

SAMPLERS = ("response-surface", "tpe", "gp", "cma-es", "random", "grid")
FULL_GRID = "full-grid"
POINTS = 21
"""Values of each coefficient on the paper's grid."""
MARKS = (20, 30, 40, 50, 60, 80, 120, 200, 400)
"""Evaluations at which the table says how many behaviors were found."""


class Truth:
    """A surface that answers at any coefficients, and what can be reached on it."""

    def __init__(self, path: Path, low: float, high: float, max_fluency_drop: float) -> None:
        recorded = np.load(path)
        points, values = recorded["P"].astype(float), recorded["Y"].astype(float)
        self.low, self.high, self.shape = low, high, values.shape[1:]
        self.domains = tuple(f"domain-{i + 1}" for i in range(self.shape[0]))
        self.levels = tuple(f"level-{i + 1}" for i in range(self.shape[2]))
        self._at = RBFInterpolator(points, values.reshape(len(points), -1))
        combinations = product(self.levels, repeat=len(self.domains))
        behaviors = {",".join(c): dict(zip(self.domains, c, strict=True)) for c in combinations}
        levels = dict.fromkeys(self.domains, self.levels)
        base = self(dict.fromkeys(self.domains, 0.0))
        self.objective = Objective(self.domains, levels, behaviors, base, max_fluency_drop)
        reading = LogProbReading(self.objective.describe(), dict.fromkeys(self.domains, self.shape[1]))
        held = [self._held(reading, points) for points in self._grid()]
        self.names = np.array(list(behaviors))
        self.held_on_grid = np.concatenate(held)
        self.reachable = set(self.names[self.held_on_grid.any(axis=0)])

    def __call__(self, coefficients: Mapping[str, float]) -> Evaluation:
        """Return the evaluation at these coefficients."""
        point = np.array([[coefficients[domain] for domain in self.domains]])
        values = self._at(point).reshape(self.shape)
        return Evaluation(dict(coefficients), dict(zip(self.domains, values, strict=True)), 0.0)

    def space(self, seed: int, budget: int) -> SearchSpace:
        """Return the space that samplers are made for."""
        return SearchSpace(self.domains, self.low, self.high, seed, budget, tuple(self.objective.behaviors))

    def _grid(self) -> Iterator[NDArray[np.float64]]:
        """Yield the points that decide what is reachable, a thousand at a time."""
        if len(self.domains) <= 3:
            points = np.array(list(product(np.linspace(self.low, self.high, POINTS), repeat=len(self.domains))))
        else:
            unit = qmc.Sobol(len(self.domains), rng=np.random.default_rng(0)).random_base2(14)
            points = self.low + (self.high - self.low) * unit
        yield from np.array_split(points, math.ceil(len(points) / 1000))

    def _held(self, reading: LogProbReading, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which behaviors hold at each point, `[points, behaviors]`."""
        values = self._at(points).reshape(-1, *self.shape)
        outputs = np.array([reading.encode(dict(zip(self.domains, each, strict=True))) for each in values])
        still = np.zeros((1, outputs.shape[1]))
        feasible = reading.excess(outputs, np.zeros(len(outputs)), still)[:, 0] <= 0
        return np.asarray((reading.margins(outputs) > 0) & feasible)


def searched(truth: Truth, name: str, seed: int, budget: int) -> tuple[list[int], float]:
    """Return the number of reachable behaviors found after each evaluation, and the CPU seconds of one."""
    space = truth.space(seed, budget)
    sampler = registry.create("samplers", name, {}).create(space)
    directions = ["maximize"] * len(space.behaviors)
    study = optuna.create_study(directions=directions, sampler=sampler)
    began = time.process_time()
    trials = run_search(study, space, truth, truth.objective)
    seconds = (time.process_time() - began) / len(trials)
    found, curve = set[str](), []
    for trial in trials:
        found |= {name for name, judgement in trial.behaviors.items() if judgement.held}
        curve.append(len(found & truth.reachable))
    return curve + curve[-1:] * (budget - len(curve)), seconds


def raster(truth: Truth, budget: int) -> list[int]:
    """Return the curve of the paper's grid visited in its own order, row by row."""
    ever = np.maximum.accumulate(truth.held_on_grid, axis=0)
    return [int(count) for count in ever.sum(axis=1)[:budget]]


def reached(curve: Sequence[int], count: int) -> int | None:
    """Return how many evaluations it took to find `count` behaviors, or None for never."""
    return next((i + 1 for i, found in enumerate(curve) if found >= count), None)


def measure(truth: Truth, names: Sequence[str], seeds: int, budget: int) -> dict[str, Any]:
    """Return each sampler's curves, as `--json` prints them."""
    most = len(truth.reachable)
    results = {}
    for name in names:
        if name == FULL_GRID:
            runs = [(raster(truth, POINTS**3), 0.0)]
        else:
            runs = [searched(truth, name, seed, budget) for seed in range(seeds)]
        curves = [curve for curve, _ in runs]
        results[name] = {
            "found": curves,
            "to_90": [reached(curve, math.ceil(0.9 * most)) for curve in curves],
            "to_all": [reached(curve, most) for curve in curves],
            "seconds_per_evaluation": float(np.mean([seconds for _, seconds in runs])),
        }
        print(f"{name}: {results[name]['to_90']} {results[name]['to_all']}", file=sys.stderr, flush=True)
    return results


def table(results: Mapping[str, Any], budget: int) -> str:
    """Return the results as a Markdown table: mean behaviors found, and evaluations needed by each seed."""
    marks = [mark for mark in MARKS if mark <= budget]
    titles = ["sampler", *map(str, marks), "90 % found at", "all found at", "CPU s per evaluation"]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for name, result in results.items():
        means = [_mean(result["found"], mark) for mark in marks]
        needed = [", ".join(str(n or "never") for n in result[key]) for key in ("to_90", "to_all")]
        seconds = f"{result['seconds_per_evaluation']:.2f}"
        lines.append("| " + " | ".join([name, *means, *needed, seconds]) + " |")
    return "\n".join(lines)


def _mean(curves: Sequence[Sequence[int]], mark: int) -> str:
    known = all(len(curve) >= mark for curve in curves)
    return f"{np.mean([curve[mark - 1] for curve in curves]):.1f}" if known else "-"


def draw(results: Mapping[str, Any], reachable: int, budget: int, path: Path) -> None:
    """Draw behaviors found against evaluations."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, result in results.items():
        mean = np.mean([curve[:budget] for curve in result["found"]], axis=0)
        axes.plot(range(1, len(mean) + 1), mean, label=name)
    axes.axhline(reachable, color="gray", linestyle=":", label="reachable")
    axes.set(xlabel="evaluations", ylabel="behaviors found", ylim=(0, reachable + 1))
    axes.legend(fontsize="small")
    figure.savefig(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the arguments, run, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surface", type=Path, default=Path(__file__).parent / "surface-smollm2-135m.npz")
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help=f"names, also {FULL_GRID}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--low", type=float, default=-1.5)
    parser.add_argument("--high", type=float, default=1.0)
    parser.add_argument("--max-fluency-drop", type=float, default=math.inf, help="nats per token")
    parser.add_argument("--json", action="store_true", help="print every curve instead of a table")
    parser.add_argument("--figure", type=Path, help="draw the curves into this file")
    parser.add_argument("--join", type=Path, nargs="*", default=[], help="results of earlier runs with --json")
    args = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    truth = Truth(args.surface, args.low, args.high, args.max_fluency_drop)
    results = {}
    for path in args.join:
        results.update(json.loads(path.read_text())["samplers"])
    results.update(measure(truth, [name for name in args.samplers.split(",") if name], args.seeds, args.budget))
    if args.figure:
        draw(results, len(truth.reachable), args.budget, args.figure)
    if args.json:
        print(json.dumps({"surface": args.surface.name, "reachable": len(truth.reachable), "samplers": results}))
    else:
        print(f"{args.surface.name}: {len(truth.reachable)} of {len(truth.names)} behaviors are reachable\n")
        print(table(results, args.budget))


if __name__ == "__main__":
    main()
