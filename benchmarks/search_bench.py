"""How many evaluations each sampler needs to find the behaviors of a recorded surface.

    python benchmarks/search_bench.py --surface benchmarks/surface-smollm2-135m.npz \
        --samplers response-surface,tpe,random --seeds 3 --budget 60

What a surface file holds, and how to make one, is said in search_surfaces.py. The truth is an interpolator of another
family than any sampler's model: scipy's RBFInterpolator, a thin-plate spline through all points. Every sampler starts
from nothing, without a sweep, and an evaluation counts for all behaviors. A behavior is reachable when it holds
somewhere on the paper's grid of 21 values a coefficient (for more than three domains, at one of 16,384 Sobol points),
and found when it was held at an evaluation.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from avspec.search.blocks import Watch, in_blocks
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective
from avspec.search.reading import LogProbReading
from avspec.search.response_surface import ResponseSurfaceSampler
from avspec.search.study import run_search
from search_surfaces import Recorded, load
from search_tables import draw, summary, table

WHOLE = "response-surface-whole"
"""The response surface without stopping evaluations after a part of their rows."""
SAMPLERS = ("response-surface", "tpe", "gp", "cma-es", "random", "grid")
FULL_GRID = "full-grid"
POINTS = 21
"""Values of each coefficient on the paper's grid."""


