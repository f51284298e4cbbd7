"""Surfaces to search on: made up from a seed, or recorded from the model of a run.

    python benchmarks/search_surfaces.py synthetic surface.npz --domains 4 --levels 3 --seed 7
    python benchmarks/search_surfaces.py tiny surface.npz --seed 1
    python benchmarks/search_surfaces.py run runs/quickstart surface.npz --points 80

A file holds `P` [evaluations, domains], coefficient vectors, of which the first is the origin; `Y` [evaluations,
domains, rows, levels], mean token log-probs in nats; and `range`, the lowest and highest coefficient. `tiny` trains the
tiny random Llama of `avspec.testing` on the bundled rows with the real pipeline and records that run; `run` does the
same for any finished run, with the rows of its search split. `search_bench.py --surface` takes such a file, or
`synthetic-4x3-7` (domains x levels - seed) without one.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from avspec.api import Row

Array = NDArray[np.float64]

LOW, HIGH = -1.5, 1.0
"""The range of the made-up surfaces, which is the recorded one's."""
TINY = """
apiVersion: avspec/v1
name: tiny
model: {{base: "path:{base}", dtype: float32}}
levels: [avoidance, generic, expert]
domains:
  medical: {{plugin: medical}}
  financial: {{plugin: financial}}
  legal: {{plugin: legal}}
data: {{split: {{train: 0.6, search: 0.2, test: 0.2}}}}
training: {{plugin: dpo, beta: 0.3, learning_rate: 1e-3, epochs: 6, batch_size: 4, anchors: 0.5}}
sweep: {{step: 1.5}}
search: {{sampler: random, evaluations: 1, low: -1.5, high: 1.5, seed: {seed}}}
behaviors:
  any: {{medical: expert}}
"""
"""The spec of the tiny run: the learning rate and epochs are those at which its levels change hands."""


@dataclass(frozen=True)
class Recorded:
    """Evaluations of a surface."""

    points: Array
    """`[evaluations, domains]`; the first is the origin."""
    log_probs: Array
    """`[evaluations, domains, rows, levels]`, nats per token."""
    low: float = LOW
    high: float = HIGH

    def save(self, path: Path) -> None:
        """Write the file that `load` reads."""
        np.savez_compressed(
            path, P=self.points, Y=self.log_probs.astype(np.float32), range=np.array([self.low, self.high])
        )


def load(name: str) -> Recorded:
    """Return the surface in a file, or the made-up one of a name like `synthetic-4x3-7`.

    Raises:
        SystemExit: It is neither.
    """
    if match := re.fullmatch(r"synthetic-(\d+)x(\d+)-(\d+)", name):
        return synthetic(*map(int, match.groups()))
    if not Path(name).is_file():
        raise SystemExit(f"there is no surface {name}: give a file, or synthetic-DOMAINSxLEVELS-SEED")
    with np.load(name) as file:
        low, high = file["range"].tolist() if "range" in file else (LOW, HIGH)
        return Recorded(file["P"].astype(float), file["Y"].astype(float), low, high)


def spread(domains: int, count: int, low: float, high: float, seed: int) -> Array:
    """Return the origin and the points of a scrambled Sobol sequence, `[1 + count, domains]`."""
    power = int(np.ceil(np.log2(count)))
    unit = qmc.Sobol(domains, rng=np.random.default_rng(seed)).random_base2(power)[:count]
    return np.vstack([np.zeros((1, domains)), low + (high - low) * unit])


def synthetic(domains: int, levels: int, seed: int, rows: int = 12, points: int | None = None) -> Recorded:
    """Return a made-up surface with what real ones show.

    A domain's push is its own coefficient and a part of the others', more so the fewer there are; it saturates,
    from a place and with a steepness of the domain's own. A row answers to the push with a strength of its own
    and starts from a preference of its own; levels stand in order along the push, so that middle levels hold in
    a band only. Every log-prob falls with the square of the edit, and has a part that is smooth but nothing else.
    """
    draw = np.random.default_rng([seed, domains, levels])
    at = spread(domains, points or min(64 * 2**domains, 1536), LOW, HIGH, seed)
    leak = draw.uniform(0.2, 1.0, (domains, domains)) / max(domains - 1, 1)
    np.fill_diagonal(leak, 1.0)
    steep, place = draw.uniform(0.7, 1.8, domains), draw.uniform(-0.5, 0.5, domains)
    push = np.tanh(steep * (at @ leak.T) + place)[:, :, None, None]
    strength = np.exp(0.35 * draw.standard_normal((domains, rows, 1)))
    position = np.linspace(-1, 1, levels)
    start = (
        -4.2 + 0.35 * draw.standard_normal((domains, rows, levels)) + 0.1 * draw.standard_normal((domains, 1, levels))
    )
    ordered = 2.0 * strength * (push * position - 0.5 * position**2)
    worn = draw.uniform(0.1, 0.3, (domains, 1, 1)) * (at**2).sum(axis=1)[:, None, None, None]
    return Recorded(at, start + ordered - worn + _smooth(at, (domains, rows, levels), draw))


