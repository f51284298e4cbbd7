"""sweep: each AV alone over its coefficient range, read in every domain and guardrail (paper, tables 1-4)."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    curves, failed = swept(surface, params.domains, coefficients(params.low, params.high, params.step), ctx)
    ctx.progress(1, 1, f"{surface.made} evaluations made")
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


def swept(
    surface: Surface, domains: Sequence[str], values: Sequence[float], ctx: Context
) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
    """Return each domain's curve, one knob at a time, and the points at which the model gave no numbers.

    Args:
        surface: What is evaluated.
        domains: The knobs.
        values: Their coefficients, ascending.
        ctx: Is told of each evaluation, and may stop between two.
    """
    points = [(domain, c) for domain in domains for c in values]
    curves: dict[str, list[dict[str, Any]]] = {domain: [] for domain in domains}
    failed: list[dict[str, Any]] = []
    for done, (domain, coefficient) in enumerate(points):
        ctx.progress(done, len(points), f"{domain} {coefficient:+g}")
        surface.ahead = len(points) - done - 1
        try:
            evaluation = surface.evaluate({domain: coefficient})
        except NonFinite as error:
            ctx.log(f"{domain} at {coefficient:+g}: {error.what}")
            failed.append({"domain": domain, "coefficient": coefficient, "reason": error.what})
            continue
        read = {name: stats.described(values, surface.levels[name]) for name, values in evaluation.log_probs.items()}
        curves[domain].append({"coefficient": coefficient, "domains": read})
    return curves, failed


def coefficients(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of `step` within the range, 0 among them where it lies inside, and both ends."""
    inside = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return sorted({round(float(c), 6) + 0.0 for c in (low, *inside, high)})
