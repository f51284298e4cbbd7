"""compare: other samplers on the same model, with as many evaluations, to see how many behaviors they find."""

from collections.abc import Mapping
from pathlib import Path

from avspec.plan.comparisons import CompareParams
from avspec.search.trials import held_after
from avspec.stages.context import Context
from avspec.stages.searcher import Searcher
from avspec.stages.surface import write_json


def run(params: CompareParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `compare.json`: of each sampler how many behaviors hold after each of its evaluations."""
    searcher, held = Searcher(params, inputs, ctx), {}
    searches = params.searches()
    for left, (name, search) in zip(range(len(searches) - 1, -1, -1), searches.items(), strict=True):
        trials = searcher.run(searcher.open(search), left * params.evaluations, f"{name}: ")
        held[name] = held_after(trials[: params.evaluations])
    found = ", ".join(f"{name} {curve[-1]}" for name, curve in held.items())
    ctx.progress(1, 1, f"of {len(params.behaviors)} behaviors found: {found}")
    write_json(out / "compare.json", {"format_version": 1, "evaluations": params.evaluations, "held": held})