class Truth:
    """A surface that answers at any coefficients, and what can be reached on it."""

    def __init__(self, recorded: Recorded, max_fluency_drop: float = math.inf) -> None:
        points, values = recorded.points, recorded.log_probs
        self.low, self.high, self.shape = recorded.low, recorded.high, values.shape[1:]
        self.domains = tuple(f"domain-{i + 1}" for i in range(self.shape[0]))
        self.levels = tuple(f"level-{i + 1}" for i in range(self.shape[2]))
        self._at = RBFInterpolator(points, values.reshape(len(points), -1))
        combinations = product(self.levels, repeat=len(self.domains))
        behaviors = {",".join(c): dict(zip(self.domains, c, strict=True)) for c in combinations}
        levels = dict.fromkeys(self.domains, self.levels)
        base = self(dict.fromkeys(self.domains, 0.0))
        self.objective = Objective(self.domains, levels, behaviors, base, max_fluency_drop)
        self.reading = LogProbReading(self.objective.describe(), dict.fromkeys(self.domains, self.shape[1]))
        held = [self._held(points) for points in self._grid()]
        self.names = np.array(list(behaviors))
        self.held_on_grid = np.concatenate(held)
        self.reachable = set(self.names[self.held_on_grid.any(axis=0)])

    def __call__(self, coefficients: Mapping[str, float], watch: Watch | None = None) -> Evaluation:
        """Return the evaluation at these coefficients.

        Raises:
            Pruned: `watch` stopped it.
        """
        point = np.array([[coefficients[domain] for domain in self.domains]])
        values = dict(zip(self.domains, self._at(point).reshape(self.shape), strict=True))
        in_blocks(lambda rows: {n: v[rows] for n, v in values.items()}, dict.fromkeys(values, self.shape[1:]), watch)
        return Evaluation(dict(coefficients), values, 0.0)

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

    def _held(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which behaviors hold at each point, `[points, behaviors]`."""
        values = self._at(points).reshape(-1, *self.shape)
        outputs = np.array([self.reading.encode(dict(zip(self.domains, each, strict=True))) for each in values])
        still = np.zeros((1, outputs.shape[1]))
        feasible = self.reading.excess(outputs, np.zeros(len(outputs)), still)[:, 0] <= 0
        return np.asarray((self.reading.margins(outputs) > 0) & feasible)


@dataclass(frozen=True)
class Run:
    """One search of one sampler."""

    found: list[int]
    """Reachable behaviors found after each evaluation, up to the budget."""
    spent: list[float]
    """What all evaluations so far cost, where one that was stopped costs the part of its rows that was scored."""
    evaluations: int
    """Evaluations after which the sampler stopped by itself, or the budget."""
    given_up: int | None
    """Reachable behaviors that it called unreachable at its end; None for a sampler that does not judge."""
    seconds: float
    """CPU seconds of one evaluation: the sampler, Optuna's storage in memory, and the spline in place of a model."""


def searched(truth: Truth, name: str, seed: int, budget: int) -> Run:
    """Return one sampler's search with one seed."""
    space = truth.space(seed, budget)
    plugin, options = ("response-surface", {"prune": False}) if name == WHOLE else (name, {})
    sampler = registry.create("samplers", plugin, options).create(space)
    directions = ["maximize"] * len(space.behaviors)
    study = optuna.create_study(directions=directions, sampler=sampler)
    began = time.process_time()
    trials = run_search(study, space, truth, truth.objective)
    seconds = (time.process_time() - began) / len(trials)
    found, curve = set[str](), []
    for trial in trials:
        found |= {name for name, judgement in trial.behaviors.items() if judgement.held}
        curve.append(len(found & truth.reachable))
    given_up = _given_up(sampler, study, truth.reachable - found)
    spent = np.cumsum([trial.part for trial in trials]).tolist()
    return Run(curve + curve[-1:] * (budget - len(curve)), spent, len(trials), given_up, seconds)


def _given_up(sampler: optuna.samplers.BaseSampler, study: optuna.Study, missing: set[str]) -> int | None:
    """Return how many of these behaviors a sampler calls unreachable; None where it cannot tell."""
    if not isinstance(sampler, ResponseSurfaceSampler) or (assessment := sampler.assess(study)) is None:
        return None
    return sum(assessment.standings[name] == "unreachable" for name in missing)


def raster(truth: Truth) -> list[int]:
    """Return the curve of the paper's grid visited in its own order, row by row.

    Raises:
        SystemExit: There are more than three domains: 21 to their power is more than anybody evaluates.
    """
    if len(truth.domains) > 3:
        raise SystemExit(f"{FULL_GRID} is for at most three domains")
    ever = np.maximum.accumulate(truth.held_on_grid, axis=0)
    return [int(count) for count in ever.sum(axis=1)]


def reached(curve: Sequence[int], count: int) -> int | None:
    """Return how many evaluations it took to find `count` behaviors, or None for never."""
    return next((i + 1 for i, found in enumerate(curve) if found >= count), None)


def cost(run: Run, count: int) -> float | None:
    """Return what the evaluations cost that it took to find `count` behaviors, in whole ones, or None for never."""
    last = reached(run.found, count)
    return None if last is None else run.spent[last - 1]


def measure(truth: Truth, names: Sequence[str], seeds: int, budget: int) -> dict[str, Any]:
    """Return each sampler's curves, as `--json` prints them."""
    most = len(truth.reachable)
    results = {}
    for name in names:
        if name == FULL_GRID:
            grid = raster(truth)
            runs = [Run(grid, list(range(1, len(grid) + 1)), len(grid), None, 0.0)]
        else:
            runs = [searched(truth, name, seed, budget) for seed in range(seeds)]
        results[name] = {
            "found": [run.found for run in runs],
            "to_90": [reached(run.found, math.ceil(0.9 * most)) for run in runs],
            "to_all": [reached(run.found, most) for run in runs],
            "cost_to_90": [cost(run, math.ceil(0.9 * most)) for run in runs],
            "cost_to_all": [cost(run, most) for run in runs],
            "evaluations": [run.evaluations for run in runs],
            "given_up": [run.given_up for run in runs],
            "seconds_per_evaluation": float(np.mean([run.seconds for run in runs])),
        }
        print(f"{name}: {results[name]['to_90']} {results[name]['to_all']}", file=sys.stderr, flush=True)
    return results


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the arguments, run, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    recorded = str(Path(__file__).parent / "surface-smollm2-135m.npz")
    parser.add_argument("--surface", default=recorded, help="a file, or synthetic-DOMAINSxLEVELS-SEED")
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help=f"names, also {WHOLE} and {FULL_GRID}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--max-fluency-drop", type=float, default=math.inf, help="nats per token")
    parser.add_argument("--json", action="store_true", help="print every curve instead of a table")
    parser.add_argument("--figure", type=Path, help="draw the curves into this file")
    parser.add_argument("--join", type=Path, nargs="*", default=[], help="results of earlier runs with --json")
    parser.add_argument("--summary", type=Path, nargs="*", help="only print one table of results made with --json")
    args = parser.parse_args(arguments)
    if args.summary is not None:
        print(summary(json.loads(path.read_text()) for path in args.summary))
        return
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    truth = Truth(load(args.surface), args.max_fluency_drop)
    results = {}
    for path in args.join:
        results.update(json.loads(path.read_text())["samplers"])
    results.update(measure(truth, [name for name in args.samplers.split(",") if name], args.seeds, args.budget))
    if args.figure:
        draw(results, len(truth.reachable), args.budget, args.figure)
    if args.json:
        print(json.dumps({"surface": Path(args.surface).name, "reachable": len(truth.reachable), "samplers": results}))
    else:
        print(f"{Path(args.surface).name}: {len(truth.reachable)} of {len(truth.names)} behaviors are reachable\n")
        print(table(results, args.budget))


if __name__ == "__main__":
    main()
