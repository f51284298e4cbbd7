"""sweep: each AV alone over its coefficient range, read in every domain and guardrail (paper, tables 1-4)."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from avspec import stats
from avspec.errors import NonFinite
from avspec.plan.params import SweepParams
from avspec.stages.context import Context
from avspec.stages.surface import Live, Surface, write_json


def run(params: SweepParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `sweep.json`: for each domain's AV the shares of every level at each coefficient."""
    began = time.perf_counter()
    surface = Surface(
        Live(inputs, params.domains, ctx.device, ctx.log), inputs, params.levels, "search", ctx.evaluations
    )
    points = [(domain, c) for domain in params.domains for c in coefficients(params.low, params.high, params.step)]
    curves: dict[str, list[object]] = {domain: [] for domain in params.domains}
    failed = []
    for done, (domain, coefficient) in enumerate(points):
        ctx.progress(done, len(points), f"{domain} {coefficient:+g}")
        surface.ahead = len(points) - done - 1
        try:
            evaluation = surface.evaluate({domain: coefficient})
        except NonFinite as error:
            ctx.log(f"{domain} at {coefficient:+g}: {error.what}")
            failed.append({"domain": domain, "coefficient": coefficient, "reason": error.what})
            continue
        read = {name: stats.described(values, params.levels[name]) for name, values in evaluation.log_probs.items()}
        curves[domain].append({"coefficient": coefficient, "domains": read})
    ctx.progress(len(points), len(points), f"{surface.made} evaluations made")
    write_json(
        out / "sweep.json",
        {
            "format_version": 1,
            "step": params.step,
            "low": params.low,
            "high": params.high,
            "split": "search",
            "curves": curves,
            "failed": failed,
            "evaluations": surface.made,
            "seconds": time.perf_counter() - began,
        },
    )


def coefficients(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of `step` within the range, 0 among them where it lies inside, and both ends."""
    inside = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return sorted({round(float(c), 6) + 0.0 for c in (low, *inside, high)})