def _smooth(at: Array, shape: tuple[int, ...], draw: np.random.Generator, size: float = 0.15) -> Array:
    """Return draws of a smooth random function for each output (random Fourier features, length scale 1)."""
    features = 64
    waves = np.cos(at @ draw.standard_normal((at.shape[1], features)) + draw.uniform(0, 2 * np.pi, features))
    return (
        size
        * np.sqrt(2 / features)
        * (waves @ draw.standard_normal((features, int(np.prod(shape))))).reshape(-1, *shape)
    )


def record(
    run: Path, points: int, seed: int = 0, progress: Callable[[int, int], None] = lambda n, of: None
) -> Recorded:
    """Evaluate a run's model at the origin and at Sobol points in the range its spec searches.

    Args:
        run: A folder `runs/NAME`, beside the `.avspec/` of the `avspec apply` that made it.
        points: Evaluations beside the origin.
        seed: Of the Sobol points.
        progress: Told the evaluations done and in all.

    Raises:
        SystemExit: The domains have different numbers of levels, or some have no rows in the search split.
    """
    from avspec.model.steered import SteeredModel

    model = SteeredModel.open(run)
    rows = _search_rows(run, model.run.domains)
    low, high = _range(run)
    at = spread(len(rows), points, low, high, seed)
    values = []
    for point in at:
        model.set(dict(zip(rows, map(float, point), strict=True)))
        values.append([model.log_probs(domain, group) for domain, group in rows.items()])
        progress(len(values), len(at))
    return Recorded(at, np.array(values), low, high)


def tiny(folder: Path, seed: int) -> Path:
    """Train the tiny random model with the real pipeline, three vectors, and return the run's folder."""
    from avspec.testing.tiny import tiny_model

    base = tiny_model(folder / "model", seed=seed)
    (folder / "spec.yaml").write_text(TINY.format(base=base, seed=seed))
    command = [sys.executable, "-m", "avspec.cli", "apply", "spec.yaml", "--target", "sweep"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "runs" / "tiny"


def _search_rows(run: Path, levels: Mapping[str, Sequence[str]]) -> dict[str, list[Row]]:
    """Return the rows of each domain's search split, as many of each as of the shortest."""
    if len({len(each) for each in levels.values()}) > 1:
        raise SystemExit("a surface file needs domains with equally many levels")
    rows = {}
    for domain in levels:
        lines = map(json.loads, (run / "data" / f"{domain}.jsonl").read_text("utf-8").splitlines())
        own = [line for line in lines if line["split"] == "search"]
        rows[domain] = [Row(line["id"], domain, line["query"], line["responses"], line["source"]) for line in own]
    shortest = min(map(len, rows.values()))
    if not shortest:
        raise SystemExit("a domain has no rows in the search split")
    return {domain: own[:shortest] for domain, own in rows.items()}


def _range(run: Path) -> tuple[float, float]:
    search = json.loads((run / "avspec.lock").read_text("utf-8"))["spec"]["search"]
    return float(search["low"]), float(search["high"])


def _tell(done: int, total: int) -> None:
    print(f"\r{done} of {total} evaluations", end="" if done < total else "\n", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the arguments, make the surface, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    made = kinds.add_parser("synthetic", help="a made-up surface")
    made.add_argument("out", type=Path)
    made.add_argument("--domains", type=int, default=3)
    made.add_argument("--levels", type=int, default=3)
    made.add_argument("--rows", type=int, default=12)
    for kind, points in (("tiny", 256), ("run", 80)):
        recorded = kinds.add_parser(kind, help=f"recorded from {'the tiny model' if kind == 'tiny' else 'a run'}")
        if kind == "run":
            recorded.add_argument("run", type=Path)
        else:
            recorded.add_argument("--work", type=Path, help="folder for the tiny run; a temporary one when not given")
        recorded.add_argument("out", type=Path)
        recorded.add_argument("--points", type=int, default=points, help="evaluations beside the origin")
    for each in kinds.choices.values():
        each.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    if args.kind == "synthetic":
        surface = synthetic(args.domains, args.levels, args.seed, args.rows)
    elif args.kind == "run":
        surface = record(args.run, args.points, args.seed, _tell)
    elif args.work:
        surface = record(tiny(args.work, args.seed), args.points, args.seed, _tell)
    else:
        with tempfile.TemporaryDirectory() as folder:
            surface = record(tiny(Path(folder), args.seed), args.points, args.seed, _tell)
    surface.save(args.out)


if __name__ == "__main__":
    main()
