"""transfer: each AV alone on another fine-tune, read in every domain and guardrail (paper, section 6.4)."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avspec import stats
from avspec.plan.comparisons import TransferParams
from avspec.stages.context import Context
from avspec.stages.surface import Live, Surface, write_json
from avspec.stages.sweep import coefficients, swept

RANGE = (-1.0, 1.0)
"""Coefficients that the paper's summary is of."""


def run(params: TransferParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `transfer.json`: a curve for each AV on the target, and what each comes to.

    Rows are those of the test split: no coefficient is chosen here.
    """
    began = time.perf_counter()
    (target,) = (path for address, path in inputs.items() if address.startswith("target["))
    here = {address: path for address, path in inputs.items() if not address.startswith("target[")}
    base = Surface(Live(here, params.domains, ctx.device), here, params.levels, "test", ctx.evaluations).evaluate({})
    there = {**here, "base": target}
    live = Live(there, params.domains, ctx.device, ctx.log, transfer=True)
    surface = Surface(live, there, params.levels, "test", ctx.evaluations)
    curves, failed = swept(surface, params.domains, coefficients(params.low, params.high, params.step), ctx)
    write_json(
        out / "transfer.json",
        {
            "format_version": 1,
            "target": params.target,
            "split": "test",
            "step": params.step,
            "low": params.low,
            "high": params.high,
            "base": {n: stats.described(values, params.levels[n]) for n, values in base.log_probs.items()},
            "curves": curves,
            "summary": {domain: summary(curve, domain, params.levels) for domain, curve in curves.items()},
            "failed": failed,
            "seconds": time.perf_counter() - began,
        },
    )
    ctx.progress(1, 1, f"{len(params.domains)} vectors on {params.target}")


def summary(curve: Sequence[Mapping[str, Any]], knob: str, levels: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what turning a knob from -1 to 1, or as far as it was turned, does.

    Args:
        curve: The knob's curve, ascending coefficients.
        knob: Its domain.
        levels: Domain or guardrail to its levels, least to most preferred.

    Returns:
        `rise` of the highest level's share in the knob's own domain from the smallest coefficient to the largest, and
        of each other domain and guardrail the `ranges`, largest less smallest share of its highest level.
    """
    inside = [point for point in curve if RANGE[0] <= point["coefficient"] <= RANGE[1]]
    if len(inside) < 2:
        return {"coefficients": None, "rise": None, "ranges": {}}
    shares = {n: [point["domains"][n]["shares"][named[-1]] for point in inside] for n, named in levels.items()}
    return {
        "coefficients": [inside[0]["coefficient"], inside[-1]["coefficient"]],
        "rise": shares[knob][-1] - shares[knob][0],
        "ranges": {name: max(values) - min(values) for name, values in shares.items() if name != knob},
    }
